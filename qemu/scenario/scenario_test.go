package scenario

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/qemu/lab"
)

// A lab file is found from the directory of its scenario, unless its path is a whole one.
func TestReadLab(t *testing.T) {
	dir := t.TempDir()
	for lab, want := range map[string]string{"a.toml": dir + "/a.toml", "../a.toml": filepath.Dir(dir) + "/a.toml", "/srv/a.toml": "/srv/a.toml"} {
		path := filepath.Join(dir, "x.scenario")
		if err := os.WriteFile(path, []byte("lab "+lab+"\nwait 1s\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if f, err := Read(path); err != nil || f.Lab != want {
			t.Errorf("lab %s: %v %v, want %s", lab, f, err, want)
		}
	}
}

func TestParse(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"boot within 3m", "[{boot [] [] [{whole }] 3m0s}]"},
		{"# a story\n\nscenario \"x\"\ndo cut a b --one-way # now", "[{do [cut a b --one-way] [] [] 0s}]"},
		{"expect a,b degraded missing=c within 4s", "[{expect [] [a b] [{state degraded} {missing c}] 4s}]"},
		{`hold all up says "all is well" for 1m30s`, "[{hold [] [] [{state up} {says all is well}] 1m30s}]"},
		{"times 2\nwait 1s\ntimes 2\nwait 2s\nend\nend", "[{wait [] [] [] 1s} {wait [] [] [] 2s} {wait [] [] [] 2s} {wait [] [] [] 1s} {wait [] [] [] 2s} {wait [] [] [] 2s}]"},

		{"", "1: there is no step in it"},
		{"boot", "1: boot wants a time at its end: within 10s"},
		{"\nfly away", `2: there is no step "fly"; want scenario, nodes, append, lab, host, boot, do, expect, hold, wait, times or end`},
		{"expect all upp within 1s", `1: "upp" is no condition; want a state (up, degraded …), whole, peers=2/2, restarts=1, missing=NAME or says "TEXT"`},
		{"expect all peers=a within 1s", "1: peers=a: want peers=2/2, restarts=1 or missing=NAME"},
		{"expect all restarts= within 1s", "1: restarts=: want peers=2/2, restarts=1 or missing=NAME"},
		{"expect all within 1s", "1: expect wants something that is to be true"},
		{"expect all", "1: expect wants nodes, what they are to be, and a time: expect all up within 10s"},
		{"hold all up within 1s", `1: "within" is no condition; want a state (up, degraded …), whole, peers=2/2, restarts=1, missing=NAME or says "TEXT"`},
		{"wait soon", `1: "soon" is no time; want one such as 10s or 1m30s`},
		{"do", "1: do wants a verb of the lab, such as do cut eclero6 eclero8"},
		{"nodes 0\nwait 1s", "1: nodes 0: want a number from 1 to 100"},
		{"times 3\nwait 1s", "2: times without end"},
		{"times 9999\nwait 1s\nwait 1s\nend", "4: times 9999 of 2 steps: 10000 at most"},
		{"nodes 2\nlab a.toml\nwait 1s", "3: lab goes without nodes and append: the lab file says them"},
		{"lab\nwait 1s", "1: lab : want a lab file, such as lab failover.toml"},
		{"host 192.168.7.3 dnsmasq -k", "[{host [192.168.7.3 dnsmasq -k] [] [] 0s}]"},
		{"host dnsmasq -k", "1: host dnsmasq: want an address of the LAN, such as 192.168.7.3"},
		{"host 192.168.8.3 dnsmasq -k", "1: host 192.168.8.3: want an address of the LAN, such as 192.168.7.3"},
		{"host 192.168.7.3", "1: host wants an address and a program: host 192.168.7.3 dnsmasq -k"},
		{"end", `1: there is no step "end"; want scenario, nodes, append, lab, host, boot, do, expect, hold, wait, times or end`},
		{`do say "x`, "1: a \" without its second one"},
	} {
		f, err := Parse(tt.text)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			var steps []string
			for _, s := range f.Steps {
				steps = append(steps, fmt.Sprint("{", s.Verb, " ", s.Words, " ", s.Nodes, " ", s.Conds, " ", s.Limit, "}"))
			}
			got = "[" + strings.Join(steps, " ") + "]"
		}
		if got != tt.want {
			t.Errorf("%q\ngives %s\nwant  %s", tt.text, got, tt.want)
		}
	}
}

