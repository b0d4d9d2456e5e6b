// Package tui is the room of what the lab shows to people: a live table on a
// terminal, and plain lines, one a change, where the output is none.
package tui

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/qemu/lab"
)

var (
	good  = lipgloss.AdaptiveColor{Light: "28", Dark: "78"}
	busy  = lipgloss.AdaptiveColor{Light: "25", Dark: "75"}
	warn  = lipgloss.AdaptiveColor{Light: "130", Dark: "214"}
	bad   = lipgloss.AdaptiveColor{Light: "160", Dark: "203"}
	quiet = lipgloss.AdaptiveColor{Light: "244", Dark: "243"}

	dim   = lipgloss.NewStyle().Foreground(quiet)
	title = lipgloss.NewStyle().Bold(true)
	alarm = lipgloss.NewStyle().Foreground(bad)
)

// stateStyle is how a state looks; a colour alone never tells anything.
func stateStyle(s health.State) lipgloss.Style {
	st := lipgloss.NewStyle()
	switch s {
	case health.Up:
		return st.Foreground(good)
	case health.Booting, health.Starting:
		return st.Foreground(busy)
	case health.Degraded, health.Stopping:
		return st.Foreground(warn)
	case health.Hung, health.Down, health.Rescue, lab.Dead:
		return st.Foreground(bad).Bold(true)
	}
	return st.Foreground(quiet)
}

// screen is all that a picture is made from.
type screen struct {
	status   lab.Status
	width    int
	height   int
	selected int
	message  string // of the last command, or why there is no status
}

// render gives the picture, never wider or higher than the screen.
func (s screen) render() string {
	var b []string
	b = append(b, s.header(), "")
	b = append(b, s.table()...)
	b = append(b, "")
	b = append(b, s.details()...)
	b = append(b, "")
	foot := []string{s.keys()}
	if s.message != "" {
		foot = append([]string{alarm.Render(" " + s.message)}, foot...)
	}
	if room := s.height - len(b) - len(foot) - 1; room > 0 {
		events := s.events(room)
		b = append(b, events...)
		for range room - len(events) {
			b = append(b, "")
		}
		b = append(b, "")
	}
	if over := len(b) + len(foot) - s.height; over > 0 {
		b = b[:max(0, len(b)-over)]
	}
	b = append(b, foot...)
	for i := range b {
		b[i] = strings.TrimRight(b[i], " ")
		b[i] = ansi.Truncate(b[i], s.width, "…")
	}
	return strings.Join(b, "\n")
}

func (s screen) header() string {
	up := 0
	for _, n := range s.status.Nodes {
		if n.State == health.Up {
			up++
		}
	}
	c := s.status.LAN
	parts := []string{
		fmt.Sprintf("%d of %d up", up, len(s.status.Nodes)),
		fmt.Sprintf("lan %s frames %s", count(c.Frames), bytesOf(int64(c.Bytes))),
	}
	if c.Dropped > 0 {
		parts = append(parts, count(c.Dropped)+" dropped")
	}
	if c.Cut > 0 {
		parts = append(parts, count(c.Cut)+" cut off")
	}
	parts = append(parts, "image "+s.status.Image, s.status.Accel, "running "+span(s.status.Uptime))
	return " " + title.Render("beaminit lab") + dim.Render("  ·  ") + strings.Join(parts, dim.Render("  ·  "))
}

// column is one column of the table.
type column struct {
	head  string
	width int
	right bool // numbers are set to the right
	cell  func(lab.NodeStatus) (string, lipgloss.Style)
}

func plain(f func(lab.NodeStatus) string) func(lab.NodeStatus) (string, lipgloss.Style) {
	return func(n lab.NodeStatus) (string, lipgloss.Style) { return f(n), lipgloss.NewStyle() }
}

// known leaves a cell empty where this boot has sent no record.
func known(f func(lab.NodeStatus) string) func(lab.NodeStatus) (string, lipgloss.Style) {
	return plain(func(n lab.NodeStatus) string {
		if !n.HasRecord {
			return ""
		}
		return f(n)
	})
}

const (
	wide     = 150 // columns from which the table has all phases of the boot
	peersMin = 7
)

func (s screen) columns() []column {
	name, peers := 6, peersMin
	for _, n := range s.status.Nodes {
		name = max(name, ansi.StringWidth(n.Name))
		text, _ := peersCell(n)
		peers = min(max(peers, ansi.StringWidth(text)), 24)
	}
	boot := column{"boot", 6, true, known(func(n lab.NodeStatus) string {
		if len(n.Phases) == 0 {
			return ""
		}
		return seconds(n.Phases[len(n.Phases)-1].At)
	})}
	if s.width >= wide {
		boot = column{"boot", 4, false, known(shortPhases)}
		for _, n := range s.status.Nodes {
			boot.width = min(max(boot.width, len(shortPhases(n))), 60)
		}
	}
	list := []column{
		{"node", name, false, plain(func(n lab.NodeStatus) string { return n.Name })},
		{"state", 8, false, func(n lab.NodeStatus) (string, lipgloss.Style) { return string(n.State), stateStyle(n.State) }},
		{"uptime", 7, true, known(uptime)},
		{"peers", peers, false, peersCell},
		{"restarts", 8, true, known(func(n lab.NodeStatus) string { return strconv.Itoa(n.Restarts) })},
		{"memory", 6, true, known(func(n lab.NodeStatus) string { return bytesOf(n.Memory) })},
		{"probe", 6, true, known(func(n lab.NodeStatus) string { return millis(n.Probe) })},
		boot,
	}
	used := 3 // what is left of the table
	for _, c := range list {
		used += c.width + 2
	}
	if rest := s.width - used; rest >= 12 {
		list = append(list, column{"last event", rest, false, plain(func(n lab.NodeStatus) string { return n.Event })})
	}
	return list
}

