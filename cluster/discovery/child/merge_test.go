package child

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/cluster/discovery"
	"github.com/beaminit/beaminit/internal/nstest"
)

func peer(name, address, source string) discovery.Peer {
	return discovery.Peer{Name: name, Address: netip.MustParseAddr(address), Source: source}
}

// reported is what a merger reports after some news: peers, and what it says.
func reported(t *testing.T, m *merger, all ...news) (peers, said string) {
	t.Helper()
	for _, n := range all {
		m.take(n)
	}
	var out bytes.Buffer
	if _, err := m.report(&out); err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		if line == "" {
			return "nothing new", ""
		}
		r, err := discovery.ParseReport([]byte(line), m.limit)
		if err != nil {
			t.Fatal(err)
		}
		var list []string
		for i := range r.Peers {
			list = append(list, r.Peers[i].String())
		}
		peers = strings.Join(list, ", ")
		said += strings.Join(r.Say, "; ")
	}
	return peers, said
}

// First come stays, until nobody says so any more; the limit holds, and is said once.
func TestMerge(t *testing.T) {
	m := merger{limit: 3, of: map[string][]discovery.Peer{}}
	steps := []struct {
		news        news
		peers, said string
	}{
		{news{source: "mdns", peers: []discovery.Peer{peer("b", "10.0.0.2", "mdns")}}, "b at 10.0.0.2 by mdns", ""},
		{news{source: "mdns", peers: []discovery.Peer{peer("b", "10.0.0.2", "mdns")}}, "nothing new", ""},
		{news{source: "file", peers: []discovery.Peer{peer("a", "10.0.0.1", "file"), peer("b", "10.0.0.9", "file")}}, "b at 10.0.0.2 by mdns, a at 10.0.0.1 by file",
			"b at 10.0.0.9 by file: b is at 10.0.0.2, by mdns, which came first and counts"},
		{news{source: "mdns"}, "a at 10.0.0.1 by file, b at 10.0.0.9 by file", ""},
		{news{source: "dns", peers: []discovery.Peer{peer("c", "10.0.0.3", "dns"), peer("d", "10.0.0.4", "dns"), peer("e", "10.0.0.5", "dns")}}, "a at 10.0.0.1 by file, b at 10.0.0.9 by file, c at 10.0.0.3 by dns",
			"more than 3 peers (discovery.limit): d at 10.0.0.4 by dns is not used, and neither are others"},
		{news{source: "file"}, "c at 10.0.0.3 by dns, d at 10.0.0.4 by dns, e at 10.0.0.5 by dns", ""},
		{news{source: "file", only: true, say: []string{"gone"}}, "c at 10.0.0.3 by dns, d at 10.0.0.4 by dns, e at 10.0.0.5 by dns", "gone"},
	}
	for i, s := range steps {
		if peers, said := reported(t, &m, s.news); peers != s.peers || said != s.said {
			t.Errorf("step %d: %s\n%s\nwant %s\n%s", i, peers, said, s.peers, s.said)
		}
	}
}

// A file is followed in both forms; a fault costs its line, and a file that goes, or cannot
// be read, takes nobody away.
func TestWatchFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "peers")
	all := make(chan news)
	go watchFile(path, 20*time.Millisecond, all)
	next := func() (peers, said string) {
		t.Helper()
		select {
		case n := <-all:
			var names []string
			for i := range n.peers {
				names = append(names, n.peers[i].Name)
			}
			if n.only {
				names = []string{"as before"}
			}
			return strings.Join(names, " "), strings.ReplaceAll(strings.Join(n.say, "; "), path, "FILE")
		case <-time.After(nstest.Patience):
			t.Fatal("nothing is read")
			return "", ""
		}
	}
	steps := []struct{ text, peers, said string }{
		{"", "as before", "discovery.file: stat FILE: no such file or directory; what was read of it before stays"},
		{"10.0.0.1 a\n10.0.0.2 b\n", "a b", ""},
		{"10.0.0.1 a\n10.0.0.2 c\n", "a c", ""},
		{"[peers]\na = \"10.0.0.1\"\nd = \"10.0.0.256\"\n", "a", `FILE:3: peers.d: "10.0.0.256" is no address of a host; want an address such as "192.168.7.6"; using the other peers`},
		{"# nobody\n", "", ""},
	}
	for i, s := range steps {
		if s.text != "" {
			if err := os.WriteFile(path+".new", []byte(s.text), 0o644); err != nil { // whole at once, or half of it is a step of its own
				t.Fatal(err)
			}
			if err := os.Rename(path+".new", path); err != nil {
				t.Fatal(err)
			}
		}
		if peers, said := next(); peers != s.peers || said != s.said {
			t.Errorf("step %d: %q %s\nwant %q %s", i, peers, said, s.peers, s.said)
		}
	}
	os.Remove(path)
	if peers, said := next(); peers != "as before" || !strings.Contains(said, "no such file") {
		t.Errorf("gone: %q %s", peers, said)
	}
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	if peers, said := next(); peers != "as before" || !strings.Contains(said, "it is a directory") {
		t.Errorf("a directory: %q %s", peers, said)
	}
}

// A file that is written in its place is empty first: nobody goes for that, however slowly it
// is written. One that stays empty names nobody.
func TestFileWrittenInPlace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "peers")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Error(err)
		}
	}
	write("10.0.0.1 a\n10.0.0.2 b\n")
	all := make(chan news)
	const pace = 20 * time.Millisecond
	go watchFile(path, pace, all)
	peers := func(n news) (names string) {
		for i := range n.peers {
			names += n.peers[i].Name
		}
		return names
	}
	if got := peers(<-all); got != "ab" {
		t.Fatalf("%q, want a and b", got)
	}
	go func() {
		write("")
		time.Sleep(emptyLooks * pace / 2)
		write("10.0.0.1 a\n10.0.0.3 c\n")
	}()
	if got := peers(<-all); got != "ac" {
		t.Errorf("%q, want a and c: the file was written anew", got)
	}
	write("")
	if got := peers(<-all); got != "" {
		t.Errorf("%q, want nobody: the file is empty", got)
	}
}

// However much a source says, a report is within its bounds.
func TestReportBounds(t *testing.T) {
	m := merger{limit: 1000, of: map[string][]discovery.Peer{}}
	n := news{source: "dns"}
	for i := range 100000 {
		n.peers = append(n.peers, peer(fmt.Sprintf("%s-%d", strings.Repeat("n", 50), i), fmt.Sprintf("10.%d.%d.%d", i/60000, i/250%250, 1+i%250), "dns"))
	}
	for range 100 {
		n.say = append(n.say, strings.Repeat("x", 500))
	}
	m.take(n)
	var out bytes.Buffer
	if _, err := m.report(&out); err != nil {
		t.Fatal(err)
	}
	for _, line := range bytes.Split(bytes.TrimSpace(out.Bytes()), []byte("\n")) {
		if r, err := discovery.ParseReport(line, 1000); err != nil || len(r.Peers) != 1000 {
			t.Errorf("%v: %d peers", err, len(r.Peers))
		}
		if !json.Valid(line) {
			t.Error("no JSON")
		}
	}
}
