// Package metrics gives what is known of nodes to Prometheus: it reads what the table shows,
// at each scrape.
package metrics

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/qemu/watch"
)

// Source is where it is known: a lab, or serial lines.
type Source interface {
	Status() (watch.Status, error)
}

// metric is one of each node.
type metric struct {
	desc   *prometheus.Desc
	kind   prometheus.ValueType
	record bool // it is of the last record, and not there without one
	value  func(*watch.NodeStatus) float64
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("beaminit_"+name, help, append([]string{"node"}, labels...), nil)
}

// metrics are those with the node as their only label (Prometheus, "Metric and label naming").
var metrics = []metric{
	ofNode("up", "1 where the node is up with all its peers, 0 in every other state.", prometheus.GaugeValue,
		func(n *watch.NodeStatus) float64 { return one(n.State == health.Up) }),
	ofRecord("record_age_seconds", "Since the last health record.", prometheus.GaugeValue,
		func(n *watch.NodeStatus) float64 { return n.Age.Seconds() }),
	ofRecord("uptime_seconds", "Since the kernel of the node began.", prometheus.GaugeValue,
		func(n *watch.NodeStatus) float64 { return n.Uptime.Seconds() }),
	ofRecord("peers", "Peers that the node should be connected to.", prometheus.GaugeValue,
		func(n *watch.NodeStatus) float64 { return float64(n.Peers) }),
	ofRecord("restarts_total", "Starts of the release after the first one of this boot.", prometheus.CounterValue,
		func(n *watch.NodeStatus) float64 { return float64(n.Restarts) }),
	ofRecord("memory_bytes", "Resident memory of the VM.", prometheus.GaugeValue,
		func(n *watch.NodeStatus) float64 { return float64(n.Memory) }),
	ofRecord("probe_seconds", "What the VM took to answer the last probe.", prometheus.GaugeValue,
		func(n *watch.NodeStatus) float64 { return n.Probe.Seconds() }),
	ofNode("records_lost_total", "Health records that never came.", prometheus.CounterValue,
		func(n *watch.NodeStatus) float64 { return float64(n.Lost) }),
}

func ofNode(name, help string, kind prometheus.ValueType, value func(*watch.NodeStatus) float64) metric {
	return metric{desc: describe(name, help), kind: kind, value: value}
}

// ofRecord is ofNode for what only a health record says.
func ofRecord(name, help string, kind prometheus.ValueType, value func(*watch.NodeStatus) float64) metric {
	m := ofNode(name, help, kind, value)
	m.record = true
	return m
}

// Those with a further label, one series each for what is so now.
var (
	connected = describe("peers_connected", "Peers that the node is connected to; not there where it is not known.")
	state     = describe("state", "1 for the state that the node is in.", "state")
	missing   = describe("peer_missing",
		"1 for a peer that the node is not connected to; the reason is empty where it is not known.", "peer", "reason")
	warning = describe("warning", "1 for what is not well with the node, in the words of its health record.", "warning")
	info    = describe("info", "1, with the name of the Erlang node and the boot slot.", "erlang", "slot")
)

// collector asks a source at each scrape.
type collector struct{ source Source }

// Describe implements prometheus.Collector.
func (collector) Describe(ch chan<- *prometheus.Desc) {
	for _, m := range metrics {
		ch <- m.desc
	}
	for _, d := range []*prometheus.Desc{connected, state, missing, warning, info} {
		ch <- d
	}
}

// Collect implements prometheus.Collector. A source that cannot be asked is an error of the
// scrape.
func (c collector) Collect(ch chan<- prometheus.Metric) {
	s, err := c.source.Status()
	if err != nil {
		ch <- prometheus.NewInvalidMetric(metrics[0].desc, err)
		return
	}
	for i := range s.Nodes {
		collect(ch, &s.Nodes[i])
	}
}

// collect gives the metrics of one node. What a console said may hold anything, and anything
// twice.
func collect(ch chan<- prometheus.Metric, n *watch.NodeStatus) {
	given := map[string]bool{}
	give := func(d *prometheus.Desc, kind prometheus.ValueType, value float64, labels ...string) {
		labels = append([]string{n.Name}, labels...)
		for i := range labels {
			labels[i] = strings.ToValidUTF8(labels[i], "?")
		}
		if series := fmt.Sprintf("%p %q", d, labels); !given[series] {
			given[series] = true
			ch <- prometheus.MustNewConstMetric(d, kind, value, labels...)
		}
	}
	for _, m := range metrics {
		if n.HasRecord || !m.record {
			give(m.desc, m.kind, m.value(n))
		}
	}
	give(state, prometheus.GaugeValue, 1, string(n.State))
	if !n.HasRecord {
		return
	}
	if n.Connected >= 0 {
		give(connected, prometheus.GaugeValue, float64(n.Connected))
	}
	for _, peer := range n.Missing {
		name, reason, _ := strings.Cut(peer, ":")
		give(missing, prometheus.GaugeValue, 1, name, reason)
	}
	for _, word := range n.Warn {
		give(warning, prometheus.GaugeValue, 1, word)
	}
	give(info, prometheus.GaugeValue, 1, n.Erlang, n.Slot)
}

func one(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

func registry(from Source) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collector{from})
	return r
}

// Serve answers GET /metrics at an address (net.Listen, "tcp") until the context ends. Its
// error is that of the address.
func Serve(ctx context.Context, address string, from Source) (net.Addr, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry(from), promhttp.HandlerOpts{}))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { server.Close() })
	go server.Serve(listener)
	return listener.Addr(), nil
}
