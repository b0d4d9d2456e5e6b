package lab

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"
)

// WaitState waits until the node's last record is one that ok likes, and its machine
// runs. Its error has the last 100 lines of the console.
func (n *Node) WaitState(ctx context.Context, ok func(Record) bool) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if rec, have := n.Last(); have && ok(rec) {
			return nil
		}
		select {
		case <-ctx.Done():
			return n.failed("did not reach the state waited for", ctx.Err())
		case <-tick.C:
		}
	}
}

// WaitLine waits until a line of the console, of the ones that are kept or to come,
// holds text, and gives it.
func (n *Node) WaitLine(ctx context.Context, text string) (string, error) {
	return n.WaitNewLine(ctx, 0, text)
}

// Lines is how many lines its console has said.
func (n *Node) Lines() int {
	_, total, _ := n.con.After(math.MaxInt)
	return total
}

// WaitNewLine is WaitLine of lines behind the first seen ones.
func (n *Node) WaitNewLine(ctx context.Context, seen int, text string) (string, error) {
	for {
		lines, total, more := n.con.After(seen)
		for _, l := range lines {
			if strings.Contains(l, text) {
				return l, nil
			}
		}
		seen = total
		select {
		case <-ctx.Done():
			return "", n.failed(fmt.Sprintf("did not say %q", text), ctx.Err())
		case <-more:
		}
	}
}

func (n *Node) failed(what string, err error) error {
	rec, have := n.Last()
	last := "no record"
	if have {
		last = fmt.Sprintf("last record: seq %d state %s peers %d/%d missing %v restarts %d why %q",
			rec.Seq, rec.State, rec.Connected, rec.Peers, rec.Missing, rec.Restarts, rec.Why)
	}
	return fmt.Errorf("%s %s (%s): %w\nthe end of its console:\n  %s",
		n.Spec.Name, what, last, err, strings.Join(n.Tail(100), "\n  "))
}
