package metrics

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/qemu/watch"
)

// consoles are the logs of three nodes: one that is well, one that misses a peer and has a
// warning, one that has said nothing.
func consoles(t *testing.T) *watch.Serial {
	t.Helper()
	dir := t.TempDir()
	var sources []string
	for name, r := range map[string]health.Record{
		"till":  {Boot: 7, Seq: 4, Up: 90 * time.Second, Node: "shop@till", State: health.Up, PID: 42, Peers: 1, Connected: 1, Restarts: 2, Mem: 61 << 20, Probe: 3 * time.Millisecond, Slot: "A"},
		"store": {Boot: 8, Seq: 9, Up: time.Hour, Node: "shop@store", State: health.Degraded, PID: 41, Peers: 1, Missing: []health.Missing{{Name: "till", Reason: "unreachable"}}, Warn: []string{"data"}},
		"mute":  {},
	} {
		text := ""
		if r.Boot != 0 {
			text = string(r.Append([]byte(health.Speaker))) + "\r\n"
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		sources = append(sources, path)
	}
	from, err := watch.Open(t.Context(), sources, watch.Options{Interval: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { from.Close() })
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		s, err := from.Status()
		if err != nil {
			t.Fatal(err)
		}
		heard := 0
		for _, n := range s.Nodes {
			if n.HasRecord {
				heard++
			}
		}
		if heard == 2 {
			return from
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of 2 nodes are heard: %+v", heard, s.Nodes)
		}
	}
}

const want = `
beaminit_info{erlang="shop@store",node="store",slot=""} 1
beaminit_info{erlang="shop@till",node="till",slot="A"} 1
beaminit_memory_bytes{node="store"} 0
beaminit_memory_bytes{node="till"} 6.3963136e+07
beaminit_peer_missing{node="store",peer="till",reason="unreachable"} 1
beaminit_peers{node="store"} 1
beaminit_peers{node="till"} 1
beaminit_peers_connected{node="store"} 0
beaminit_peers_connected{node="till"} 1
beaminit_probe_seconds{node="store"} 0
beaminit_probe_seconds{node="till"} 0.003
beaminit_restarts_total{node="store"} 0
beaminit_restarts_total{node="till"} 2
beaminit_state{node="mute",state="booting"} 1
beaminit_state{node="store",state="degraded"} 1
beaminit_state{node="till",state="up"} 1
beaminit_up{node="mute"} 0
beaminit_up{node="store"} 0
beaminit_up{node="till"} 1
beaminit_uptime_seconds{node="store"} 3600
beaminit_uptime_seconds{node="till"} 90
beaminit_warning{node="store",warning="data"} 1
`

// What Prometheus gets by HTTP is what the consoles say.
func TestServe(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	address, err := Serve(ctx, "127.0.0.1:0", consoles(t))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get("http://" + address.String() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s, %v\n%s", resp.Status, err, body)
	}
	// What differs each time is in no golden.
	lines := regexp.MustCompile(`(?m)^(#|beaminit_record).*\n`).ReplaceAllString(string(body), "")
	uptime := regexp.MustCompile(`(?m)^(beaminit_uptime_seconds.*? [0-9e+]+)[0-9.]*$`)
	if got := "\n" + uptime.ReplaceAllString(lines, "$1"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// The names and their help are as Prometheus wants them.
func TestLint(t *testing.T) {
	problems, err := testutil.CollectAndLint(collector{consoles(t)})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// odd is a source of nodes as a broken console may have them.
type odd []watch.NodeStatus

func (o odd) Status() (watch.Status, error) { return watch.Status{Nodes: o}, nil }

func TestOddWords(t *testing.T) {
	nodes := odd{{Name: "a\xff", HasRecord: true, Erlang: "\xfe", Missing: []string{"b:x", "b:x", ":"}, Warn: []string{"data", "data", ""}, Connected: -1}}
	n, err := testutil.GatherAndCount(registry(nodes))
	if err != nil || n != 14 {
		t.Errorf("%d series, %v; want 14", n, err)
	}
}

func TestServeNowhere(t *testing.T) {
	if _, err := Serve(t.Context(), "no port", nil); err == nil {
		t.Error("an address without a port is taken")
	}
}
