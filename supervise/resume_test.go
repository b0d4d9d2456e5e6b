package supervise

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/supervise/policy"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/supervise/console"
)

var resumed = Resume{
	Boot: 7, Seq: 42, Output: [2]int{5, 6}, Companion: 31, Why: "fault at turn: \"x\"\n", Falls: []time.Duration{1, 2},
	State: policy.State{
		Phase: policy.Between, PID: 0, Ran: true, Answered: true, Restarts: 3, StartedAt: 5 * time.Second, Backoff: time.Second,
		NextAt: 9 * time.Second, Exits: []time.Duration{4, 5}, Why: "killed by signal 9 (SIGKILL)", Action: "reboot", Killed: true, Then: policy.ThenStart,
		CameUp: true, FellBack: true, Ready: true, Notified: true, Runs: 4, Failed: 2, Fallback: 77,
		Kill: policy.KillDump, Fatal: "hung: \"x\"\n", BeatAt: 6, BeatSpan: 7, SnoozeUntil: 8, Unpetted: true,
	},
	Watchdog: 9, Notify: 11, Ear: 1001, Relay: 32, Terminal: &console.Terminal{Master: 10, Slave: 11, Ring: -1},
	From:   "v1.2-3-gabc dirty",
	Phases: []health.Phase{{Name: "kernel", At: 3}, {Name: "exec", At: 4}},
}

func TestResumeRoundTrip(t *testing.T) {
	got, err := ParseResume(resumed.Encode())
	if err != nil || !reflect.DeepEqual(got, resumed) {
		t.Errorf("got %+v %v\nwant %+v", got, err, resumed)
	}
	for _, bad := range []string{"", "v=1", "v=1 pid=x phase=1", "v=1 pid=1", "phase=1", "v=1 pid=1 phase=x"} {
		if _, err := ParseResume(bad); err == nil {
			t.Errorf("%q: want an error", bad)
		}
	}
}

// What another version wrote is read as far as it goes: the release is not lost.
func TestResumeOfAnotherVersion(t *testing.T) {
	tests := []struct {
		text  string
		phase policy.Phase
		lost  string
	}{
		{"v=2 pid=87 phase=1 colour=red", policy.Running, ""},
		{"pid=87 phase=99", policy.Running, ""},
		{"pid=0 phase=99", policy.Between, ""},
		{"pid=87 phase=-1", policy.Running, ""},
		{"v=1 pid=87 phase=1 flags=11010111", policy.Running, ""},
		{"v=1 pid=87 phase=1 flags=1 exits=1,x why=zz output=1 falls=a,b boot=-1 then=x terminal=1,2", policy.Running, "exits why output falls boot then terminal"},
	}
	for _, tt := range tests {
		r, err := ParseResume(tt.text)
		if err != nil || r.State.Phase != tt.phase || strings.Join(r.Lost, " ") != tt.lost {
			t.Errorf("%s: got %+v %v, want phase %d, lost %q", tt.text, r, err, tt.phase, tt.lost)
		}
	}
}

// A release that was up under a version for which an answer was enough, is up.
func TestResumeReady(t *testing.T) {
	for _, tt := range []struct {
		flags string
		ready bool
	}{{"110010", true}, {"100010", false}, {"110010100", true}, {"110010000", false}, {"110010001", false}} {
		r, err := ParseResume("pid=87 phase=1 flags=" + tt.flags)
		if err != nil || r.State.Ready != tt.ready {
			t.Errorf("flags=%s: ready=%v %v, want %v", tt.flags, r.State.Ready, err, tt.ready)
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
	f.Add("phase=0 pid=0 action=\x00")
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
