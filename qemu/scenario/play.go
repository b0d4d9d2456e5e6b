package scenario

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/qemu/lab"
)

// Stage is where a scenario is played: a lab, in this process or another.
type Stage interface {
	Status() (lab.Status, error)
	Do(words ...string) error
	// Said gives the lines of a node's console behind the first seen of them, as far as they
	// are kept, and how many there have been.
	Said(node string, seen int) (lines []string, total int, err error)
	// Host starts a program as a host of the LAN. It is ended with ctx; wait returns when it
	// has ended.
	Host(ctx context.Context, address string, program []string) (wait func() error, err error)
}

// board is a Stage that shows how far a scenario is.
type board interface{ Playing(lab.Playing) }

// Result is what came of one step.
type Result struct {
	Step
	At   time.Duration // since the scenario began
	Took time.Duration
	Err  error
}

// Change is a node's way into another state.
type Change struct {
	At    time.Duration
	Node  string
	State string // with the peers, where there are some: "up 2/2"
}

// Report is a scenario that was played.
type Report struct {
	Name    string
	Begun   time.Time
	Took    time.Duration
	Results []Result
	Nodes   []string
	Changes []Change
}

// Err is the first step that failed; nil: none did.
func (r *Report) Err() error {
	for _, s := range r.Results {
		if s.Err != nil {
			return fmt.Errorf("line %d: %s: %w", s.Line, s.Text, s.Err)
		}
	}
	return nil
}

// look is how often the nodes are looked at.
const look = 50 * time.Millisecond

// Play plays f and tells each step, and each change of a node, when it is there. It ends
// with the first step that fails.
func Play(ctx context.Context, on Stage, f *File, say func(string)) *Report {
	p := player{on: on, say: say, report: &Report{Name: f.Name, Begun: time.Now()}, last: map[string]string{}, said: map[string]int{}}
	ctx, end := context.WithCancel(ctx)
	defer func() {
		end()
		for _, h := range p.hosts {
			<-h.ended
		}
	}()
	progress := lab.Playing{Name: f.Name}
	for _, s := range f.Steps {
		progress.Steps = append(progress.Steps, s.Text)
	}
	show := func() {
		if b, is := on.(board); is {
			b.Playing(progress)
		}
	}
	for _, s := range f.Steps {
		show()
		at := p.now()
		err := cmp.Or(p.step(ctx, s), p.hostsEnded())
		p.report.Results = append(p.report.Results, Result{Step: s, At: at, Took: p.now() - at, Err: err})
		if err != nil {
			progress.Failed = err.Error()
			p.tell("FAILED", fmt.Sprintf("line %d: %s: %v", s.Line, s.Text, err))
			break
		}
		progress.Done++
		p.tell("ok", fmt.Sprintf("%s  (%.1f s)", s.Text, (p.now()-at).Seconds()))
	}
	show()
	p.report.Took = p.now()
	return p.report
}

// host is a program that joined the LAN.
type host struct {
	text  string        // its step
	ended chan struct{} // closed, with err set
	err   error
}

// hostsEnded is the error of the first host that is not there any more.
func (p *player) hostsEnded() error {
	for _, h := range p.hosts {
		select {
		case <-h.ended:
			return fmt.Errorf("%s: it has ended: %w", h.text, cmp.Or(h.err, errors.New("exit status 0")))
		default:
		}
	}
	return nil
}

type player struct {
	on     Stage
	say    func(string)
	report *Report
	last   map[string]string // node → its state line
	hosts  []*host
	said   map[string]int // node → lines of its console when something was done last
}

func (p *player) now() time.Duration { return time.Since(p.report.Begun) }

func (p *player) tell(who, text string) {
	p.say(fmt.Sprintf("%8.1f  %-10s %s", p.now().Seconds(), who, text))
}

func (p *player) step(ctx context.Context, s Step) error {
	switch s.Verb {
	case "do":
		for _, node := range p.report.Nodes {
			_, p.said[node], _ = p.on.Said(node, math.MaxInt)
		}
		return p.on.Do(s.Words...)
	case "host":
		wait, err := p.on.Host(ctx, s.Words[0], s.Words[1:])
		if err == nil {
			h := &host{text: s.Text, ended: make(chan struct{})}
			p.hosts = append(p.hosts, h)
			go func() { h.err = wait(); close(h.ended) }()
		}
		return err
	case "wait":
		return p.until(ctx, s.Limit, func(lab.Status) (bool, string) { return false, "" }, true)
	case "hold":
		failed := ""
		err := p.until(ctx, s.Limit, func(st lab.Status) (bool, string) {
			failed = p.wrong(s, st)
			return failed != "", failed
		}, true)
		if err == nil && failed != "" {
			err = fmt.Errorf("it did not stay so: %s", failed)
		}
		return err
	}
	return p.until(ctx, s.Limit, func(st lab.Status) (bool, string) {
		why := p.wrong(s, st)
		return why == "", why
	}, false)
}

