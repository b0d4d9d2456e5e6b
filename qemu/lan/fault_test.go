package lan

import (
	"fmt"
	"net"
	"testing"
	"time"
)

func TestFaultsOfOneWay(t *testing.T) {
	for _, tt := range []struct {
		fault  Fault
		words  string
		first  string // what b gets of one frame of a
		twice  bool
		within time.Duration // 0: at once
	}{
		{Fault{}, "", "x", false, 0},
		{Fault{Cut: true}, "cut", "", false, 0},
		{Fault{Loss: 1}, "loss 100%", "", false, 0},
		{Fault{Duplicate: 1}, "duplicate 100%", "x", true, 0},
		{Fault{Delay: 60 * time.Millisecond}, "delay 60ms", "x", false, 60 * time.Millisecond},
		{Fault{Delay: 60 * time.Millisecond, Jitter: 10 * time.Millisecond}, "delay 60ms±10ms", "x", false, 50 * time.Millisecond},
		{Fault{Rate: 1600}, "rate 1.6k", "x", false, 75 * time.Millisecond}, // 15 bytes
		{Fault{Reorder: 1}, "reorder 100%", "x", false, heldBack},
	} {
		t.Run(tt.words, func(t *testing.T) {
			s := NewSwitch()
			defer s.Close()
			a, b, c := plug(t, s, "a"), plug(t, s, "b"), plug(t, s, "c")
			s.Impair("", "a", "b", func(f *Fault) { *f = tt.fault })
			if got := tt.fault.String(); got != tt.words {
				t.Errorf("the fault is called %q, want %q", got, tt.words)
			}
			begun := time.Now()
			send(t, a, wire(broadcast, addr('a'), "x"))
			wants(t, "c, over a good cable,", c, "x")
			wants(t, "b", b, tt.first)
			if took := time.Since(begun); took < tt.within {
				t.Errorf("it took %v, want %v at least", took, tt.within)
			}
			if tt.twice {
				wants(t, "b, again,", b, "x")
			}
			// The other way is as it was.
			send(t, b, wire(broadcast, addr('b'), "back"))
			wants(t, "a", a, "back")
		})
	}
}

func TestFaultsShownAndMended(t *testing.T) {
	s := NewSwitch()
	defer s.Close()
	s.Impair("", "b", "a", func(f *Fault) { f.Loss = 0.2 })
	s.Impair("", "a", "b", func(f *Fault) { f.Cut = true })
	s.Impair("", "a", "b", func(f *Fault) { f.Delay = time.Second })
	if got, want := fmt.Sprint(s.Links()), "[{a b cut, delay 1s } {b a loss 20% }]"; got != want {
		t.Errorf("the faults are %s, want %s", got, want)
	}
	s.Impair("", "a", "b", func(f *Fault) { *f = Fault{} })
	s.Impair("", "b", "a", func(f *Fault) { *f = Fault{} })
	if got := s.Links(); len(got) != 0 {
		t.Errorf("faults after all were mended: %v", got)
	}
}

// What leaves a slow link keeps its order, and the share of what is lost is the one asked for.
func TestDelayKeepsTheOrder(t *testing.T) {
	s := NewSwitch()
	defer s.Close()
	a, b := plug(t, s, "a"), plug(t, s, "b")
	s.Impair("", "a", "b", func(f *Fault) { f.Delay = 5 * time.Millisecond })
	const n = 200
	go func() {
		for i := range n {
			a.Write(wire(broadcast, addr('a'), fmt.Sprint(i)))
		}
	}()
	for i := range n {
		wants(t, "b", b, fmt.Sprint(i))
	}
}

func TestLossIsTheShareAskedFor(t *testing.T) {
	s := NewSwitch()
	defer s.Close()
	a := plug(t, s, "a")
	b := plug(t, s, "b")
	go discard(b)
	s.Impair("", "a", "b", func(f *Fault) { f.Loss = 0.2 })
	const n = 5000
	for range n {
		send(t, a, wire(broadcast, addr('a'), "x"))
	}
	if got := s.Count().Lost; got < n*15/100 || got > n*25/100 {
		t.Errorf("%d of %d frames were lost, want about %d", got, n, n/5)
	}
}

func discard(c net.Conn) {
	for {
		if _, err := readFrame(c); err != nil {
			return
		}
	}
}
