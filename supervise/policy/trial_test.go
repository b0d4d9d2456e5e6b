package policy

import (
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/cluster"
)

// Systems on trial: what becomes of them, by what the node does.
func TestTrial(t *testing.T) {
	at := func(s int, e Event) Event { e.At = time.Duration(s) * time.Second; return e }
	begin, started := Event{Kind: Begin}, Event{Kind: Started, PID: 87}
	up, alone := Event{Kind: Reported, Report: answered(0, 1)}, Event{Kind: Reported, Report: answered(0)}
	unknown := Event{Kind: Reported, Report: cluster.Report{Answer: cluster.Answered}}
	hung := Event{Kind: Reported, Report: cluster.Report{Answer: cluster.Silent}}
	dies := Event{Kind: Exited, PID: 87, Status: killed}
	confirm, over := Event{Kind: TimeIsUp, Timer: ConfirmTimer}, Event{Kind: TimeIsUp, Timer: TrialTimer}
	kept, rejected := Event{Kind: Kept}, Event{Kind: Rejected}
	peers := func(s *State) { s.Policy.WithPeers = true }
	before := func(s *State) { s.FellBack = true }
	tests := []struct {
		name   string
		change func(*State)
		events []Event
		want   string // the stage, the phase, the last effects
		why    string
	}{
		{"is up long enough", nil, []Event{begin, started, at(5, up), at(65, confirm)}, "2 running record", ""},
		{"and is kept", nil, []Event{begin, started, at(5, up), at(65, confirm), at(66, kept)}, "3 running record", ""},
		{"and is not late then", nil, []Event{begin, started, at(5, up), at(65, confirm), at(66, kept), at(600, over)}, "3 running ", ""},
		{"the time begins anew when it was not", nil, []Event{begin, started, at(5, up), at(50, hung), at(60, up), at(65, confirm)}, "1 running ", ""},
		{"and is over later", nil, []Event{begin, started, at(5, up), at(50, hung), at(60, up), at(65, confirm), at(120, confirm)}, "2 running record", ""},
		{"without one of its peers", nil, []Event{begin, started, at(5, alone), at(65, confirm)}, "2 running record", ""},
		{"and all are wanted", peers, []Event{begin, started, at(5, alone), at(65, confirm)}, "1 running ", ""},
		{"and are not known", peers, []Event{begin, started, at(5, unknown), at(65, confirm)}, "1 running ", ""},
		{"and never come", peers, []Event{begin, started, at(5, alone), at(600, over)}, "4 running record", "not connected to all peers within 10m0s"},
		{"the release goes on, and then the node reboots", peers, []Event{begin, started, at(5, alone), at(600, over), at(601, rejected)}, "4 ending record, kill -SIGTERM, timer stop", "not connected to all peers within 10m0s"},
		{"confirmed at once", func(s *State) { s.Policy.After = 0 }, []Event{begin, started, at(5, up)}, "2 running record", ""},
		{"never answers", nil, []Event{begin, started, at(600, over)}, "4 running record", "not up within 10m0s"},
		{"the network never comes", nil, []Event{at(600, over)}, "4 given-up record", "not up within 10m0s"},
		{"is up, and not long enough yet", nil, []Event{begin, started, at(590, up), at(600, over)}, "1 running record", ""},
		{"and then for long enough", nil, []Event{begin, started, at(590, up), at(600, over), at(650, confirm)}, "2 running record", ""},
		{"and then not", nil, []Event{begin, started, at(590, up), at(600, over), at(610, dies)}, "4 given-up record, order r, sweep up", "not up within 10m0s: killed by signal 9 (SIGKILL)"},
		{"the release is given up", func(s *State) { s.Policy.Attempts = 0 }, []Event{begin, started, at(3, dies)}, "4 given-up record, order r, sweep up", "gave up after 1 ends within 1m0s: killed by signal 9 (SIGKILL)"},
		{"and the node reboots", func(s *State) { s.Policy.Attempts = 0 }, []Event{begin, started, at(3, dies), at(4, rejected)}, "4 ending record, finish", "gave up after 1 ends within 1m0s: killed by signal 9 (SIGKILL)"},
		{"and would be switched off", func(s *State) { s.Policy.Attempts, s.Policy.GiveUp = 0, "poweroff" }, []Event{begin, started, at(3, dies)}, "4 given-up record, order r, sweep up", "gave up after 1 ends within 1m0s: killed by signal 9 (SIGKILL)"},
		{"each end is a reboot", func(s *State) { s.Policy.OnExit = "reboot" }, []Event{begin, started, at(3, dies)}, "4 given-up record, order r, sweep up", "killed by signal 9 (SIGKILL)"},
		{"each end is one, but this", func(s *State) { s.Policy.OnExit = "poweroff" }, []Event{begin, started, at(3, dies)}, "1 ending record, order r, sweep up, finish", "killed by signal 9 (SIGKILL)"},
		{"nothing to start", nil, []Event{{Kind: NoRelease, Text: "no release"}}, "4 given-up record", "no release"},
		{"not before its program has confirmed it", func(s *State) { s.Policy.Attempts = 0 }, []Event{begin, started, at(5, up), at(65, confirm), at(66, dies)}, "4 given-up record, order r, sweep up", "gave up after 1 ends within 1m0s: killed by signal 9 (SIGKILL)"},
		{"dies after it was confirmed", func(s *State) { s.Policy.Attempts = 0 }, []Event{begin, started, at(5, up), at(65, confirm), at(66, kept), at(67, dies)}, "3 ending record, order r, sweep up, finish", "gave up after 1 ends within 1m0s: killed by signal 9 (SIGKILL)"},
		{"given up in the boot before", before, []Event{begin, started, at(600, over)}, "1 running record", ""},
		{"and comes up late", before, []Event{begin, started, at(600, over), at(700, up), at(760, confirm)}, "2 running record", ""},
		{"and the release is given up", func(s *State) { s.Policy.Attempts, s.Policy.GiveUp, s.FellBack = 0, "rescue", true }, []Event{begin, started, at(3, dies)}, "1 given-up record, order r, sweep up", "gave up after 1 ends within 1m0s: killed by signal 9 (SIGKILL)"},
		{"known of late", nil, []Event{begin, started, {Kind: Remembered, FellBack: true}, at(600, over)}, "1 running record", ""},
		{"goes down meanwhile", nil, []Event{begin, started, at(599, Event{Kind: DownAsked, Action: "poweroff", Text: "by hand"}), at(600, over), at(601, rejected)}, "1 ending ", "by hand"},
		{"is switched off while its program runs", nil, []Event{begin, started, at(600, over), at(600, Event{Kind: DownAsked, Action: "poweroff", Text: "by hand"}), at(601, rejected)}, "4 ending ", "by hand"},
		{"is not on trial", func(s *State) { s.Trial = NoTrial }, []Event{begin, started, at(600, over)}, "0 running ", ""},
	}
	for _, tt := range tests {
		s := State{Policy: policy, Peers: 2, Rand: 1, Trial: OnTrial}
		s.Policy.After, s.Policy.Within = time.Minute, 10*time.Minute
		if tt.change != nil {
			tt.change(&s)
		}
		var effects []Effect
		for _, e := range tt.events {
			s, effects = Step(s, e)
		}
		var words []string
		for _, e := range effects {
			words = append(words, e.String())
		}
		if got := string(rune('0'+s.Trial)) + " " + phaseNames[s.Phase] + " " + strings.Join(words, ", "); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
		if s.Why != tt.why {
			t.Errorf("%s: why=%q, want %q", tt.name, s.Why, tt.why)
		}
	}
}
