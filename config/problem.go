package config

import (
	"slices"
	"strconv"
	"strings"
)

// Problem is one thing wrong in a source of the configuration. It never stops a
// boot: Used says what stands in its place.
type Problem struct {
	File string // "/etc/beaminit.toml", "kernel command line"
	Line int    // 1-based; 0 where lines have no meaning
	Key  string // dotted, as in beaminit.toml; empty where the text could not be read so far
	What string // what is wrong
	Want string // what would be right
	Used string // what the boot goes on with; may be empty
}

// Note names a key that is understood and checked, and has no effect yet.
type Note struct {
	Key  string
	Text string
}

// String is the problem in one line of printable ASCII, whatever the sources held:
// it goes to a serial console.
func (p Problem) String() string {
	b := append([]byte(nil), p.File...)
	if p.Line > 0 {
		b = strconv.AppendInt(append(b, ':'), int64(p.Line), 10)
	}
	if p.Key != "" {
		b = append(append(b, ": "...), p.Key...)
	}
	b = append(append(b, ": "...), p.What...)
	if p.Want != "" {
		b = append(append(b, "; want "...), p.Want...)
	}
	if p.Used != "" {
		b = append(append(b, "; using "...), p.Used...)
	}
	return oneLine(b)
}

// Problem is one that shows only when a value is used. used says what that leads to.
func (c *Config) Problem(key, what, want, used string) Problem {
	path := strings.Split(key, ".")
	from := c.from(key, "")
	p := Problem{File: from.file(), Key: key, What: what, Want: want, Used: used}
	switch from {
	case TOML:
		p.Line = lineOf(c.text, path, 0)
	case Erlinit:
		p.Line = c.origin(key, "").line
	}
	return p
}

// String is the note in one line: "network.eth0.dhcp: not supported yet".
func (n Note) String() string {
	return oneLine([]byte(n.Key + ": " + n.Text))
}

func oneLine(b []byte) string {
	for i, c := range b {
		if c < ' ' || c > '~' {
			b[i] = '?'
		}
	}
	return string(b)
}

// fault is a Problem that does not know yet which key of which source it is about.
type fault struct {
	what, want string
	used       string // empty: the value that the key has in the end

	key     string // of an entry of a list of tables, below that list
	nth     int    // which entry it is, from 0
	ignored bool   // it is about a key that there is none of
}

// maxProblems is how many problems are listed: what is wrong more often is wrong as a
// whole, and the console is slow.
const maxProblems = 64

// problem records one problem of a key, once. path is that of the TOML file.
func (l *loader) problem(from Source, path []string, f fault) {
	if n := len(l.c.Problems); n >= maxProblems {
		if n == maxProblems {
			l.c.Problems = append(l.c.Problems, Problem{File: from.file(), What: "there are more problems; the first 64 are listed"})
		}
		return
	}
	p := Problem{File: from.file(), Key: join(path), What: f.what, Want: f.want, Used: f.used}
	switch from {
	case TOML:
		p.Line = lineOf(l.c.text, path, f.nth)
	case Fstab:
		p.Line = l.line
	case Erlinit, ErlinitArgs:
		p.Line = l.line
		if l.option != "" { // what people wrote
			p.Key = l.option
		}
	}
	for _, q := range l.c.Problems {
		if q.Line == p.Line && q.Key == p.Key && q.What == p.What && q.File == p.File {
			return
		}
	}
	l.c.Problems = append(l.c.Problems, p)
}

// noteOnce is note, for what may be found several times. (Inlined in all its callers: 13 KB more.)
//
//go:noinline
func (l *loader) noteOnce(key, text string) {
	if n := (Note{key, text}); !slices.Contains(l.c.Notes, n) && len(l.c.Notes) < maxProblems {
		l.c.Notes = append(l.c.Notes, n)
	}
}

// note adds what has no effect. (Inlined: 3 KB more.)
//
//go:noinline
func (l *loader) note(key, text string) {
	l.c.Notes = append(l.c.Notes, Note{key, text})
}
