package tui

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"

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
	name, peers, most := 6, peersMin, 24
	if s.width >= wide {
		most = 40
	}
	for _, n := range s.status.Nodes {
		name = min(max(name, ansi.StringWidth(n.Name)), s.longestName())
		text, _ := peersCell(n)
		peers = min(max(peers, ansi.StringWidth(text)), most)
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
			boot.width = min(max(boot.width, len(shortPhases(n))), 64)
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
	list = s.fit(list)
	if rest := s.width - used(list) - 2; rest >= 12 {
		list = append(list, column{"last event", rest, false, plain(func(n watch.NodeStatus) string { return n.Event })})
	}
	return list
}

// longestName is how wide the names of nodes are at most; a screen whose size is not known yet has none.
func (s screen) longestName() int { return max(12, s.width/3) }

// used is the width of a table with what stands left of it.
func used(list []column) (width int) {
	width = 1
	for _, c := range list {
		width += c.width + 2
	}
	return width
}

// spared are the columns that a screen without room for all goes without, the first ones first.
var spared = []string{"probe", "memory", "boot", "restarts", "uptime", "warn"}

// fit makes the columns fit on the screen: it leaves some out, and then makes that of the peers smaller.
func (s screen) fit(list []column) []column {
	for _, head := range spared {
		if used(list) <= s.width {
			return list
		}
		list = slices.DeleteFunc(list, func(c column) bool { return c.head == head })
	}
	for i, c := range list {
		if c.head == "peers" {
			list[i].width = max(peersMin, c.width-max(0, used(list)-s.width))
		}
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

// pair is a link that one thing is wrong with, one way or both.
type pair struct {
	from, to, what string
	both           bool
}

// pairs are the links that something is wrong with, each thing by itself; what is wrong both ways is one pair.
func (s screen) pairs() (list []pair) {
	for _, l := range s.status.Links {
		for _, what := range strings.Split(l.Fault.String(), ", ") {
			if l.LAN != "" {
				what += " on " + l.LAN
			}
			if i := slices.Index(list, pair{l.To, l.From, what, false}); i >= 0 {
				list[i].both = true
			} else {
				list = append(list, pair{l.From, l.To, what, false})
			}
		}
	}
	return list
}

// faults tells what is wrong with the links: in one line what is so of all, or of all of one node.
func (s screen) faults() (lines []string) {
	list, others := s.pairs(), len(s.status.Nodes)-1
	say := func(from, to string, p pair) {
		arrow := " → "
		if p.both {
			arrow = " ↔ "
		}
		lines = append(lines, "   "+alarm.Render(from+arrow+to+"  "+p.what))
	}
	for len(list) > 0 {
		p := list[0]
		same := func(o pair) bool { return o.what == p.what && o.both && p.both }
		of := func(name string) func(pair) bool {
			return func(o pair) bool {
				return same(o) && (o.from == name || o.to == name) || !p.both && !o.both && o.what == p.what && o.from == name
			}
		}
		one := func(o pair) bool { return o == p }
		switch {
		case others > 1 && counted(list, same) == others*(others+1)/2:
			say("all", "all", p)
			one = same
		case others > 1 && counted(list, of(p.from)) == others:
			say(p.from, "all", p)
			one = of(p.from)
		case others > 1 && p.both && counted(list, of(p.to)) == others:
			say(p.to, "all", p)
			one = of(p.to)
		default:
			say(p.from, p.to, p)
		}
		list = slices.DeleteFunc(list, one)
	}
	return lines
}

func counted(list []pair, is func(pair) bool) (n int) {
	for _, p := range list {
		if is(p) {
			n++
		}
	}
	return n
}

// table is that of the nodes, with what is wrong with the links below, in most lines.
func (s screen) table(most int) []string {
	columns := s.columns()
	head := "   "
	for _, c := range columns {
		head += cell(c.head, c.width, c.right) + "  "
	}
	out := []string{dim.Render(strings.TrimRight(head, " "))}
	first, last := s.window(most - 1)
	for i, n := range s.status.Nodes[first:last] {
		out = append(out, s.row(columns, n, first+i == s.selected))
	}
	if n := len(s.status.Nodes); last-first < n {
		out = append(out, dim.Render(fmt.Sprintf("   … %d of %d nodes", last-first, n)))
	}
	faults := s.faults()
	if room := max(0, most-len(out)); len(faults) > room {
		hidden := len(faults) - max(0, room-1)
		faults = append(faults[:max(0, room-1)], "   "+alarm.Render(fmt.Sprintf("… %d more", hidden)))[:room]
	}
	return append(out, faults...)
}

// window is which of the nodes are shown where there is room for so many lines: those around the selected one.
func (s screen) window(room int) (first, last int) {
	n := len(s.status.Nodes)
	if n <= room {
		return 0, n
	}
	room = max(0, room-1) // a line says that there are more
	first = max(0, min(s.selected-room/2, n-room))
	return first, min(n, first+room)
}

func (s screen) row(columns []column, n watch.NodeStatus, selected bool) string {
	line := "   "
	if selected {
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
	return line
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
