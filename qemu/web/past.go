package web

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/qemu/watch"
)

// keptChanges is how many changes are remembered.
const keptChanges = 2000

// change is a node's way into another state.
type change struct {
	At    time.Time    `json:"at"`
	Node  string       `json:"node"`
	State health.State `json:"state"`
}

// past is what the nodes were, as long as it is watched.
type past struct {
	mu    sync.Mutex
	last  map[string]health.State
	list  []change // the last
	total int      // changes ever
}

func newPast() *past { return &past{last: map[string]health.State{}} }

// keep notes changes until the context ends.
func (p *past) keep(ctx context.Context, from Source) {
	tick := time.NewTicker(refresh)
	defer tick.Stop()
	for {
		if s, err := from.Status(); err == nil {
			p.note(s)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (p *past) note(s watch.Status) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, n := range s.Nodes {
		if p.last[n.Name] == n.State {
			continue
		}
		p.last[n.Name] = n.State
		p.list = append(p.list, change{s.At, n.Name, n.State})
		p.total++
	}
	p.list = p.list[max(0, len(p.list)-keptChanges):]
}

// after gives the changes behind the first seen ones, and how many there were in all.
func (p *past) after(seen int) ([]change, int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fresh := min(p.total-seen, len(p.list))
	return slices.Clone(p.list[len(p.list)-fresh:]), p.total
}
