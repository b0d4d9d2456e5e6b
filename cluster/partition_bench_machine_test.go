package cluster_test

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"
)

// partitions is for make bench-cluster: the file that the plot of the whole table goes to.
var partitions = flag.String("partitions", "", "all of the table of partitions, on five nodes, beside OTP alone; its plot goes to this file")

// outcome is what came of a trouble. A time that is never came to nothing within its limit.
type outcome struct {
	noticed, whole time.Duration
}

const never = time.Duration(1<<63 - 1)

// How long OTP alone may take to notice (net_ticktime is 60 s, and a quarter more), and
// how long it is watched after the end of the trouble.
const (
	aloneNotices = 100 * time.Second
	aloneHeals   = 15 * time.Second
)

// alone goes through one trouble without a monitor that cuts or heals, and asserts nothing.
func (l *lan) alone(t *testing.T, tr *trouble) (r outcome) {
	l.t = t
	before := l.mark()
	tr.begin(l)
	var ok bool
	if r.noticed, ok = within(aloneNotices, func() bool { return before.noticed(tr) }); !ok {
		r.noticed = never
	}
	time.Sleep(tr.lasts)
	tr.end(l)
	if r.whole, ok = within(aloneHeals, l.meshed); !ok {
		r.whole = never
	}
	for i, m := range l.nodes { // by hand, for the next row
		for j := range l.nodes {
			if i != j {
				m.Ask("rpc", "net_kernel", "connect_node", fmt.Sprintf("['eclero@n%d']", j+1))
			}
		}
	}
	if _, ok := within(loaded, l.meshed); !ok {
		t.Error("the nodes cannot be connected by hand")
	}
	return r
}

// TestPartitionTable is the table: the same releases on the same machines, in the same
// minutes, once with what watches and heals, and once with what OTP does by itself.
func TestPartitionTable(t *testing.T) {
	if *partitions == "" {
		t.Skip("for make bench-cluster")
	}
	var with, without []outcome
	t.Run("clusters", func(t *testing.T) {
		t.Run("beaminit", func(t *testing.T) {
			t.Parallel()
			l := newLAN(t, 5, "")
			for _, tr := range troubles {
				with = append(with, outcome{never, never})
				t.Run(tr.name, func(t *testing.T) { with[len(with)-1] = l.suffer(t, &tr, 0) })
			}
		})
		t.Run("OTP alone", func(t *testing.T) {
			t.Parallel()
			l := newLAN(t, 5, "beaminit.cluster.timeout=off beaminit.cluster.heal=off beaminit.distribution.wait_for_peers=true")
			for _, tr := range troubles {
				without = append(without, outcome{never, never})
				t.Run(tr.name, func(t *testing.T) { without[len(without)-1] = l.alone(t, &tr) })
			}
		})
	})
	for i, tr := range troubles {
		t.Logf("partition: | %s | %s | %s | %s | %s |", tr.name, tr.noticedText(with[i]), wholeText(with[i]), tr.noticedText(without[i]), wholeText(without[i]))
	}
	if err := os.WriteFile(*partitions, plot(with, without), 0o644); err != nil {
		t.Fatal(err)
	}
}

// noticedText is the time until every survivor knew.
func (tr *trouble) noticedText(r outcome) string {
	if len(tr.sees) == 0 {
		return "–"
	}
	return seconds(r.noticed)
}

func wholeText(r outcome) string {
	if r.whole < 100*time.Millisecond {
		return "at once"
	}
	return seconds(r.whole)
}

func seconds(d time.Duration) string {
	if d == never {
		return "never"
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
