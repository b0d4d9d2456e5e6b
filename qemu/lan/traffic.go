package lan

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// Traffic is how many frames a node was given of another's on all LANs since the switch was made.
type Traffic struct {
	From   string `json:"from"`
	To     string `json:"to"`
	Frames uint64 `json:"frames"`
}

// Traffic gives that of all pairs that have some, sorted.
func (s *Switch) Traffic() []Traffic {
	s.mu.Lock()
	defer s.mu.Unlock()
	sums := map[way]uint64{}
	for w, n := range s.traffic {
		sums[way{from: w.from, to: w.to}] += n
	}
	var list []Traffic
	for w, n := range sums {
		list = append(list, Traffic{w.from, w.to, n})
	}
	slices.SortFunc(list, func(a, b Traffic) int {
		return cmp.Or(strings.Compare(a.From, b.From), strings.Compare(a.To, b.To))
	})
	return list
}

// forget takes the traffic of a name off the books when no port has it any more: each guest
// has one of its own. A node that comes again begins at nothing.
func (s *Switch) forget(name string) {
	if slices.ContainsFunc(s.ports, func(p *port) bool { return p.Node == name }) {
		return
	}
	maps.DeleteFunc(s.traffic, func(w way, _ uint64) bool { return w.from == name || w.to == name })
}