// What makes no sense on the nodes of a lab is said before they are booted.
func TestCheck(t *testing.T) {
	nodes, err := lab.NodeSpecs(2)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ text, want string }{
		{"do cut eclero6 eclero8\nexpect any up within 3s\nexpect eclero6,eclero8 up within 3s\nhost 192.168.7.3 sh -c :", ""},
		{"wait 1s\ndo kill nosuch", `x:2: there is no node "nosuch"; there are eclero6, eclero8`},
		{"do kil eclero6", `x:1: the lab cannot "kil eclero6": it knows cut, `},
		{"do loss eclero6 120%", `x:1: loss: "120%" is no share: from 0% to 100%`},
		{"do cut", "x:1: usage: cut A [B] [--one-way]"},
		{"do cut eclero6 on field", `x:1: there is no lan "field"`},
		{"expect eclero6,nosuch up within 3s", `x:1: there is no node "nosuch"`},
		{"hold nosuch up for 3s", `x:1: there is no node "nosuch"`},
		{"host 192.168.7.6 sh", "x:1: host 192.168.7.6: this address is that of eclero6"},
		{"host 192.168.7.3 nosuchprogram", "x:1: host: there is no program nosuchprogram on this machine"},
	} {
		f, err := ParseFile("x", tt.text)
		if err == nil {
			err = f.Check(nodes, nil)
		}
		if got := fmt.Sprint(err); err == nil != (tt.want == "") || !strings.HasPrefix(got, tt.want) && err != nil {
			t.Errorf("%q: %v, want %q", tt.text, err, tt.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("times 2\nexpect a,b up says \"x\" within 1s\nend\nhold all whole for 3s")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := Parse(text)
		if err == nil && (len(file.Steps) == 0 || len(file.Steps) > most) {
			t.Fatalf("%d steps", len(file.Steps))
		}
	})
}

// The scenarios of the repository can be read.
func TestScenariosOfTheRepository(t *testing.T) {
	files, err := filepath.Glob("../scenarios/*.scenario")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, path := range files {
		if f, err := Read(path); err != nil || f.Name == "" {
			t.Errorf("%s: %v; every one has a name", path, err)
		}
	}
}

// stage is two nodes that see each other unless they are cut: what a lab tells of them is
// what matters to a player, and e2e plays on a real one.
type stage struct {
	cut   bool
	shown []lab.Playing
	host  string // that runs

	looked sync.Once
	seen   chan struct{} // closed when its nodes have been looked at
}

func (s *stage) Playing(p lab.Playing) { s.shown = append(s.shown, p) }

func (s *stage) Host(ctx context.Context, address string, program []string) (func() error, error) {
	if program[0] == "none" {
		return nil, errors.New("there is no none")
	}
	if program[0] == "short" {
		return func() error { <-s.seen; return errors.New("exit status 3") }, nil
	}
	s.host = address
	return func() error { <-ctx.Done(); s.host = ""; return nil }, nil
}

func (s *stage) Do(words ...string) error {
	switch words[0] {
	case "cut":
		s.cut = true
	case "heal":
		s.cut = false
	default:
		return errors.New("cannot " + words[0])
	}
	return nil
}

func (s *stage) Said(node string, seen int) (lines []string, total int, err error) {
	all := []string{"release: I am " + node}
	if s.cut {
		all = append(all, "release: alone")
	}
	return all[min(seen, len(all)):], len(all), nil
}

func (s *stage) Status() (st lab.Status, err error) {
	s.looked.Do(func() { close(s.seen) })
	for _, name := range []string{"a", "b"} {
		n := lab.NodeStatus{Name: name, State: health.Up, HasRecord: true, Connected: 1, Peers: 1}
		if s.cut {
			n.State, n.Connected, n.Missing = health.Degraded, 0, []string{map[string]string{"a": "b", "b": "a"}[name]}
		}
		st.Nodes = append(st.Nodes, n)
	}
	return st, nil
}

