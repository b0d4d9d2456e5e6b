package cli

import (
	"testing"
	"time"

	"github.com/beaminit/beaminit/health"
)

// beaminit restart waits for the start that it has asked for, and for none that the policy makes.
func TestBeforeStart(t *testing.T) {
	for _, w := range []struct {
		r    health.Record
		want bool
	}{
		{health.Record{State: health.Down, Why: "restart asked for by beaminit restart", Next: time.Millisecond}, true},
		{health.Record{State: health.Down, Why: "restart asked for by beaminit restart"}, false}, // nothing follows
		{health.Record{State: health.Down, Why: "exit status 1", Next: time.Second}, false},
		{health.Record{State: health.Down, Why: "no release to start", Next: time.Second}, false},
		{health.Record{State: health.Rescue, Why: "stop asked for by beaminit stop"}, false},
		{health.Record{State: health.Up, PID: 7}, false},
	} {
		if got := beforeStart(w.r); got != w.want {
			t.Errorf("%s %q: %v, want %v", w.r.State, w.r.Why, got, w.want)
		}
	}
}
