package lab

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/beaminit/beaminit/qemu/lan"
)

// The control socket takes one request a connection, a line of JSON, and answers
// with a line of JSON. After the answer to "console" or "shell" the connection carries
// the raw bytes of the serial console or the second serial port, both ways; after that to
// "sniff" it carries a capture.
type request struct {
	Do    string   `json:"do"` // status, down, console, shell, log, said, playing, sniff, do
	Node  string   `json:"node,omitempty"`
	Words []string `json:"words,omitempty"` // of do
	Lines int      `json:"lines,omitempty"` // of console and log; of said: how many have been seen
	Play  Playing  `json:"play,omitzero"`   // of playing
}

type answer struct {
	Error  string   `json:"error,omitempty"`
	Words  bool     `json:"words,omitempty"` // the error is of WordsError
	Status *Status  `json:"status,omitempty"`
	Lines  []string `json:"lines,omitempty"`
	Total  int      `json:"total,omitempty"` // of said
}

func controlSocket(dir string) string { return filepath.Join(RunDir(dir), "control.sock") }

// Serve answers on the control socket until the lab is closed. down is called when
// somebody asked for the lab to end, after all nodes went down in order.
func (l *Lab) Serve(down func()) error {
	path := controlSocket(l.opts.Dir)
	listener, err := lan.ListenUnix(path)
	if err != nil {
		return fmt.Errorf("control: %w", err)
	}
	l.onClose(func() {
		os.Remove(path)
		listener.Close()
	})
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go l.serveOne(conn, down)
		}
	}()
	return nil
}

func (l *Lab) serveOne(conn net.Conn, down func()) {
	defer conn.Close()
	defer func() { // one request that goes wrong does not end all nodes
		if wrong := recover(); wrong != nil {
			l.opts.Say(fmt.Sprintf("a request went wrong: %v\n%s", wrong, debug.Stack()))
			reply(conn, answer{Error: fmt.Sprintf("the lab cannot do that: %v", wrong)})
		}
	}()
	conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	in := bufio.NewReader(io.LimitReader(conn, 64<<10))
	line, err := in.ReadBytes('\n')
	if err != nil {
		return
	}
	conn.SetReadDeadline(time.Time{})
	var r request
	var a answer
	if err := json.Unmarshal(line, &r); err != nil {
		reply(conn, answer{Error: "not a request: " + err.Error()})
		return
	}
	switch r.Do {
	case "status":
		s, err := l.Status()
		a.Status, a.Error = &s, text(err)
	case "down":
		ctx, cancel := context.WithTimeout(context.Background(), DownTimeout)
		defer cancel()
		a.Lines = l.PowerOff(ctx)
		reply(conn, a)
		down()
		return
	case "log":
		lines, err := l.Log(r.Node, r.Lines)
		a.Lines, a.Error = lines, text(err)
	case "said":
		lines, total, err := l.Said(r.Node, r.Lines)
		a.Lines, a.Total, a.Error = lines, total, text(err)
	case "playing":
		l.Playing(r.Play)
	case "console":
		l.serveConsole(conn, in, r)
		return
	case "shell":
		l.serveShell(conn, r)
		return
	case "sniff":
		l.serveSniff(conn)
		return
	case "do":
		err := l.Do(r.Words...)
		var wrong *WordsError
		a.Error, a.Words = text(err), errors.As(err, &wrong)
	default:
		a.Error = "not a request: " + r.Do
	}
	reply(conn, a)
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func reply(w io.Writer, a answer) error {
	line, err := json.Marshal(a)
	if err != nil {
		return err
	}
	_, err = w.Write(append(line, '\n'))
	return err
}

// serveSniff writes what is on the LAN from now on, as pcapng, until it is not read any more.
func (l *Lab) serveSniff(conn net.Conn) {
	if reply(conn, answer{}) != nil {
		return
	}
	stop, done := l.Switch.Sniff(conn)
	defer stop()
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		io.Copy(io.Discard, conn)
	}()
	select {
	case <-done: // the lab is closed
	case <-gone:
	}
}

func (l *Lab) serveConsole(conn net.Conn, in io.Reader, r request) {
	n, err := l.Node(r.Node)
	if err != nil {
		reply(conn, answer{Error: err.Error()})
		return
	}
	pieces, stop := n.con.Follow()
	defer stop()
	if reply(conn, answer{Lines: n.Tail(r.Lines)}) != nil {
		return
	}
	gone := make(chan struct{})
	go func() { // what is typed
		defer close(gone)
		buf := make([]byte, 1024)
		for {
			k, err := conn.Read(buf)
			if err != nil {
				return
			}
			n.Write(buf[:k]) // to a node that is off, nothing is typed
		}
	}()
	for {
		select {
		case p := <-pieces:
			conn.SetWriteDeadline(time.Now().Add(10 * time.Second))
			if _, err := conn.Write(p); err != nil {
				return
			}
		case <-gone:
			return
		}
	}
}

func (l *Lab) serveShell(conn net.Conn, r request) {
	n, err := l.Node(r.Node)
	if err != nil {
		reply(conn, answer{Error: err.Error()})
		return
	}
	port, leave, err := n.Shell()
	if err != nil {
		reply(conn, answer{Error: err.Error()})
		return
	}
	defer leave()
	if reply(conn, answer{}) != nil {
		return
	}
	go func() { // what is typed
		defer port.SetReadDeadline(time.Unix(0, 1)) // ends the copy below
		buf := make([]byte, 1024)
		for {
			k, err := conn.Read(buf)
			if err != nil {
				return
			}
			port.SetWriteDeadline(time.Now().Add(2 * time.Second)) // a guest need not read
			port.Write(buf[:k])
		}
	}()
	io.Copy(conn, port)
	conn.Close()
	port.SetReadDeadline(time.Time{})
}
