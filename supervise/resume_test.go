package supervise

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/health"
)

var resumed = Resume{
	Boot: 7, Seq: 42, Output: [2]int{5, 6}, Companion: 31, Why: "fault at turn: \"x\"\n", Falls: []time.Duration{1, 2},
	State: State{
		Phase: Between, PID: 0, Ran: true, Answered: true, Restarts: 3, StartedAt: 5 * time.Second, Backoff: time.Second,
		NextAt: 9 * time.Second, Exits: []time.Duration{4, 5}, Why: "killed by signal 9 (SIGKILL)", Action: "reboot", Killed: true,
	},
	Phases: []health.Phase{{Name: "kernel", At: 3}, {Name: "exec", At: 4}},
}

func TestResumeRoundTrip(t *testing.T) {
	got, err := ParseResume(resumed.Encode())
	if err != nil || !reflect.DeepEqual(got, resumed) {
		t.Errorf("got %+v %v\nwant %+v", got, err, resumed)
	}
	for _, bad := range []string{"", "v=2", "v=1 pid=x", "v=1 phase=9", "v=1 flags=1", "v=1 exits=1,x", "v=1 why=zz", "v=1 output=1"} {
		if _, err := ParseResume(bad); err == nil {
			t.Errorf("%q: want an error", bad)
		}
	}
}

func TestFell(t *testing.T) {
	var r Resume
	for _, at := range []time.Duration{0, 10 * time.Second, 50 * time.Second, 65 * time.Second} {
		r.Fell(at, "why")
	}
	if want := []time.Duration{10 * time.Second, 50 * time.Second, 65 * time.Second}; !reflect.DeepEqual(r.Falls, want) {
		t.Errorf("got %v, want %v", r.Falls, want)
	}
}

func FuzzParseResume(f *testing.F) {
	f.Add(resumed.Encode())
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseResume(text)
		if err != nil {
			return
		}
		again, err := ParseResume(r.Encode())
		if err != nil || again.Encode() != r.Encode() || strings.ContainsAny(r.Encode(), "\n\x00") {
			t.Errorf("%q does not survive: %v", text, err)
		}
	})
}
