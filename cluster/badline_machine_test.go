package cluster_test

import (
	"flag"
	"testing"
	"time"
)

var badLine = flag.Duration("bad.line", 0, "how long TestBadLine lasts; 0: it is not run")

// Whoever lives is never cut: for minutes a fifth of all packets is lost each way, and those of
// one node come half a second late besides. TestPartitions has seconds of each.
func TestBadLine(t *testing.T) {
	if *badLine == 0 {
		t.Skip("make bad-line, for make soak")
	}
	l := newLAN(t, 4, "")
	l.suffer(t, &trouble{"a bad line", 4, func(l *lan) {
		l.delay(3, 250*time.Millisecond)
		l.drop("numgen random mod 100 < 20 drop")
	}, nil, *badLine, func(l *lan) {
		l.drop()
		l.undelay(3)
	}, nil}, loaded)
	for i, m := range l.nodes {
		if n := m.Count(" is cut"); n > 0 {
			t.Errorf("n%d has cut %d connections\n%s", i+1, n, m.Tail())
		}
	}
}
