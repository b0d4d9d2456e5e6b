package tui

import (
	"slices"
	"strconv"
	"strings"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"

	"github.com/beaminit/beaminit/qemu/lan"
	"github.com/beaminit/beaminit/qemu/watch"
)

// column is one column of the table.
type column struct {
	head  string
	width int
	right bool // numbers are set to the right
	cell  func(watch.NodeStatus) (string, lipgloss.Style)
}

func plain(f func(watch.NodeStatus) string) func(watch.NodeStatus) (string, lipgloss.Style) {
	return func(n watch.NodeStatus) (string, lipgloss.Style) { return f(n), lipgloss.NewStyle() }
}

// known leaves a cell empty where this boot has sent no record.
func known(f func(watch.NodeStatus) string) func(watch.NodeStatus) (string, lipgloss.Style) {
	return plain(func(n watch.NodeStatus) string {
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
	boot := column{"boot", 6, true, known(func(n watch.NodeStatus) string {
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
		{"node", name, false, plain(func(n watch.NodeStatus) string { return n.Name })},
		{"state", 8, false, func(n watch.NodeStatus) (string, lipgloss.Style) { return string(n.State), stateStyle(n.State) }},
		{"uptime", 7, true, known(uptime)},
		{"peers", peers, false, peersCell},
		{"restarts", 8, true, known(func(n watch.NodeStatus) string { return strconv.Itoa(n.Restarts) })},
		{"memory", 6, true, known(func(n watch.NodeStatus) string { return bytesOf(n.Memory) })},
		{"probe", 6, true, known(func(n watch.NodeStatus) string { return millis(n.Probe) })},
		boot,
	}
	if width := s.warnWidth(); width > 0 {
		list = append(list, column{"warn", width, false, warnCell})
	}
	used := 3 // what is left of the table
	for _, c := range list {
		used += c.width + 2
	}
	if rest := s.width - used; rest >= 12 {
		list = append(list, column{"last event", rest, false, plain(func(n watch.NodeStatus) string { return n.Event })})
	}
	return list
}

// warnWidth is how wide the column of what is wrong has to be; 0: nothing is.
func (s screen) warnWidth() (width int) {
	for _, n := range s.status.Nodes {
		if text, _ := warnCell(n); text != "" {
			width = min(max(width, len("warn"), ansi.StringWidth(text)), 16)
		}
	}
	return width
}

// warnCell is what is wrong with a node and does not stop it.
func warnCell(n watch.NodeStatus) (string, lipgloss.Style) {
	return strings.Join(slices.Concat(n.Warn, n.Net), " "), lipgloss.NewStyle().Foreground(warn)
}

func peersCell(n watch.NodeStatus) (string, lipgloss.Style) {
	st := lipgloss.NewStyle()
	switch {
	case len(nodeFaults(n)) > 0 && !n.HasRecord:
		return strings.Join(nodeFaults(n), " "), st.Foreground(warn)
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
	for _, f := range nodeFaults(n) {
		text += " " + f
		st = st.Foreground(warn)
	}
	return text, st
}

// nodeFaults is what was done to a node, in short.
func nodeFaults(n watch.NodeStatus) (list []string) {
	if n.Cut {
		list = append(list, "cut")
	}
	return append(list, n.Faults...)
}

// faults tells what is wrong with the links; one that is wrong both ways is one line.
func (s screen) faults() (lines []string) {
	links := s.status.Links
	for i, l := range links {
		back := slices.IndexFunc(links, func(o lan.Link) bool { return o.From == l.To && o.To == l.From && o.LAN == l.LAN && o.Fault == l.Fault })
		what := l.Fault.String()
		if l.LAN != "" {
			what += " on " + l.LAN
		}
		switch {
		case back >= 0 && back < i:
			continue
		case back >= 0:
			lines = append(lines, "   "+alarm.Render(l.From+" ↔ "+l.To+"  "+what))
		default:
			lines = append(lines, "   "+alarm.Render(l.From+" → "+l.To+"  "+what))
		}
	}
	return lines
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
			if n.State == watch.Off || n.State == watch.Dead && c.head != "state" {
				style = dim // what it said last holds no more
			}
			if i > 0 {
				line += "  "
			}
			line += style.Render(cell(text, c.width, c.right))
		}
		out = append(out, line)
	}
	return append(out, s.faults()...)
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
