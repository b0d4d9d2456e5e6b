package machine

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/nstest"
)

// endOfConsole is the line behind the last one of a machine that is gone.
const endOfConsole = "end of the console"

// read takes the console in, line by line.
func (m *Machine) read(kmsg *os.File) {
	in := bufio.NewScanner(kmsg)
	for in.Scan() && in.Text() != endOfConsole {
		line, prefix := in.Bytes(), ""
		if i := bytes.IndexByte(line, '>'); i > 0 && i < 5 {
			line, prefix = line[i+1:], string(line[:i+1])
		}
		m.mu.Lock()
		m.prefixes = append(m.prefixes, prefix)
		m.lines = append(m.lines, string(line))
		if r, ok := health.Find(line); ok {
			m.records = append(m.records, r)
		}
		close(m.news)
		m.news = make(chan struct{})
		m.mu.Unlock()
	}
}

// Prefix is that of the first line that holds text: "<28>" of a warning (facility and level, syslog(3)).
func (m *Machine) Prefix(text string) string {
	m.Line(text)
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, line := range m.lines {
		if strings.Contains(line, text) {
			return m.prefixes[i]
		}
	}
	return ""
}

// Await waits until ok holds; on failure it shows the end of the console.
func (m *Machine) Await(what string, limit time.Duration, ok func() bool) {
	m.T.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	for over := ""; ; {
		m.mu.Lock()
		news := m.news
		m.mu.Unlock()
		if ok() {
			return
		}
		if over != "" {
			m.T.Fatalf("no %s %s; the end of the console:\n%s", what, over, m.Tail())
		}
		select {
		case <-news:
		case err := <-m.exit: // it has said all that it ever will
			m.exit <- err
			over = fmt.Sprintf("and PID 1 is gone (%v)", err)
		case <-ctx.Done():
			over = "within " + limit.String()
		}
	}
}

func (m *Machine) Tail() string {
	lines := m.Lines()
	return strings.Join(lines[max(0, len(lines)-100):], "\n")
}

// Record waits for a health record that ok likes, among those after number from,
// and gives it with the number to go on from.
func (m *Machine) Record(what string, from int, ok func(health.Record) bool) (health.Record, int) {
	m.T.Helper()
	var found health.Record
	m.Await("record: "+what, nstest.Patience, func() bool {
		for _, found = range m.Records()[from:] {
			if from++; ok(found) {
				return true
			}
		}
		return false
	})
	return found, from
}

func (m *Machine) State(want health.State, from int) (health.Record, int) {
	m.T.Helper()
	return m.Record("state="+string(want), from, func(r health.Record) bool { return r.State == want })
}

// Line waits for a line that has text in it.
func (m *Machine) Line(text string) {
	m.T.Helper()
	m.LinesWith(text, 1)
}

// LinesWith waits until n lines have text in them.
func (m *Machine) LinesWith(text string, n int) {
	m.T.Helper()
	m.Await(fmt.Sprintf("%d lines with %q", n, text), nstest.Patience, func() bool { return m.Count(text) >= n })
}

// Records are the health records so far.
func (m *Machine) Records() []health.Record {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clip(m.records)
}

// LastRecord is the last of them.
func (m *Machine) LastRecord() health.Record {
	all := m.Records()
	return all[len(all)-1]
}

// Lines are the lines of the console so far.
func (m *Machine) Lines() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clip(m.lines)
}

// Count is how many lines have text in them so far.
func (m *Machine) Count(text string) (n int) {
	for _, l := range m.Lines() {
		if strings.Contains(l, text) {
			n++
		}
	}
	return n
}

// Ended waits for the end of PID 1 and gives the signal that the kernel ended it
// with: SIGHUP for a reboot, SIGINT for power off and halt (reboot(2)).
func (m *Machine) Ended() syscall.Signal {
	m.T.Helper()
	if !m.Gone(nstest.Patience) {
		m.T.Fatalf("PID 1 does not end\n%s", m.Tail())
	}
	err := <-m.exit
	m.exit <- err
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		m.T.Fatalf("PID 1 ended: %v\n%s", err, m.Tail())
	}
	return exit.Sys().(syscall.WaitStatus).Signal()
}

// Gone says whether PID 1 has ended, or does so within limit.
func (m *Machine) Gone(limit time.Duration) bool {
	select {
	case err := <-m.exit:
		m.exit <- err
		return true
	case <-time.After(limit):
		return false
	}
}

// howEnded says how PID 1 has ended, if it has.
func (m *Machine) howEnded() string {
	if !m.Gone(time.Second) {
		return ""
	}
	err := <-m.exit
	m.exit <- err
	return fmt.Sprintf("; PID 1 has ended: %v", err)
}

// Signal sends a signal to PID 1.
func (m *Machine) Signal(sig syscall.Signal) { m.Must(m.cmd.Process.Signal(sig)) }

func Phase(r health.Record, name string) time.Duration {
	for _, p := range r.Phases {
		if p.Name == name {
			return p.At
		}
	}
	return 0
}
