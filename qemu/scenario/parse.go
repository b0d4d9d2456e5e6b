// Package scenario is the room of the stories that a lab plays: a small file says what is
// done to a cluster and what has to come of it within which time. The same file is a demo
// for people and a test for programs.
//
// A line is a step; # begins a comment. The words:
//
//	scenario TEXT                       what it shows
//	nodes N                             of the lab, 3 where nothing is said
//	append WORDS                        added to the kernel command line of every node
//	boot within 3m                      all nodes are up and connected to all others
//	do VERB …                           a verb of the lab: do cut eclero6 eclero8
//	expect NODES CONDITION … within 5s  becomes so
//	hold NODES CONDITION … for 5s       is so, and stays so
//	wait 5s                             lets time pass
//	times N … end                       what stands between, so many times
//
// NODES is a name, several with commas, or all. A CONDITION is a state of a health record
// (up, degraded, down …), off or dead; peers=2/2, restarts=1, missing=NAME; whole (up with
// all peers); or says "TEXT": a line among the last 1,000 of its console.
package scenario

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// File is a scenario as it was read.
type File struct {
	Path, Name string
	Nodes      int
	Append     string
	Steps      []Step
}

// Step is one line of it.
type Step struct {
	Line  int
	Text  string   // as it stands in the file
	Verb  string   // boot, do, expect, hold, wait
	Words []string // what is done
	Nodes []string // empty: all
	Conds []Cond
	Limit time.Duration
}

// Cond is what has to be true of a node.
type Cond struct{ Name, Value string }

// Read reads a scenario file. Its errors say the line and what would be right.
func Read(path string) (*File, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f, err := Parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s:%w", path, err)
	}
	f.Path = path
	return f, nil
}

// Parse is Read of a text.
func Parse(text string) (*File, error) {
	p := parser{file: &File{Nodes: 3}, lines: strings.Split(text, "\n")}
	if err := p.block(false); err != nil {
		return nil, fmt.Errorf("%d: %w", p.at, err)
	}
	if len(p.file.Steps) == 0 {
		return nil, fmt.Errorf("%d: there is no step in it", p.at)
	}
	return p.file, nil
}

type parser struct {
	file  *File
	lines []string
	at    int // number of the line
	depth int
}

// most bounds what "times" can make of a few lines.
const most = 10_000

// block reads lines up to the end of the file, or up to "end".
func (p *parser) block(inner bool) error {
	for p.at < len(p.lines) {
		words, err := split(p.lines[p.at])
		p.at++
		if err != nil {
			return err
		}
		if len(words) == 0 {
			continue
		}
		if words[0] == "end" && inner {
			return nil
		}
		if err := p.line(words); err != nil {
			return err
		}
		if len(p.file.Steps) > most {
			return fmt.Errorf("more than %d steps", most)
		}
	}
	if inner {
		return fmt.Errorf("times without end")
	}
	return nil
}

func (p *parser) line(words []string) error {
	rest := strings.Join(words[1:], " ")
	switch words[0] {
	case "scenario":
		p.file.Name = rest
	case "append":
		p.file.Append = rest
	case "nodes":
		n, err := strconv.Atoi(rest)
		if err != nil || n < 1 || n > 100 {
			return fmt.Errorf("nodes %s: want a number from 1 to 100", rest)
		}
		p.file.Nodes = n
	case "times":
		return p.times(rest)
	default:
		s, err := step(words)
		if err != nil {
			return err
		}
		s.Line, s.Text = p.at, strings.Join(strings.Fields(p.lines[p.at-1]), " ")
		p.file.Steps = append(p.file.Steps, s)
	}
	return nil
}

