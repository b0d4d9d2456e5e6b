package handover

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/supervise/console"
	"github.com/beaminit/beaminit/supervise/policy"
)

var handed = Document{
	Boot: 7, Seq: 42, Output: [2]int{5, 6}, Why: "fault at turn: \"x\"\n", Crashes: []time.Duration{1, 2},
	State: policy.State{
		Phase: policy.Between, PID: 0, Ran: true, Answered: true, Restarts: 3, StartedAt: 5 * time.Second, Backoff: time.Second,
		NextAt: 9 * time.Second, Exits: []time.Duration{4, 5}, Why: "killed by signal 9 (SIGKILL)", Action: "reboot", Killed: true, Pending: policy.StartPending,
		CameUp: true, FellBack: true, Ready: true, Notified: true, Runs: 4, Failed: 2,
		Kill: policy.KillDump, Fatal: "hung: \"x\"\n", BeatAt: 6, BeatSpan: 7, SnoozeUntil: 8, Unpetted: true,
	},
	Watchdog: 9, Notify: 11, HeartUID: 1001, Terminal: &console.Terminal{Master: 10, Slave: 11, Ring: -1},
	Children: map[string]policy.ChildState{"epmd": {PID: 31, Wanted: true, Runs: 1}, "relay": {PID: 32, Wanted: true, Runs: 1}},
	From:     "v1.2-3-gabc dirty",
	Phases:   []health.Phase{{Name: "kernel", At: 3}, {Name: "exec", At: 4}},
}

func TestFell(t *testing.T) {
	var r Document
	for _, at := range []time.Duration{0, 10 * time.Second, 50 * time.Second, 65 * time.Second} {
		r.addCrash(at, "why")
	}
	if want := []time.Duration{10 * time.Second, 50 * time.Second, 65 * time.Second}; !reflect.DeepEqual(r.Crashes, want) {
		t.Errorf("got %v, want %v", r.Crashes, want)
	}
}

// The document says all that there is to know, and the table of descriptors by role what
// is open.
func TestHandoverRoundTrip(t *testing.T) {
	want := handed
	want.Lines = map[string]int{"sshd": 12}
	text, err := want.encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	got.takeFds()
	want.State.Policy, want.State.Peers, want.State.Rand = policy.Policy{}, 0, 0 // made anew
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v\nof %s", got, want, text)
	}
}

// What another version wrote is read as far as it goes: the release is not lost.
func TestHandoverOfAnotherVersion(t *testing.T) {
	tests := []struct {
		text  string
		phase policy.Phase
		lost  string // empty: nothing; "-": it is of no use
	}{
		{`{"version":9,"colour":"red","state":{"pid":87,"phase":"running","mood":[1]}}`, policy.Running, ""},
		{`{"state":{"pid":87,"phase":"dreaming"}}`, policy.Running, ""},
		{`{"state":{"pid":0,"phase":"dreaming"}}`, policy.Between, ""},
		{`{"boot":"x","state":{"pid":87,"phase":"stopped"}}`, policy.Stopped, "boot"},
		{`{"state":{"pid":87,"phase":"running","exits":"x"}}`, policy.Running, "state.exits"},
		{`{"state":{"pid":87,"phase":"running","kill":77,"then":-1}}`, policy.Running, "state.kill state.then"},
		{`{"state":{"phase":"running"}}`, 0, "-"},
		{`{"state":{"pid":87}}`, 0, "-"},
		{`{"state":{"pid":87,"phase":"run`, 0, "-"},
		{``, 0, "-"},
	}
	for _, tt := range tests {
		h, err := parse([]byte(tt.text))
		if tt.lost == "-" {
			if err == nil {
				t.Errorf("%s: want an error", tt.text)
			}
			continue
		}
		if err != nil || h.State.Phase != tt.phase || strings.Join(h.Lost, " ") != tt.lost {
			t.Errorf("%s: got %+v %v, want phase %d, lost %q", tt.text, h, err, tt.phase, tt.lost)
		}
	}
}

func FuzzParseHandover(f *testing.F) {
	text, _ := handed.encode()
	f.Add(text)
	f.Add([]byte(`{"state":{"pid":87,"phase":"dreaming","exits":[1,2]},"fds":{"x":-1}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		h, err := parse(text)
		if err != nil {
			return
		}
		h.Fds = nil
		again, err := h.encode()
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if _, err := parse(again); err != nil {
			t.Errorf("%q does not survive: %v", text, err)
		}
	})
}

// However many ends there were within the window, PID 1 can be executed anew: neither the
// document nor the variable in its place grows beyond what the kernel takes.
func TestHandoverOfManyEnds(t *testing.T) {
	h := handed
	h.State.Exits = make([]time.Duration, 20000)
	for i := range h.State.Exits {
		h.State.Exits[i] = time.Duration(1e17) + time.Duration(i)
	}
	const maxString = 128 << 10 // MAX_ARG_STRLEN (execve(2))
	if n := len(Env) + 1 + len(h.short()); n >= maxString {
		t.Errorf("the variable has %d bytes", n)
	}
	if got, err := parse([]byte(h.short())); err != nil || len(got.State.Exits) != 1000 || got.State.Exits[999] != h.State.Exits[19999] || !reflect.DeepEqual(got.Children, h.Children) {
		t.Errorf("the variable: %d ends, children %+v, %v", len(got.State.Exits), got.Children, err)
	}
	fd, err := h.write()
	if err != nil {
		t.Fatal(err)
	}
	got, err := read(fd)
	if err != nil || len(got.State.Exits) != len(h.State.Exits) {
		t.Errorf("%d ends, %v", len(got.State.Exits), err)
	}
}
