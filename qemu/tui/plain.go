package tui

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beaminit/beaminit/qemu/watch"
)

// Plain writes one line for each change until ctx ends, until stop likes a status,
// or until there is no lab to ask any more. stop may be nil.
func Plain(ctx context.Context, w io.Writer, from Source, stop func(watch.Status) bool) error {
	var p Lines
	tick := time.NewTicker(refresh)
	defer tick.Stop()
	for {
		s, err := from.Status()
		if err != nil {
			return err
		}
		for _, line := range p.Next(s) {
			if _, err := fmt.Fprintln(w, line); err != nil {
				return err
			}
		}
		if stop != nil && stop(s) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// Lines makes lines of what is news, and remembers what was said already.
type Lines struct {
	states map[string]string // node → its state line
	event  time.Time
}

// Next gives the lines that are news, in the order of their happening as far as it
// is known.
func (p *Lines) Next(s watch.Status) []string {
	if p.states == nil {
		p.states = map[string]string{}
	}
	var out []string
	stamp := "[" + strconv.FormatFloat(s.Uptime.Seconds(), 'f', 1, 64) + "s] "
	for _, e := range s.Events {
		if e.At.After(p.event) {
			p.event = e.At
			at := s.Uptime - s.At.Sub(e.At)
			out = append(out, fmt.Sprintf("[%.1fs] %s: %s", at.Seconds(), e.Node, e.Text))
		}
	}
	for _, n := range s.Nodes {
		line := stateLine(n)
		if p.states[n.Name] != line {
			p.states[n.Name] = line
			out = append(out, stamp+line)
		}
	}
	return out
}

// stateLine has what makes a node's state, and nothing that changes by itself.
func stateLine(n watch.NodeStatus) string {
	words := []string{n.Name, string(n.State)}
	if n.HasRecord {
		have := strconv.Itoa(n.Connected)
		if n.Connected < 0 {
			have = "?"
		}
		words = append(words, "peers="+have+"/"+strconv.Itoa(n.Peers))
		if len(n.Missing) > 0 {
			words = append(words, "missing="+strings.Join(n.Missing, ","))
		}
		words = append(words, "restarts="+strconv.Itoa(n.Restarts))
		if list := slices.Concat(n.Warn, n.Net); len(list) > 0 {
			words = append(words, "warn="+strings.Join(list, ","))
		}
		if n.Why != "" {
			words = append(words, strconv.Quote(n.Why))
		}
	}
	words = append(words, nodeFaults(n)...)
	return strings.Join(words, " ")
}

// Table writes one picture of the lab, for "status".
func Table(w io.Writer, s watch.Status, width int) {
	sc := screen{status: s, width: width, height: 1 << 20, selected: -1}
	fmt.Fprintln(w, sc.header())
	fmt.Fprintln(w)
	for _, line := range sc.table(sc.height) {
		fmt.Fprintln(w, strings.TrimRight(line, " "))
	}
}