func (p *parser) times(rest string) error {
	n, err := strconv.Atoi(rest)
	if err != nil || n < 1 || n > most {
		return fmt.Errorf("times %s: want a number from 1 to %d", rest, most)
	}
	if p.depth++; p.depth > 4 {
		return fmt.Errorf("times within times within times: four deep at most")
	}
	first := len(p.file.Steps)
	if err := p.block(true); err != nil {
		return err
	}
	p.depth--
	body := p.file.Steps[first:]
	if len(body)*n > most {
		return fmt.Errorf("times %d of %d steps: %d at most", n, len(body), most)
	}
	for range n - 1 {
		p.file.Steps = append(p.file.Steps, body...)
	}
	return nil
}

// step reads a line that does or wants something.
func step(words []string) (s Step, err error) {
	s.Verb, words = words[0], words[1:]
	switch s.Verb {
	case "do":
		if len(words) == 0 {
			return s, fmt.Errorf("do wants a verb of the lab, such as do cut eclero6 eclero8")
		}
		s.Words = words
		return s, nil
	case "wait":
		s.Limit, err = limit(words)
		return s, err
	case "boot":
		s.Conds = []Cond{{"whole", ""}}
		return s, s.within(words, "within")
	case "expect", "hold":
		word := map[string]string{"expect": "within", "hold": "for"}[s.Verb]
		if len(words) < 2 {
			return s, fmt.Errorf("%s wants nodes, what they are to be, and a time: %s all up %s 10s", s.Verb, s.Verb, word)
		}
		if words[0] != "all" {
			s.Nodes = strings.Split(words[0], ",")
		}
		return s, s.within(words[1:], word)
	}
	return s, fmt.Errorf("there is no step %q; want scenario, nodes, append, boot, do, expect, hold, wait, times or end", s.Verb)
}

// within reads conditions, and the time behind the word.
func (s *Step) within(words []string, word string) (err error) {
	for i := 0; i < len(words); i++ {
		name, value, has := strings.Cut(words[i], "=")
		switch {
		case words[i] == word:
			s.Limit, err = limit(words[i+1:])
			if err == nil && len(s.Conds) == 0 {
				err = fmt.Errorf("%s wants something that is to be true", s.Verb)
			}
			return err
		case words[i] == "says" && i+1 < len(words):
			i++
			s.Conds = append(s.Conds, Cond{"says", words[i]})
		case has && (name == "peers" || name == "restarts" || name == "missing"):
			s.Conds = append(s.Conds, Cond{name, value})
		case !has && words[i] == "whole":
			s.Conds = append(s.Conds, Cond{"whole", ""})
		case !has && states[words[i]]:
			s.Conds = append(s.Conds, Cond{"state", words[i]})
		default:
			return fmt.Errorf("%q is no condition; want a state (up, degraded …), whole, peers=2/2, restarts=1, missing=NAME or says \"TEXT\"", words[i])
		}
	}
	return fmt.Errorf("%s wants a time at its end: %s 10s", s.Verb, word)
}

var states = map[string]bool{
	"booting": true, "starting": true, "up": true, "degraded": true, "hung": true, "down": true, "stopping": true, "rescue": true,
	"off": true, "dead": true,
}

func limit(words []string) (time.Duration, error) {
	if len(words) == 1 {
		if d, err := time.ParseDuration(words[0]); err == nil && d > 0 && d <= 24*time.Hour {
			return d, nil
		}
	}
	return 0, fmt.Errorf("%q is no time; want one such as 10s or 1m30s", strings.Join(words, " "))
}

// split takes a line apart at its blanks; "…" protects them, and # begins a comment.
func split(line string) (words []string, err error) {
	for line = strings.TrimSpace(line); line != "" && line[0] != '#'; line = strings.TrimSpace(line) {
		var word string
		if line[0] == '"' {
			end := strings.IndexByte(line[1:], '"')
			if end < 0 {
				return nil, fmt.Errorf("a \" without its second one")
			}
			word, line = line[1:1+end], line[2+end:]
		} else if i := strings.IndexAny(line, " \t"); i >= 0 {
			word, line = line[:i], line[i:]
		} else {
			word, line = line, ""
		}
		words = append(words, word)
	}
	return words, nil
}
