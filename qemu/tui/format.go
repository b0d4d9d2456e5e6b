package tui

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/beaminit/beaminit/qemu/watch"
)

// uptime goes on between two records, and stops where a node has gone silent.
func uptime(n watch.NodeStatus) string {
	if n.State == watch.Dead {
		return span(n.Uptime)
	}
	return span(n.Uptime + n.Age)
}

// shortPhases is phases without units and commas, for the table.
func shortPhases(n watch.NodeStatus) string {
	return strings.NewReplacer("s,", "").Replace(strings.TrimSuffix(phases(n), "s"))
}

func phases(n watch.NodeStatus) string {
	var b []string
	for _, p := range n.Phases {
		b = append(b, p.Name+" "+seconds(p.At))
	}
	return strings.Join(b, ", ")
}

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + "s" }

func millis(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return strconv.FormatInt(d.Milliseconds(), 10) + "ms"
}

// span is a duration of two units at most: 42s, 3m07s, 5h12m, 9d04h.
func span(d time.Duration) string {
	s := int(d.Seconds())
	switch {
	case s < 60:
		return fmt.Sprintf("%ds", s)
	case s < 3600:
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	case s < 86400:
		return fmt.Sprintf("%dh%02dm", s/3600, s/60%60)
	}
	return fmt.Sprintf("%dd%02dh", s/86400, s/3600%24)
}

// bytesOf is a size in units of 1024, empty for 0.
func bytesOf(n int64) string {
	switch {
	case n == 0:
		return ""
	case n < 1<<10:
		return fmt.Sprintf("%dB", n)
	case n < 1<<20:
		return fmt.Sprintf("%dK", n>>10)
	case n < 10<<30:
		return fmt.Sprintf("%dM", n>>20)
	}
	return fmt.Sprintf("%dG", n>>30)
}

// count is a number with its thousands set apart.
func count(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + " " + s[i:]
	}
	return s
}
