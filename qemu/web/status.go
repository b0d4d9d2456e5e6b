package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/beaminit/beaminit/qemu/lan"
	"github.com/beaminit/beaminit/qemu/watch"
)

// refresh is the time between two pictures.
const refresh = 500 * time.Millisecond

// slow is how long a browser may take to read what it is sent.
const slow = 10 * time.Second

// picture is what the page is drawn from: all that the table is drawn from, and what the
// nodes were before.
type picture struct {
	watch.Status          // its events: those since the last picture
	Links        []link   `json:"links,omitempty"`
	Past         []change `json:"past,omitempty"` // since the last picture

	First bool   `json:"first,omitempty"` // the next four are only in the first picture
	Heard bool   `json:"heard,omitempty"` // there are consoles
	Verbs []Verb `json:"verbs,omitempty"` // what can be done
	Xterm string `json:"xterm,omitempty"` // where xterm.js is

	Scenarios []string `json:"scenarios,omitempty"`

	event time.Time // of the last event in it
	seen  int       // changes before and in it
}

// link is one that something is wrong with, also in words.
type link struct {
	lan.Link
	Text string `json:"text"`
}

// next gives the picture that follows one, or the first.
func (p *page) next(before *picture) (*picture, error) {
	s, err := p.from.Status()
	if err != nil {
		return nil, err
	}
	now := &picture{Status: s}
	if before == nil {
		before = &picture{}
		now.First, now.Heard = true, p.listener != nil
		if HasTerminal() {
			now.Xterm = xterm
		}
		if p.driver != nil {
			now.Verbs, now.Scenarios = p.driver.Verbs(), p.driver.Scenarios()
		}
	}
	for _, l := range s.Links {
		text := l.Fault.String()
		if l.LAN != "" {
			text += " on " + l.LAN
		}
		now.Links = append(now.Links, link{l, text})
	}
	now.Past, now.seen = p.past.after(before.seen)
	now.event, now.Events = before.event, nil
	for _, e := range s.Events {
		if e.At.After(before.event) {
			now.event, now.Events = e.At, append(now.Events, e)
		}
	}
	return now, nil
}

// status sends pictures as server-sent events (HTML, 9.2) until the browser goes, or there is
// nothing to show any more: then the last event is "over", and says why.
func (p *page) status(w http.ResponseWriter, r *http.Request) {
	out := newEvents(w)
	tick := time.NewTicker(refresh)
	defer tick.Stop()
	var last *picture
	for {
		now, err := p.next(last)
		if err != nil {
			out.send("over", err.Error())
			return
		}
		if out.send("picture", now) != nil {
			return
		}
		last = now
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
		}
	}
}

// events is a stream of server-sent events, each with JSON as its data.
type events struct {
	w    http.ResponseWriter
	wire *http.ResponseController
}

func newEvents(w http.ResponseWriter) events {
	w.Header().Set("Content-Type", "text/event-stream")
	return events{w, http.NewResponseController(w)}
}

// send sends one event. Its error says that nobody takes it.
func (e events) send(name string, data any) error {
	text, err := json.Marshal(data) // has no line end in it
	if err != nil {
		return err
	}
	e.wire.SetWriteDeadline(time.Now().Add(slow))
	if _, err := fmt.Fprintf(e.w, "event: %s\ndata: %s\n\n", name, text); err != nil {
		return err
	}
	return e.wire.Flush()
}
