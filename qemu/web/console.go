package web

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/beaminit/beaminit/qemu/watch"
)

// pastLines is how many lines of a console are shown that were there before.
const pastLines = 300

// seats are the consoles that are open, each by a name that nobody can guess.
type seats struct {
	mu   sync.Mutex
	open map[string]io.Writer
}

func (s *seats) sit(at io.Writer) (name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = map[string]io.Writer{}
	}
	name = random()
	s.open[name] = at
	return name
}

func (s *seats) leave(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, name)
}

func (s *seats) at(name string) io.Writer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open[name]
}

// console sends what a serial port of ?node= says, as events: first "open" with the name of
// the seat, for typed, then "text". With ?port=shell it is the second port, which one has
// alone, with ?port=remsh a shell of its Erlang. What a node says is hostile: it goes through watch.Terminal.
func (p *page) console(w http.ResponseWriter, r *http.Request) {
	node := r.FormValue("node")
	var last []string
	var port io.ReadWriteCloser
	var err error
	switch kind := r.FormValue("port"); {
	case kind != "shell" && kind != "remsh":
		last, port, err = p.listener.Console(node, pastLines)
	case p.driver == nil:
		err = errors.New("this node is only watched")
	case kind == "shell":
		port, err = p.driver.Shell(node)
	default:
		port, err = p.driver.Remsh(node)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	defer port.Close()
	go func() { // ends the copy below
		<-r.Context().Done()
		port.Close()
	}()
	seat := p.seats.sit(port)
	defer p.seats.leave(seat)
	out := newEvents(w)
	if out.send("open", seat) != nil {
		return
	}
	screen := &watch.Terminal{To: texts{out}}
	if len(last) > 0 {
		io.WriteString(screen, strings.Join(last, "\r\n")+"\r\n")
	}
	io.Copy(screen, port)
}

// texts sends what is written as events.
type texts struct{ out events }

func (t texts) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	return len(p), t.out.send("text", string(p))
}

// typed types at a console that is open.
func (p *page) typed(w http.ResponseWriter, r *http.Request) {
	var keys struct{ Seat, Text string }
	if !read(w, r, &keys) {
		return
	}
	port := p.seats.at(keys.Seat)
	if port == nil {
		http.Error(w, "this console is not open any more", http.StatusGone)
		return
	}
	if _, err := io.WriteString(port, keys.Text); err != nil {
		http.Error(w, err.Error(), http.StatusGone)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
