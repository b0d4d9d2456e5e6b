package watch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/beaminit/beaminit/health"
)

// Serial are nodes of which nothing is known but what their serial lines say: boards on a
// desk, a rack behind a terminal server. Nothing can be done to them.
type Serial struct {
	opts  Options
	begun time.Time
	ctx   context.Context // of the watch
	end   context.CancelFunc
	lines sync.WaitGroup // that are read

	mu     sync.Mutex
	nodes  []*serialNode
	events []Event
}

// Options say how lines are read.
type Options struct {
	Interval time.Duration // between two health records of a node
	Key      health.Key    // only records that are signed with it count; nil: all
	Baud     uint32        // of a tty; 0: as it is
}

// serialNode is one node: a line, or a sender of netconsole.
type serialNode struct {
	name    string
	view    View
	console *Console // without a file
	ended   error    // why its line is not read; nil: it is
}

var errBaud = errors.New("the speed of a serial port is not set on " + runtime.GOOS +
	"; set it before: mode COM3 baud=115200 parity=n data=8 stop=1 on Windows, stty elsewhere")

// linePause is the time between two attempts to open a line that has gone.
const linePause = time.Second

// Open watches lines until ctx ends, or Close is called. A source is the path of a tty, of a file, which
// may grow, of a FIFO or of a unix socket; "-", the standard input; "tcp:HOST:PORT", a terminal
// server's; "udp:PORT" or "udp:ADDRESS:PORT", where netconsole sends to (admin-guide/netconsole), with a node for
// each address that something comes from. A line that has gone is opened again. The error says
// which source is none.
func Open(ctx context.Context, sources []string, o Options) (*Serial, error) {
	if o.Baud != 0 && !CanSetBaud {
		return nil, errBaud
	}
	ctx, end := context.WithCancel(ctx)
	s := &Serial{opts: o, begun: time.Now(), ctx: ctx, end: end}
	named := map[string]bool{}
	for i, source := range sources {
		open, name, err := s.opener(source)
		if slices.Contains(sources[:i], source) {
			err = errors.New("it is named twice")
		}
		if named[name] { // shop/console.log and till/console.log
			name = source
		}
		named[name] = true
		if err == nil && open == nil {
			err = s.netconsole(ctx, source)
		}
		if err != nil {
			s.Close()
			return nil, fmt.Errorf("%s: %w", source, err)
		}
		if open != nil {
			n := s.node(name)
			s.lines.Add(1)
			go s.follow(ctx, n, open)
		}
	}
	return s, nil
}

// Close ends the watch.
func (s *Serial) Close() {
	s.end()
	s.lines.Wait()
}

// node gives the node of that name, a new one where there is none.
func (s *Serial) node(name string) *serialNode {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.nodes {
		if n.name == name {
			return n
		}
	}
	n := &serialNode{name: name, console: &Console{more: make(chan struct{})}, view: View{Interval: s.opts.Interval, Key: s.opts.Key}}
	n.view.Powered(true, time.Now())
	s.nodes = append(s.nodes, n)
	return n
}

// follow reads a line until ctx ends.
func (s *Serial) follow(ctx context.Context, n *serialNode, open func(context.Context) (line, error)) {
	defer s.lines.Done()
	buf := make([]byte, 4096)
	for ctx.Err() == nil {
		from, err := open(ctx)
		if err == nil {
			close := context.AfterFunc(ctx, func() { from.Close() }) // which ends a Read
			for err == nil {
				var k int
				if k, err = from.Read(buf); k > 0 {
					s.say(n, nil)
				}
				s.took(n, buf[:k])
			}
			close()
			from.Close()
		}
		if errors.Is(err, errEnd) {
			return
		}
		s.say(n, err)
		select {
		case <-ctx.Done():
		case <-time.After(linePause):
		}
	}
}

// say tells once that a line is not read, and why, until something has come from it.
func (s *Serial) say(n *serialNode, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if errors.Is(err, io.EOF) {
		err = errors.New("the line has ended")
	}
	if err != nil && n.ended == nil {
		s.event(n.name, "watch: "+err.Error()+"; trying again")
	}
	n.ended = err
}

// event notes one; s.mu is held.
func (s *Serial) event(node, text string) {
	s.events = append(s.events, Event{time.Now(), node, text})
	s.events = s.events[max(0, len(s.events)-KeptEvents):]
}

// took takes what came from a node.
func (s *Serial) took(n *serialNode, piece []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, text := range n.console.Took(piece) {
		if _, isEvent := n.view.Line(text, time.Now()); isEvent {
			s.event(n.name, n.view.Event)
		}
	}
}

// netconsole listens for what kernels send as packets, each a part of the log.
func (s *Serial) netconsole(ctx context.Context, source string) error {
	conn, err := net.ListenPacket("udp", udpAddress(source))
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { conn.Close() })
	s.lines.Add(1)
	go func() {
		defer s.lines.Done()
		buf := make([]byte, 1<<16)
		for {
			k, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			host, _, _ := net.SplitHostPort(from.String())
			s.took(s.node(host), buf[:k])
		}
	}()
	return nil
}

// Status gives the present status.
func (s *Serial) Status() (Status, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	status := Status{Serial: true, At: now, Uptime: now.Sub(s.begun), Events: slices.Clone(s.events)}
	for _, n := range s.nodes {
		one := n.view.Status(now)
		one.Name = n.name
		status.Nodes = append(status.Nodes, one)
	}
	return status, nil
}

// Do does nothing: it is an error.
func (s *Serial) Do(words ...string) error {
	return errWatched
}

// nameOf is what a node is called after its source.
func nameOf(path string) string { return filepath.Base(path) }

// udpAddress is where to listen for udp:PORT or udp:ADDRESS:PORT.
func udpAddress(source string) string {
	address := source[len("udp:"):]
	if !strings.Contains(address, ":") {
		address = ":" + address
	}
	return address
}