func peersCell(n lab.NodeStatus) (string, lipgloss.Style) {
	st := lipgloss.NewStyle()
	switch {
	case n.Cut && !n.HasRecord:
		return "cut off", st.Foreground(warn)
	case !n.HasRecord:
		return "", st
	}
	have := strconv.Itoa(n.Connected)
	if n.Connected < 0 {
		have = "?"
	}
	text := have + "/" + strconv.Itoa(n.Peers)
	if len(n.Missing) > 0 {
		text += " −" + strings.Join(n.Missing, " −")
		st = st.Foreground(warn)
	}
	if n.Cut {
		text += " cut"
		st = st.Foreground(warn)
	}
	return text, st
}

func (s screen) table() []string {
	columns := s.columns()
	head := "   "
	for _, c := range columns {
		head += cell(c.head, c.width, c.right) + "  "
	}
	out := []string{dim.Render(strings.TrimRight(head, " "))}
	for i, n := range s.status.Nodes {
		line := "   "
		if i == s.selected {
			line = " " + title.Render("▸") + " "
		}
		for i, c := range columns {
			text, style := c.cell(n)
			if n.State == lab.Off || n.State == lab.Dead && c.head != "state" {
				style = dim // what it said last holds no more
			}
			if i > 0 {
				line += "  "
			}
			line += style.Render(cell(text, c.width, c.right))
		}
		out = append(out, line)
	}
	return out
}

// cell is text in exactly width columns.
func cell(text string, width int, right bool) string {
	text = ansi.Truncate(text, width, "…")
	pad := strings.Repeat(" ", width-ansi.StringWidth(text))
	if right {
		return pad + text
	}
	return text + pad
}

// details are the words about the selected node that have no column.
func (s screen) details() []string {
	if s.selected < 0 || s.selected >= len(s.status.Nodes) {
		return nil
	}
	n := s.status.Nodes[s.selected]
	first := []string{title.Render(n.Name), n.Address}
	if n.PID > 0 {
		first = append(first, "pid "+strconv.Itoa(n.PID))
	}
	if n.Lost > 0 {
		first = append(first, count(uint64(n.Lost))+" records lost")
	}
	if n.Garbled > 0 {
		first = append(first, count(uint64(n.Garbled))+" garbled")
	}
	if n.HasRecord && n.Age > 2*time.Second {
		first = append(first, "last record "+span(n.Age)+" ago")
	}
	second := []string{}
	if p := phases(n); p != "" {
		second = append(second, "boot: "+p)
	}
	if n.Why != "" {
		second = append(second, "why: "+n.Why)
	}
	if n.Next > 0 {
		second = append(second, "next start in "+span(n.Next))
	}
	sep := dim.Render("  ·  ")
	return []string{"   " + strings.Join(first, sep), "   " + strings.Join(second, sep)}
}

// events are the last lines of all nodes, at most room of them.
func (s screen) events(room int) []string {
	list := s.status.Events
	list = list[max(0, len(list)-room):]
	name := 0
	for _, n := range s.status.Nodes {
		name = max(name, ansi.StringWidth(n.Name))
	}
	var out []string
	for _, e := range list {
		out = append(out, "   "+dim.Render(e.At.Format("15:04:05")+"  "+cell(e.Node, name, false))+"  "+e.Text)
	}
	return out
}

func (s screen) keys() string {
	var b []string
	for _, k := range []struct{ key, does string }{
		{"↑↓", "select"}, {"k", "kill"}, {"s", "start"}, {"c", "cut/heal"}, {"q", "quit"},
	} {
		b = append(b, title.Render(k.key)+" "+dim.Render(k.does))
	}
	return "   " + strings.Join(b, "   ")
}

// uptime goes on between two records, and stops where a node has gone silent.
func uptime(n lab.NodeStatus) string {
	if n.State == lab.Dead {
		return span(n.Uptime)
	}
	return span(n.Uptime + n.Age)
}

// shortPhases is phases without units and commas, for the table.
func shortPhases(n lab.NodeStatus) string {
	return strings.NewReplacer("s,", "").Replace(strings.TrimSuffix(phases(n), "s"))
}

func phases(n lab.NodeStatus) string {
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
