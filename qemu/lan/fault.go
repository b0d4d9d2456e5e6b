package lan

import (
	"cmp"
	"container/heap"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Fault is what is wrong with one direction of the way from one port to another. The
// zero Fault is a good cable.
type Fault struct {
	Cut       bool          `json:"cut,omitempty"`       // nothing comes through
	Loss      float64       `json:"loss,omitempty"`      // the share of frames that is lost, 0 to 1
	Duplicate float64       `json:"duplicate,omitempty"` // the share that comes twice
	Reorder   float64       `json:"reorder,omitempty"`   // the share that is overtaken by those behind it
	Delay     time.Duration `json:"delay,omitempty"`
	Jitter    time.Duration `json:"jitter,omitempty"` // the delay is up to so much more or less
	Rate      int64         `json:"rate,omitempty"`   // bits a second; 0: no limit
}

const (
	heldBack = 20 * time.Millisecond // what a frame that is overtaken waits longer than the others
	maxHeld  = 4096                  // frames on their way through slow links; of more, the new ones are dropped
)

// String is the fault in the words of the lab's command line; empty: none.
func (f Fault) String() string {
	var words []string
	if f.Cut {
		words = append(words, "cut")
	}
	share := func(name string, v float64) {
		if v > 0 {
			words = append(words, fmt.Sprintf("%s %.3g%%", name, v*100))
		}
	}
	share("loss", f.Loss)
	if f.Delay > 0 || f.Jitter > 0 {
		word := "delay " + f.Delay.String()
		if f.Jitter > 0 {
			word += "±" + f.Jitter.String()
		}
		words = append(words, word)
	}
	if f.Rate > 0 {
		words = append(words, "rate "+Rate(f.Rate))
	}
	share("duplicate", f.Duplicate)
	share("reorder", f.Reorder)
	return strings.Join(words, ", ")
}

// Rate is a rate in bits a second for people: 64k, 1.5M.
func Rate(bits int64) string {
	switch {
	case bits >= 1_000_000:
		return fmt.Sprintf("%.3gM", float64(bits)/1e6)
	case bits >= 1000:
		return fmt.Sprintf("%.3gk", float64(bits)/1e3)
	}
	return fmt.Sprint(bits)
}

// way is one direction of a link on a LAN, by the nodes at its ends.
type way struct{ lan, from, to string }

// link is a way that something is wrong with.
type link struct {
	Fault
	free time.Time // when a link with a rate has sent what it was given
}

// Link is a way and its fault, to be shown.
type Link struct {
	From  string `json:"from"`
	To    string `json:"to"`
	Fault Fault  `json:"fault"`
	LAN   string `json:"lan,omitempty"` // empty: the only one
}

// Impair changes what is wrong with the way between two nodes on a LAN, whether they are there
// already or not. Of the frames on the way, none is called back.
func (s *Switch) Impair(lan, from, to string, change func(*Fault)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := way{lan, from, to}
	l := s.links[w]
	if l == nil {
		l = &link{}
	}
	change(&l.Fault)
	if l.Fault == (Fault{}) {
		delete(s.links, w)
		return
	}
	s.links[w] = l
}

// Links gives the ways that something is wrong with, sorted.
func (s *Switch) Links() []Link {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []Link
	for w, l := range s.links {
		list = append(list, Link{w.from, w.to, l.Fault, w.lan})
	}
	slices.SortFunc(list, func(a, b Link) int {
		return cmp.Or(strings.Compare(a.From, b.From), strings.Compare(a.To, b.To), strings.Compare(a.LAN, b.LAN))
	})
	return list
}

// pass takes a frame over a way. It says what became of it, for the sniffer: nothing,
// where it went as on a good cable.
func (s *Switch) pass(from, to *port, frame []byte) (fate string) {
	l := s.links[way{from.LAN, from.Node, to.Node}]
	if l == nil {
		s.give(from.Node, to, frame)
		return ""
	}
	if l.Cut {
		s.count.Cut++
		return "cut"
	}
	if chance(l.Loss) {
		s.count.Lost++
		return "lost"
	}
	copies := 1
	if chance(l.Duplicate) {
		copies = 2
		fate = "duplicated"
	}
	for range copies {
		due := l.due(time.Now(), len(frame)-4)
		if chance(l.Reorder) {
			due = due.Add(heldBack)
			fate = "reordered"
		}
		s.send(due, from.Node, to, frame)
	}
	return fate
}

func chance(share float64) bool { return share > 0 && rand.Float64() < share }

// due is when a frame of so many bytes comes out of the link.
func (l *link) due(now time.Time, size int) time.Time {
	at := now
	if l.Rate > 0 {
		if l.free.After(now) {
			at = l.free
		}
		at = at.Add(time.Duration(int64(size) * 8 * int64(time.Second) / l.Rate))
		l.free = at
	}
	delay := l.Delay
	if l.Jitter > 0 {
		delay += time.Duration((2*rand.Float64() - 1) * float64(l.Jitter))
	}
	return at.Add(max(delay, 0))
}

// held is a frame on its way through a slow link.
type held struct {
	due   time.Time
	order uint64 // of those due at once, the first first
	from  string
	to    *port
	frame []byte
}

// heldFrames is a heap (container/heap), the next one due on top.
type heldFrames []held

func (h heldFrames) Len() int      { return len(h) }
func (h heldFrames) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h heldFrames) Less(i, j int) bool {
	if h[i].due.Equal(h[j].due) {
		return h[i].order < h[j].order
	}
	return h[i].due.Before(h[j].due)
}
func (h *heldFrames) Push(v any) { *h = append(*h, v.(held)) }
func (h *heldFrames) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

// send gives a frame to a port when it is due.
func (s *Switch) send(due time.Time, from string, to *port, frame []byte) {
	wait := time.Until(due)
	if wait <= 0 {
		s.give(from, to, frame)
		return
	}
	if len(s.held) >= maxHeld {
		s.count.Dropped++
		return
	}
	s.order++
	heap.Push(&s.held, held{due, s.order, from, to, frame})
	time.AfterFunc(wait, s.release)
}

// release gives all frames that are due.
func (s *Switch) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for len(s.held) > 0 && !s.held[0].due.After(now) {
		h := heap.Pop(&s.held).(held)
		s.give(h.from, h.to, h.frame)
	}
}
