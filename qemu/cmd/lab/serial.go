package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"reflect"
	"time"

	"github.com/beaminit/beaminit/health"
	labpkg "github.com/beaminit/beaminit/qemu/lab"
	"github.com/beaminit/beaminit/qemu/metrics"
	"github.com/beaminit/beaminit/qemu/tui"
)

// serial is what the flags of watch say where it is given serial lines.
type serial struct {
	require  string
	within   time.Duration
	once     bool
	json     bool
	interval time.Duration
	baud     uint
	key      string
	metrics  string
}

func (s *serial) flags(fs *flag.FlagSet) {
	fs.StringVar(&s.require, "require", "", "end when every node is in this state, such as up: exit status 0; with -within, 1 where one is not in time")
	fs.DurationVar(&s.within, "within", 0, "give up after this time (default: never; with -once, three intervals)")
	fs.BoolVar(&s.once, "once", false, "show the nodes once, when each has been heard; exit status 0 only when all are as -require has it (default up)")
	fs.BoolVar(&s.json, "json", false, "a line of JSON for each change of a node")
	fs.DurationVar(&s.interval, "interval", 10*time.Second, "between two health records of a node (health.interval); after three without one it is dead")
	fs.UintVar(&s.baud, "baud", 0, "of the ttys (default: as they are)")
	fs.StringVar(&s.metrics, "prometheus", "", "tell Prometheus what is known of the nodes, at http://ADDRESS/metrics; ADDRESS such as :9469")
	fs.StringVar(&s.key, "health-key", "", "key file (health.key_file): only records that are signed with it count")
}

// watchSerial shows nodes by their serial lines.
func (e env) watchSerial(ctx context.Context, sources []string) error {
	o := e.serial
	e.setup.healthKey = o.key
	key, err := e.setup.key()
	if err != nil {
		return err
	}
	from, err := labpkg.WatchSerial(ctx, sources, labpkg.SerialOptions{Interval: o.interval, Key: key, Baud: uint32(o.baud)})
	if err != nil {
		return usageError(err.Error())
	}
	defer from.Close()
	if err := o.serveMetrics(ctx, from); err != nil {
		return err
	}
	if err := e.page(ctx, from); err != nil {
		return err
	}
	if o.once && o.within == 0 {
		o.within = 3 * o.interval
	}
	if o.require == "" && !o.once && !o.json && o.within == 0 {
		return e.show(ctx, from)
	}
	if o.within > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.within)
		defer cancel()
	}
	return o.wait(ctx, e, from, len(sources))
}

// serveMetrics has Prometheus told, where that is wanted.
func (o *serial) serveMetrics(ctx context.Context, from metrics.Source) error {
	if o.metrics == "" {
		return nil
	}
	if _, err := metrics.Serve(ctx, o.metrics, from); err != nil {
		return usageError("-prometheus: " + err.Error() + "; want an address such as :9469 or 127.0.0.1:9469")
	}
	return nil
}

// wait waits for what is required, and tells each change or, with once, the end.
func (o *serial) wait(ctx context.Context, e env, from *labpkg.Serial, least int) error {
	want := health.State(o.require)
	if want == "" && o.once {
		want = health.Up
	}
	var lines tui.Lines
	said := map[string]labpkg.NodeStatus{}
	for {
		s, err := from.Status()
		if err != nil {
			return err
		}
		heard, right := len(s.Nodes) >= least, len(s.Nodes) >= least
		for _, n := range s.Nodes {
			heard, right = heard && n.HasRecord, right && n.HasRecord && n.State == want
		}
		over := ctx.Err() != nil
		switch {
		case o.json:
			o.sayJSON(e, s, said)
		case !o.once:
			for _, line := range lines.Next(s) {
				fmt.Fprintln(e.out, line)
			}
		case heard || over:
			tui.Table(e.out, s, 120)
		}
		switch {
		case o.once && heard, right && o.require != "":
			return verdict(right)
		case over:
			return verdict(right || want == "")
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func verdict(right bool) error {
	if right {
		return nil
	}
	return errNotWhole
}

// change is a line of -json.
type change struct {
	At time.Time `json:"at"`
	labpkg.NodeStatus
}

// sayJSON tells the nodes that are not as they were said to be. What changes by itself, as
// the age of a record, is no change.
func (o *serial) sayJSON(e env, s labpkg.Status, said map[string]labpkg.NodeStatus) {
	for _, n := range s.Nodes {
		still := n
		still.Age, still.Uptime, still.Probe, still.Memory = 0, 0, 0, 0
		if !reflect.DeepEqual(said[n.Name], still) {
			said[n.Name] = still
			json.NewEncoder(e.out).Encode(change{s.At, n})
		}
	}
}
