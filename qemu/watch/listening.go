package watch

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// Console gives the last lines of a node, and then what it says until it is closed. To write
// is an error.
func (s *Serial) Console(node string, lines int) (last []string, stream io.ReadWriteCloser, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.nodes {
		if n.name == node {
			l := &listening{}
			l.pieces, l.stop = n.console.Follow()
			l.ended, l.end = context.WithCancel(s.ctx)
			return n.console.Tail(lines), l, nil
		}
	}
	return nil, nil, fmt.Errorf("there is no node %q", node)
}

// listening is a console that is only heard.
type listening struct {
	pieces <-chan []byte
	stop   func()
	rest   []byte // of a piece
	ended  context.Context
	end    context.CancelFunc
}

func (l *listening) Read(p []byte) (int, error) {
	if len(l.rest) == 0 {
		select {
		case l.rest = <-l.pieces:
		case <-l.ended.Done():
			return 0, io.EOF
		}
	}
	n := copy(p, l.rest)
	l.rest = l.rest[n:]
	return n, nil
}

func (l *listening) Write([]byte) (int, error) { return 0, errWatched }

func (l *listening) Close() error {
	l.end()
	l.stop()
	return nil
}

var errWatched = errors.New("these nodes are only watched")
