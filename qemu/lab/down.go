package lab

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/qemu/arch"
)

// DownTimeout is how long all nodes together may take to go down in order.
const DownTimeout = 30 * time.Second

// PowerOff presses the power button of every node that runs, waits until all are off, and
// ends those that still run when ctx does. It says of each how it ended.
func (l *Lab) PowerOff(ctx context.Context) []string {
	said := make([]string, len(l.nodes))
	var wg sync.WaitGroup
	for i, n := range l.nodes {
		wg.Add(1)
		go func() {
			defer wg.Done()
			said[i] = n.powerOff(ctx)
		}()
	}
	wg.Wait()
	return slices.DeleteFunc(said, func(s string) bool { return s == "" })
}

// powerOff is that of one node; empty: it was off.
func (n *Node) powerOff(ctx context.Context) string {
	m, err := n.current()
	if err != nil {
		return ""
	}
	begun := time.Now()
	if _, have := n.Last(); !have {
		n.Kill()
		return n.Spec.Name + " had not booted yet and was switched off"
	}
	n.Heal() // one that is frozen, or whose disk is slow, cannot go down
	if err := n.Monitor("system_powerdown"); err == nil {
		select {
		case <-m.gone:
			return fmt.Sprintf("%s went down in order in %.1f s", n.Spec.Name, time.Since(begun).Seconds())
		case <-ctx.Done():
		}
	}
	last, _ := n.Last()
	n.Kill()
	if errors.Is(ctx.Err(), context.Canceled) {
		return fmt.Sprintf("%s was switched off after %.1f s on its way down", n.Spec.Name, time.Since(begun).Seconds())
	}
	text := fmt.Sprintf("%s did not go down within %.0f s and was switched off", n.Spec.Name, time.Since(begun).Seconds())
	if last.State != health.Stopping {
		text += ": it does not heed its power button (kernel modules " + strings.Join(arch.Of(n.image().Arch).Button, " and ") + ")"
	}
	return strings.TrimSpace(text)
}
