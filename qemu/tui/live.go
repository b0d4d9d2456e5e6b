package tui

import (
	"context"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/beaminit/beaminit/qemu/watch"
)

// Source is a lab to show and to drive: one in this process, or a client of one.
type Source interface {
	Status() (watch.Status, error)
	Do(words ...string) error
}

const refresh = 250 * time.Millisecond

// Live shows the table on the terminal until the user quits, ctx ends, or there is no
// lab to ask any more, which is an error. note stands below the table; it may be empty.
func Live(ctx context.Context, from Source, note string) error {
	p := tea.NewProgram(&live{from: from, screen: screen{note: note}}, tea.WithContext(ctx), tea.WithAltScreen(), tea.WithoutSignalHandler())
	end, err := p.Run()
	if ctx.Err() != nil {
		return nil
	}
	if l, is := end.(*live); is && err == nil {
		err = l.lost
	}
	return err
}

type live struct {
	from   Source
	screen screen
	said   time.Time // when the message came
	lost   error     // there is no lab to show any more
}

type (
	statusMsg struct {
		status watch.Status
		err    error
	}
	doneMsg struct{ err error }
)

func (l *live) Init() tea.Cmd { return l.look }

func (l *live) look() tea.Msg {
	s, err := l.from.Status()
	return statusMsg{s, err}
}

func (l *live) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch m := msg.(type) {
	case tea.WindowSizeMsg:
		l.screen.width, l.screen.height = m.Width, m.Height
	case statusMsg:
		if m.err != nil {
			l.lost = m.err
			return l, tea.Quit
		}
		l.screen.status = m.status
		if time.Since(l.said) > 5*time.Second {
			l.screen.message = ""
		}
		return l, tea.Tick(refresh, func(time.Time) tea.Msg { return l.look() })
	case doneMsg:
		if m.err != nil {
			l.say(m.err.Error())
		}
	case tea.KeyMsg:
		return l.key(m.String())
	}
	return l, nil
}

func (l *live) say(text string) { l.screen.message, l.said = text, time.Now() }

func (l *live) key(k string) (tea.Model, tea.Cmd) {
	nodes := l.screen.status.Nodes
	switch k {
	case "q", "ctrl+c", "esc":
		return l, tea.Quit
	case "up":
		l.screen.selected = max(0, l.screen.selected-1)
	case "down", "tab":
		l.screen.selected = min(len(nodes)-1, l.screen.selected+1)
	case "pgup":
		l.screen.selected = max(0, l.screen.selected-10)
	case "pgdown":
		l.screen.selected = min(len(nodes)-1, l.screen.selected+10)
	case "h":
		return l, l.do("heal")
	default:
		if verb := verbOf(k); verb != nil && l.screen.selected >= 0 && l.screen.selected < len(nodes) {
			return l, l.do(verb(nodes[l.screen.selected])...)
		}
	}
	return l, nil
}

// verbOf gives what a key does to the node that is selected; nil: nothing.
func verbOf(key string) func(watch.NodeStatus) []string {
	for _, k := range keys {
		if k.key == key {
			return k.verb
		}
	}
	return nil
}

func (l *live) do(words ...string) tea.Cmd {
	return func() tea.Msg { return doneMsg{l.from.Do(words...)} }
}

func (l *live) View() string {
	if l.screen.width == 0 || len(l.screen.status.Nodes) == 0 {
		return ""
	}
	return l.screen.render()
}
