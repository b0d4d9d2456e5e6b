package cluster

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// One life of a peer is a list of what happens to it and of what its handshakes come to,
// a step each second, and what has to follow.
func TestHeal(t *testing.T) {
	w := &Watch{Heal: 2 * time.Second, Healing: true, Respect: time.Minute}
	app := append(wire("sok"), wire(challenge("app@n2"))...)
	other := append(wire("sok"), wire(challenge("other@n2"))...)
	outcomes := map[string]dial{
		"answers": {answer: Answered, met: true, have: app},
		"other":   {answer: Answered, met: true, have: other},
		"refuses": {answer: Refused, met: true},
		"silent":  {answer: Silent, met: true},
		"off":     {answer: Unanswered},
	}
	for _, tt := range []struct{ name, steps, want string }{
		{"at boot", "answers connects", "tell/ connected"},
		{"off for a while", "off off refuses answers connects", "unreachable unreachable refused tell/ connected"},
		{"hangs", "silent answers", "down tell/"},
		{"another node", "other other", "name name"},
		{"another cookie", "answers answers answers answers", "tell/ tell/ tell/cookie tell/cookie"},
		{"its VM died", "connects dies refuses answers connects", "connected lost refused tell/ healed"},
		{"its VM was cut off", "connects cut off answers connects", "connected lost unreachable tell/ healed"},
		{"a release disconnected", "connects dies answers answers", "connected lost disconnected disconnected"},
		{"a release disconnected, and ended", "connects dies answers refuses answers", "connected lost disconnected refused tell/"},
		{"cut and at once there again", "connects cut answers connects", "connected lost tell/ healed"},
		{"after the respect", "connects dies answers +60 answers connects", "connected lost disconnected tell/ healed"},
	} {
		var h heal
		var got []string
		at := time.Hour
		for _, step := range strings.Fields(tt.steps) {
			at += 900 * time.Millisecond
			switch step {
			case "connects":
				got = append(got, map[bool]string{true: "healed", false: "connected"}[h.connected(at)])
			case "dies", "cut":
				h.disconnected(at, step == "dies")
				got = append(got, "lost")
			case "+60":
				at += time.Minute
			default:
				d := outcomes[step]
				s, tell := h.outcome(w, &d, "app@n2", at)
				word := s.String()
				if tell {
					word = "tell/" + word
				}
				got = append(got, word)
			}
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, strings.Join(got, " "), tt.want)
		}
	}
}

// What comes to nothing is tried ever more seldom; what lasted, or was cut off, at once again.
func TestBrake(t *testing.T) {
	w := &Watch{Heal: 2 * time.Second, Healing: true, Respect: time.Minute}
	d := dial{answer: Answered, met: true}
	var h heal
	pauses := func(n int) (list []string) {
		for i := 0; i < n; i++ {
			at := h.next
			h.outcome(w, &d, "", at)
			list = append(list, fmt.Sprint((h.next - at).Seconds()))
		}
		return list
	}
	if got := strings.Join(pauses(9), " "); got != "2 2 2 4 8 16 32 60 60" {
		t.Errorf("pauses: %s", got)
	}
	h.disconnected(h.next, false)
	if got := strings.Join(pauses(3), " "); got != "2 2 2" {
		t.Errorf("pauses after a cut: %s", got)
	}
	h.lasted()
	if got := strings.Join(pauses(2), " "); got != "2 2" {
		t.Errorf("pauses after a connection that lasted: %s", got)
	}
}

// Of connections that OTP ended because another peer was cut off, none is respected when
// that one answers again; one that a release had ended before is.
func TestForgive(t *testing.T) {
	w := &Watch{Heal: 2 * time.Second, Healing: true, Respect: time.Minute}
	answers := dial{answer: Answered, met: true}
	const cut, back = 10 * time.Second, 20 * time.Second
	for ended, want := range map[time.Duration]PeerState{cut - 5*time.Second: Disconnected, cut: NotSeen, cut + time.Second: NotSeen} {
		var h heal
		h.disconnected(ended, true)
		if s, tell := h.outcome(w, &answers, "", ended+time.Millisecond); s != Disconnected || tell {
			t.Fatalf("ended at %v: %v, told %v", ended, s, tell)
		}
		h.forgive(cut, back)
		if s, tell := h.outcome(w, &answers, "", back); s != want || tell != (want == NotSeen) {
			t.Errorf("ended at %v: %v, told %v", ended, s, tell)
		}
	}
}
