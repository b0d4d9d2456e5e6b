// Package tui is the room of what the lab shows to people: a live table on a
// terminal, and plain lines, one a change, where the output is none.
package tui

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/qemu/watch"
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
	case health.Hung, health.Down, health.Rescue, watch.Dead:
		return st.Foreground(bad).Bold(true)
	}
	return st.Foreground(quiet)
}

// screen is all that a picture is made from.
type screen struct {
	status   watch.Status
	width    int
	height   int
	selected int
	message  string // of the last command, or why there is no status
	note     string // from whoever shows the table
}

// render gives the picture, never wider or higher than the screen.
func (s screen) render() string {
	foot := s.foot()
	room := s.height - 2 - len(foot)
	var details []string
	// On a low screen the nodes come first.
	if d := s.details(); len(d) > 0 && room-len(d)-2 > min(len(s.status.Nodes), 6) {
		details = append([]string{""}, append(d, "")...)
	}
	b := append([]string{s.header(), ""}, s.table(room-len(details))...)
	b = append(b, details...)
	if room := s.height - len(b) - len(foot) - 1; room > 0 {
		events := s.events(room)
		b = append(b, events...)
		for range room - len(events) + 1 {
			b = append(b, "")
		}
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

// foot is what stands at the bottom.
func (s screen) foot() (lines []string) {
	if s.message != "" {
		lines = append(lines, alarm.Render(" "+s.message))
	}
	if s.note != "" {
		lines = append(lines, dim.Render("   "+s.note))
	}
	return append(lines, s.keys()...)
}

func (s screen) header() string {
	up := 0
	for _, n := range s.status.Nodes {
		if n.State == health.Up {
			up++
		}
	}
	if s.status.Serial {
		return " " + title.Render("beaminit") + dim.Render("  ·  ") + fmt.Sprintf("%d of %d up", up, len(s.status.Nodes)) +
			dim.Render("  ·  ") + "watched for " + span(s.status.Uptime)
	}
	c := s.status.LAN
	parts := []string{
		fmt.Sprintf("%d of %d up", up, len(s.status.Nodes)),
		fmt.Sprintf("lan %s frames %s", count(c.Frames), bytesOf(int64(c.Bytes))),
	}
	if c.Dropped > 0 {
		parts = append(parts, count(c.Dropped)+" dropped")
	}
	if c.Lost > 0 {
		parts = append(parts, count(c.Lost)+" lost")
	}
	if c.Cut > 0 {
		parts = append(parts, count(c.Cut)+" cut off")
	}
	parts = append(parts, "image "+s.status.Image, s.status.Accel, "running "+span(s.status.Uptime))
	return " " + title.Render("beaminit lab") + dim.Render("  ·  ") + strings.Join(parts, dim.Render("  ·  "))
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
	if n.Jumps > 0 {
		first = append(first, count(uint64(n.Jumps))+" jumps of the numbers")
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
	second = append(second, further(n)...)
	sep := dim.Render("  ·  ")
	return []string{"   " + strings.Join(first, sep), "   " + strings.Join(second, sep)}
}

// further are the words of a record that only a few nodes have.
func further(n watch.NodeStatus) (words []string) {
	if text, _ := warnCell(n); text != "" {
		words = append(words, "warn: "+text)
	}
	if len(n.WasCut) > 0 {
		words = append(words, "cut: "+strings.Join(n.WasCut, " "))
	}
	if len(n.Healed) > 0 {
		words = append(words, "healed: "+strings.Join(n.Healed, " "))
	}
	switch {
	case n.Slot != "" && n.Trial:
		words = append(words, "slot "+n.Slot+" on trial")
	case n.Slot != "":
		words = append(words, "slot "+n.Slot)
	}
	if n.Discovery != "" {
		words = append(words, "discovery "+n.Discovery)
	}
	return words
}

// events are the last lines of all nodes, at most room of them.
func (s screen) events(room int) []string {
	list := s.status.Events
	list = list[max(0, len(list)-room):]
	name := 0
	for _, n := range s.status.Nodes {
		name = min(max(name, ansi.StringWidth(n.Name)), s.longestName())
	}
	var out []string
	for _, e := range list {
		out = append(out, "   "+dim.Render(e.At.Format("15:04:05")+"  "+cell(e.Node, name, false))+"  "+e.Text)
	}
	return out
}

// keys are what can be typed; verb is what one does to the node that is selected.
var keys = []struct {
	key, does string
	verb      func(watch.NodeStatus) []string
}{
	{"↑↓", "select", nil},
	{"k", "kill", always("kill")},
	{"s", "start", always("start")},
	{"c", "cut", either("isolate", func(n watch.NodeStatus) bool { return n.Cut })},
	{"u", "unplug", either("unplug", has("unplugged"))},
	{"f", "freeze", either("stop", has("frozen"))},
	{"p", "off", always("poweroff")},
	{"h", "heal", nil},
	{"q", "quit", nil},
}

func always(verb string) func(watch.NodeStatus) []string {
	return func(n watch.NodeStatus) []string { return []string{verb, n.Name} }
}

// either does a fault, or heals the node that has it.
func either(verb string, has func(watch.NodeStatus) bool) func(watch.NodeStatus) []string {
	return func(n watch.NodeStatus) []string {
		if has(n) {
			return []string{"heal", n.Name}
		}
		return []string{verb, n.Name}
	}
}

func has(fault string) func(watch.NodeStatus) bool {
	// On one LAN of several it is "unplugged on field".
	return func(n watch.NodeStatus) bool {
		return slices.ContainsFunc(n.Faults, func(f string) bool { return f == fault || strings.HasPrefix(f, fault+" on ") })
	}
}

// keys are in as many lines as they need, where the screen is high enough.
func (s screen) keys() (lines []string) {
	line, most := "", min(max(s.height/8, 1), 3)
	for _, k := range keys {
		word := title.Render(k.key) + " " + dim.Render(k.does)
		if line != "" && ansi.StringWidth("   "+line+"  "+word) > s.width && len(lines) < most-1 {
			lines, line = append(lines, "   "+line), ""
		}
		if line != "" {
			line += "  "
		}
		line += word
	}
	return append(lines, "   "+line)
}