// until looks at the nodes until done says so, or for the time given; then that is an
// error, with what done said, unless the time is what is waited for. That a host ends is
// one at once.
func (p *player) until(ctx context.Context, limit time.Duration, done func(lab.Status) (bool, string), passing bool) error {
	end := time.NewTimer(limit)
	defer end.Stop()
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		st, err := p.on.Status()
		if err != nil {
			return err
		}
		p.note(st)
		if err := p.hostsEnded(); err != nil {
			return err
		}
		ok, why := done(st)
		if ok {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.New("it was ended")
		case <-end.C:
			if passing {
				return nil
			}
			return fmt.Errorf("not within %v: %s", limit, why)
		case <-tick.C:
		}
	}
}

// note tells what has changed.
func (p *player) note(st lab.Status) {
	for _, n := range st.Nodes {
		state := string(n.State)
		if n.HasRecord && n.Peers > 0 && n.State != lab.Off && n.State != lab.Dead {
			state += fmt.Sprintf(" %d/%d", max(n.Connected, 0), n.Peers)
		}
		if _, known := p.last[n.Name]; !known {
			p.report.Nodes = append(p.report.Nodes, n.Name)
		}
		if p.last[n.Name] != state {
			p.last[n.Name] = state
			p.report.Changes = append(p.report.Changes, Change{p.now(), n.Name, state})
			p.tell(n.Name, state)
		}
	}
}

// wrong says what is not as a step wants it; empty: nothing.
func (p *player) wrong(s Step, st lab.Status) string {
	if len(st.Nodes) == 0 {
		return "there are no nodes"
	}
	for _, name := range s.Nodes {
		if !slices.ContainsFunc(st.Nodes, func(n lab.NodeStatus) bool { return n.Name == name }) {
			return "there is no node " + name
		}
	}
	var wrong []string
	for _, n := range st.Nodes {
		if len(s.Nodes) > 0 && !slices.Contains(s.Nodes, n.Name) {
			continue
		}
		why := p.lacks(s.Conds, n)
		if s.Any == (why == "") { // any: this one is enough; all: this one is enough to fail
			return why
		}
		wrong = append(wrong, why)
	}
	if s.Any {
		return strings.Join(wrong, "; ")
	}
	return ""
}

// lacks says which of the conditions a node does not meet; empty: it meets all.
func (p *player) lacks(conds []Cond, n lab.NodeStatus) string {
	for _, c := range conds {
		if why := p.not(c, n); why != "" {
			return n.Name + " " + why
		}
	}
	return ""
}

// not says how a node does not meet a condition; empty: it does.
func (p *player) not(c Cond, n lab.NodeStatus) string {
	is := ""
	switch c.Name {
	case "whole":
		if n.State == health.Up && n.Connected == n.Peers {
			return ""
		}
		return fmt.Sprintf("is %s with %d of %d peers", n.State, n.Connected, n.Peers)
	case "state":
		is = string(n.State)
	case "peers":
		is = fmt.Sprintf("%d/%d", n.Connected, n.Peers)
	case "restarts":
		is = strconv.Itoa(n.Restarts)
	case "missing":
		for _, m := range n.Missing {
			name, _, _ := strings.Cut(m, ":")
			if m == c.Value || name == c.Value {
				return ""
			}
		}
		return fmt.Sprintf("misses %v and not %s", n.Missing, c.Value)
	case "says":
		lines, _, err := p.on.Said(n.Name, p.said[n.Name])
		if err != nil {
			return err.Error()
		}
		if slices.ContainsFunc(lines, func(l string) bool { return strings.Contains(l, c.Value) }) {
			return ""
		}
		return fmt.Sprintf("did not say %q", c.Value)
	}
	if is == c.Value {
		return ""
	}
	return fmt.Sprintf("has %s=%s", c.Name, is)
}
