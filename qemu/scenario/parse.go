// Package scenario is the room of the stories that a lab plays: a small file says what is
// done to a cluster and what has to come of it within which time. The same file is a demo
// for people and a test for programs.
//
// A line is a step; # begins a comment. The words:
//
//	scenario TEXT                       what it shows
//	nodes N                             of the lab, 3 where nothing is said
//	append WORDS                        added to the kernel command line of every node
//	lab FILE                            a lab file beside this one, in place of both
//	host ADDRESS PROGRAM …              a program as a host of the LAN, to the end of the scenario
//	boot within 3m                      all nodes are up and connected to all others
//	do VERB …                           a verb of the lab: do cut eclero6 eclero8
//	expect NODES CONDITION … within 5s  becomes so
//	hold NODES CONDITION … for 5s       is so, and stays so
//	wait 5s                             lets time pass
//	times N … end                       what stands between, so many times
//
// NODES is a name, several with commas, all, or any: one of them at least. A CONDITION is a state of a health record
// (up, degraded, down …), off or dead; peers=2/2, restarts=1, missing=NAME; whole (up with
// all peers); or says "TEXT": a line of its console, since something was done last.
package scenario

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/beaminit/beaminit/qemu/lab"
)

// File is a scenario as it was read.
type File struct {
	Path, Name string
	Nodes      int
	Append     string
	Lab        string // path of a lab file; empty: Nodes and Append say what the lab is
	Steps      []Step
}

// Step is one line of it.
type Step struct {
	Line  int
	Text  string   // as it stands in the file
	Verb  string   // boot, do, expect, hold, wait, host
	Words []string // what is done
	Nodes []string // empty: all
	Any   bool     // one of them is enough
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
	return ParseFile(path, string(text))
}

// ParseFile is Read of a file that has been read.
func ParseFile(path, text string) (*File, error) {
	f, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s:%w", path, err)
	}
	f.Path = path
	if f.Lab != "" && !filepath.IsAbs(f.Lab) {
		f.Lab = filepath.Join(filepath.Dir(path), f.Lab)
	}
	return f, nil
}

// Parse is Read of a text.
func Parse(text string) (*File, error) {
	p := parser{file: &File{Nodes: 3}, lines: strings.Split(text, "\n")}
	if err := p.block(false); err != nil {
		return nil, fmt.Errorf("%d: %w", p.at, err)
	}
	if p.file.Lab != "" && p.nodes {
		return nil, fmt.Errorf("%d: lab goes without nodes and append: the lab file says them", p.at)
	}
	for _, s := range p.file.Steps {
		if s.Verb != "host" || p.file.Lab != "" { // a lab file may have other LANs
			continue
		}
		if a, err := netip.ParseAddr(s.Words[0]); err != nil || !lab.LAN.Contains(a) {
			return nil, fmt.Errorf("%d: host %s: want an address of the LAN, such as 192.168.7.3", s.Line, s.Words[0])
		}
	}
	if len(p.file.Steps) == 0 {
		return nil, fmt.Errorf("%d: there is no step in it", p.at)
	}
	return p.file, nil
}

// Slow gives what is expected so many times as long.
func (f *File) Slow(times int) {
	for i, s := range f.Steps {
		if s.Verb == "boot" || s.Verb == "expect" {
			f.Steps[i].Limit = s.Limit * time.Duration(times)
		}
	}
}

type parser struct {
	file  *File
	nodes bool // nodes or append was said
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
		p.file.Append, p.nodes = rest, true
	case "lab":
		if len(words) != 2 {
			return fmt.Errorf("lab %s: want a lab file, such as lab failover.toml", rest)
		}
		p.file.Lab = rest
	case "nodes":
		n, err := strconv.Atoi(rest)
		if err != nil || n < 1 || n > 100 {
			return fmt.Errorf("nodes %s: want a number from 1 to 100", rest)
		}
		p.file.Nodes, p.nodes = n, true
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
