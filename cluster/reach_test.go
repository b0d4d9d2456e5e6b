package cluster

import (
	"math/rand"
	"testing"
	"time"
)

// line is a way to a peer: what is lost of all packets each way, how long one takes, and
// from when on nothing passes.
type line struct {
	loss  float64
	delay time.Duration
	cut   time.Duration // 0: never
}

// dies plays a line against reach, in its own time, and gives when the peer was taken for
// dead, and how many requests that took.
func (l line) dies(p *pace, span time.Duration, r *rand.Rand) (at time.Duration, asked int) {
	w := reach{echoes: true}
	var replies []time.Duration // when they come, in order
	passes := func(at time.Duration) bool { return r.Float64() >= l.loss && (l.cut == 0 || at < l.cut) }
	for at < span {
		for len(replies) > 0 && replies[0] <= at {
			w.signed(at)
			replies = replies[1:]
		}
		if at >= w.due(p, at) {
			if w.dead(p, at) {
				return at, asked
			}
			w.ask(p, at)
			asked++
			if passes(at) && passes(at+l.delay) {
				replies = append(replies, at+2*l.delay)
			}
		}
		at += 5 * time.Millisecond
	}
	return 0, asked
}

func TestReach(t *testing.T) {
	p := paceOf(3 * time.Second)
	for _, tt := range []struct {
		name string
		line line
		most float64 // requests a second
	}{
		{"a good line", line{delay: time.Millisecond}, 1.01},
		{"5 % lost", line{loss: 0.05, delay: time.Millisecond}, 6},
		{"20 % lost", line{loss: 0.2, delay: time.Millisecond}, 8},
		{"500 ms of delay", line{delay: 500 * time.Millisecond}, 10},
		{"both", line{loss: 0.2, delay: 500 * time.Millisecond}, 10},
	} {
		const span, lines = 10 * time.Minute, 20
		asked := 0
		for seed := int64(0); seed < lines; seed++ {
			at, n := tt.line.dies(&p, span, rand.New(rand.NewSource(seed)))
			if at != 0 {
				t.Errorf("%s: a live peer is cut after %v (seed %d)", tt.name, at, seed)
			}
			asked += n
		}
		if rate := float64(asked) / lines / span.Seconds(); rate > tt.most {
			t.Errorf("%s: %.2f requests a second, want at most %.2f", tt.name, rate, tt.most)
		}
		tt.line.cut = 20 * time.Second
		for seed := int64(0); seed < lines; seed++ {
			at, _ := tt.line.dies(&p, time.Minute, rand.New(rand.NewSource(seed)))
			if late := at - tt.line.cut; late < 0 || late > p.dead+2*tt.line.delay+p.burst {
				t.Errorf("%s: a dead peer is cut after %v (seed %d)", tt.name, late, seed)
			}
		}
	}
}

// A peer whose echo replies are filtered is asked by TCP, at the same pace.
func TestReachKnocks(t *testing.T) {
	p := paceOf(3 * time.Second)
	for _, tt := range []struct {
		echoes, missed bool
		want           int
	}{{true, false, 0}, {false, false, 10}, {true, true, 20}} {
		r := reach{echoes: tt.echoes}
		tcp := 0
		for at := p.steady; at <= 10*p.steady; at += p.burst {
			if at < r.due(&p, at) {
				continue
			}
			if !tt.missed {
				r.signed(at)
			}
			if r.ask(&p, at) {
				tcp++
			}
		}
		if tcp < tt.want*8/10 || tcp > tt.want*12/10 {
			t.Errorf("%+v: %d tcp", tt, tcp)
		}
	}
}

// Peers that came at different times are asked together before long: the monitor wakes for
// groups of them, and each is asked as often as it has to be, and hardly more often.
func TestAskedTogether(t *testing.T) {
	p := paceOf(3 * time.Second)
	peers := make([]reach, 40)
	for i := range peers {
		at := time.Hour + time.Duration(i)*p.steady/time.Duration(len(peers))
		peers[i] = reach{sign: at, sent: at, echoes: true}
	}
	const seconds = 60
	wakes, asked := 0, 0
	for at, end := time.Hour, time.Hour+seconds*time.Second; at < end; {
		next := end
		for i := range peers {
			next = min(next, peers[i].due(&p, at))
		}
		at = next
		wakes++
		for i := range peers {
			r := &peers[i]
			if at >= r.due(&p, at)-r.early(&p, at) {
				r.ask(&p, at)
				r.signed(at) // at once, as on a LAN
				asked++
			}
		}
	}
	if wakes > 10*seconds {
		t.Errorf("%d wakes in %d s for %d peers", wakes, seconds, len(peers))
	}
	if most := len(peers) * seconds * 5 / 4; asked > most || asked < len(peers)*(seconds-1) {
		t.Errorf("%d requests in %d s to %d peers, want %d at most", asked, seconds, len(peers), most)
	}
}