func TestPlay(t *testing.T) {
	for _, tt := range []struct{ text, err string }{
		{"boot within 1m\ndo cut a b\nexpect a degraded missing=b within 1m\nexpect a says alone within 1m\ndo heal\nexpect all whole within 1m\nhold all up for 100ms", ""},
		{"expect all degraded within 100ms", "line 1: expect all degraded within 100ms: not within 100ms: a has state=up"},
		{"expect a says \"I am a\" within 1m\ndo cut a\nexpect a says \"I am a\" within 100ms", "line 3: expect a says \"I am a\" within 100ms: not within 100ms: a did not say \"I am a\""},
		{"do cut a\nexpect any missing=b within 1m", ""},
		{"host 192.168.7.3 dnsmasq\nexpect all up within 1m", ""},
		{"host 192.168.7.3 short\nwait 1h", "line 2: wait 1h: host 192.168.7.3 short: it has ended: exit status 3"},
		{"host 192.168.7.3 none", "line 1: host 192.168.7.3 none: there is no none"},
		{"expect any degraded within 100ms", "line 1: expect any degraded within 100ms: not within 100ms: a has state=up; b has state=up"},
		{"expect c up within 100ms", "line 1: expect c up within 100ms: not within 100ms: there is no node c"},
		{"do cut a\nhold all up for 1m", "line 2: hold all up for 1m: it did not stay so: a has state=degraded"},
		{"do fly", "line 1: do fly: cannot fly"},
		{"do cut a\nexpect a peers=1/1 within 100ms", "line 2: expect a peers=1/1 within 100ms: not within 100ms: a has peers=0/1"},
	} {
		f, err := Parse(tt.text)
		if err != nil {
			t.Fatal(err)
		}
		f.Name = `two <nodes>`
		s := &stage{seen: make(chan struct{})}
		r := Play(context.Background(), s, f, func(string) {})
		if s.host != "" {
			t.Errorf("%q: the host %s still runs", tt.text, s.host)
		}
		got := ""
		if err := r.Err(); err != nil {
			got = err.Error()
		}
		if p := s.shown[len(s.shown)-1]; p.Name != f.Name || len(p.Steps) != len(f.Steps) || len(s.shown) != len(r.Results)+1 ||
			(p.Done == len(f.Steps)) != (tt.err == "") || !strings.HasSuffix(tt.err, p.Failed) || (p.Failed == "") != (tt.err == "") {
			t.Errorf("%q: shown %+v", tt.text, s.shown)
		}
		if got != tt.err {
			t.Errorf("%q: %q, want %q", tt.text, got, tt.err)
		}
		for _, write := range []func(*bytes.Buffer) error{
			func(b *bytes.Buffer) error { return r.JUnit(b) }, func(b *bytes.Buffer) error { return r.SVG(b) },
		} {
			var b bytes.Buffer
			if err := write(&b); err != nil {
				t.Fatal(err)
			}
			var any struct{}
			if err := xml.Unmarshal(b.Bytes(), &any); err != nil || !strings.Contains(b.String(), "two &lt;nodes&gt;") {
				t.Errorf("%v in\n%s", err, b.String())
			}
		}
	}
}

func TestSlow(t *testing.T) {
	f, err := Parse("boot within 1m\nexpect all up within 2s\nhold all up for 3s\nwait 4s")
	if err != nil {
		t.Fatal(err)
	}
	f.Slow(3)
	var got []time.Duration
	for _, s := range f.Steps {
		got = append(got, s.Limit)
	}
	if fmt.Sprint(got) != "[3m0s 6s 3s 4s]" {
		t.Error(got)
	}
}

func TestChangesOfANode(t *testing.T) {
	f, err := Parse("boot within 1m\ndo cut a\nexpect a degraded within 1m")
	if err != nil {
		t.Fatal(err)
	}
	r := Play(context.Background(), &stage{seen: make(chan struct{})}, f, func(string) {})
	var got []string
	for _, c := range r.Changes {
		got = append(got, c.Node+" "+c.State)
		if c.At > time.Minute {
			t.Errorf("at %v", c.At)
		}
	}
	if want := "a up 1/1, b up 1/1, a degraded 0/1, b degraded 0/1"; strings.Join(got, ", ") != want {
		t.Errorf("%s, want %s", strings.Join(got, ", "), want)
	}
}
