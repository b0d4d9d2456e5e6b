package cli

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/qemu/metrics"
	"github.com/beaminit/beaminit/qemu/tui"
	"github.com/beaminit/beaminit/qemu/watch"
)

// Watch is what the flags say.
type Watch struct {
	require  string
	within   time.Duration
	once     bool
	json     bool
	interval time.Duration
	baud     uint
	key      string
	metrics  string

	// Also shows the nodes in another way too, and gives a note about it for below the live
	// table; nil: none.
	Also func(context.Context, *watch.Serial) (note string, err error)
}

// Flags defines them.
func (w *Watch) Flags(fs *flag.FlagSet) {
	fs.StringVar(&w.require, "require", "", "end when every node is in this state, such as up: exit status 0; "+
		"with -within, 1 where one is not in time")
	fs.DurationVar(&w.within, "within", 0, "give up after this time (default: never; with -once, three intervals)")
	fs.BoolVar(&w.once, "once", false, "show the nodes once, when each has been heard; "+
		"exit status 0 only when all are as -require has it (default up)")
	fs.BoolVar(&w.json, "json", false, "a line of JSON for each change of a node")
	fs.DurationVar(&w.interval, "interval", 10*time.Second, "between two health records of a node (health.interval); "+
		"after three without one it is dead")
	fs.UintVar(&w.baud, "baud", 0, "of the ttys (default: as they are)")
	fs.StringVar(&w.metrics, "prometheus", "", "tell Prometheus what is known of the nodes, at http://ADDRESS/metrics; ADDRESS such as :9469")
	fs.StringVar(&w.key, "health-key", "", "key file (health.key_file): only records that are signed with it count")
}

// Run watches the sources (see watch.Open) until what is required has come, ctx ends, or for
// ever. Its error is a UsageError for what the flags or sources are not, and ErrNotWhole where
// the nodes are not as required.
func (w *Watch) Run(ctx context.Context, sources []string, out io.Writer) error {
	if err := w.check(); err != nil {
		return err
	}
	key, err := Key(w.key)
	if err != nil {
		return err
	}
	from, err := watch.Open(ctx, sources, watch.Options{Interval: w.interval, Key: key, Baud: uint32(w.baud)})
	if err != nil {
		return UsageError(err.Error())
	}
	defer from.Close()
	if err := w.ServeMetrics(ctx, from); err != nil {
		return err
	}
	var note string
	if w.Also != nil {
		if note, err = w.Also(ctx, from); err != nil {
			return err
		}
	}
	return w.Show(ctx, out, from, len(sources), note)
}

// check says which flag has a value that cannot be.
func (w *Watch) check() error {
	if w.require != "" && !slices.Contains(states, health.State(w.require)) {
		return UsageError(fmt.Sprintf("-require %s: want one of %s", w.require, strings.Trim(fmt.Sprint(states), "[]")))
	}
	if w.interval < 100*time.Millisecond {
		return UsageError(fmt.Sprintf("-interval %v: want a time such as 10s, 100ms at least", w.interval))
	}
	if w.within < 0 {
		return UsageError(fmt.Sprintf("-within %v: want a time such as 1m", w.within))
	}
	return nil
}

// states are what can be required.
var states = []health.State{
	health.Up, health.Degraded, health.Booting, health.Starting, health.Hung, health.Down, health.Stopping, health.Rescue,
	watch.Dead, watch.Off,
}

// OfLines are the flags that are of serial lines, and of no lab.
var OfLines = []string{"baud", "interval", "health-key"}

// Show shows a source, of that many nodes at least, as the flags have it.
func (w *Watch) Show(ctx context.Context, out io.Writer, from tui.Source, least int, note string) error {
	if err := w.check(); err != nil {
		return err
	}
	if w.once && w.within == 0 {
		w.within = 3 * w.interval
	}
	if w.require == "" && !w.once && !w.json && w.within == 0 {
		return Show(ctx, out, from, note)
	}
	if w.within > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, w.within)
		defer cancel()
	}
	to := &writer{to: out}
	err := w.wait(ctx, to, from, least)
	switch {
	case errors.Is(to.err, syscall.EPIPE): // who read it has enough
		return nil
	case to.err != nil:
		return to.err
	}
	return err
}

// writer is an output that is not written to any more after an error.
type writer struct {
	to  io.Writer
	err error
}

func (w *writer) Write(p []byte) (n int, err error) {
	if w.err == nil {
		n, w.err = w.to.Write(p)
	}
	return n, w.err
}

// ServeMetrics has Prometheus told, where that is wanted.
func (w *Watch) ServeMetrics(ctx context.Context, from metrics.Source) error {
	if w.metrics == "" {
		return nil
	}
	if _, err := metrics.Serve(ctx, w.metrics, from); err != nil {
		return UsageError("-prometheus: " + err.Error() + "; want an address such as :9469 or 127.0.0.1:9469")
	}
	return nil
}

// wait waits for what is required, and tells each change or, with once, the end. It ends where that cannot be written.
func (w *Watch) wait(ctx context.Context, out *writer, from tui.Source, least int) error {
	want := health.State(w.require)
	if want == "" && w.once {
		want = health.Up
	}
	var lines tui.Lines
	said := map[string]watch.NodeStatus{}
	for {
		s, err := from.Status()
		if err != nil {
			return err
		}
		heard, right := len(s.Nodes) >= least, len(s.Nodes) >= least
		for _, n := range s.Nodes {
			known := n.HasRecord || n.State == watch.Off
			heard, right = heard && known, right && known && n.State == want
		}
		over := ctx.Err() != nil
		switch {
		case w.json:
			sayJSON(out, s, said)
		case !w.once:
			for _, line := range lines.Next(s) {
				fmt.Fprintln(out, line)
			}
		case heard || over:
			tui.Table(out, s, 120)
		}
		switch {
		case out.err != nil:
			return out.err
		case w.once && heard, right && w.require != "":
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
	return ErrNotWhole
}

// change is a line of -json.
type change struct {
	At time.Time `json:"at"`
	watch.NodeStatus
}

// sayJSON tells the nodes that are not as they were said to be. What changes by itself, as
// the age of a record, is no change.
func sayJSON(out io.Writer, s watch.Status, said map[string]watch.NodeStatus) {
	for _, n := range s.Nodes {
		still := n
		still.Age, still.Uptime, still.Probe, still.Memory = 0, 0, 0, 0
		if !reflect.DeepEqual(said[n.Name], still) {
			said[n.Name] = still
			json.NewEncoder(out).Encode(change{s.At, n})
		}
	}
}
