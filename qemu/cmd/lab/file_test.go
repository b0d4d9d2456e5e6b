package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/qemu/watch/cli"
)

// read gives what a lab file makes of the flags that are given beside it.
func read(t *testing.T, text string, flags ...string) (setup, error) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "lab.toml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	var e env
	fs := flag.NewFlagSet("lab run", flag.ContinueOnError)
	e.flags(fs, "run")
	rest, err := cli.Parse(fs, append(flags, path), false)
	if err != nil {
		t.Fatal(err)
	}
	err = e.setup.readFile(fs, rest)
	return e.setup, err
}

func TestLabFile(t *testing.T) {
	s, err := read(t, `
release = "rel"
mem = 300
interval = "5s"
tcg = true
append = "quiet"
[[node]]
name = "till"
address = "192.168.7.20"
append = "beaminit.release.env.SHELF=7"
cpus = 2
[[node]]
name = "store"
mem = 512
release = "/other"
`, "-append", "loglevel=7")
	if err != nil {
		t.Fatal(err)
	}
	if s.memory != 300 || s.interval != 5*time.Second || !s.tcg || s.append != "loglevel=7" || s.release != filepath.Join(filepath.Dir(s.file), "rel") {
		t.Errorf("setup %+v", s)
	}
	nodes, err := s.specs()
	if err != nil || len(nodes) != 2 {
		t.Fatal(nodes, err)
	}
	a, b := nodes[0], nodes[1]
	if a.Name != "till" || a.Address.String() != "192.168.7.20" || a.CPUs != 2 || a.Append != "beaminit.release.env.SHELF=7" {
		t.Errorf("the first is %+v", a)
	}
	if b.Name != "store" || b.Address.String() != "192.168.7.8" || b.Memory != 512 {
		t.Errorf("the second is %+v", b)
	}
}

// Several LANs: a node has a card on each that it names, with an address by its place where it has none.
func TestLabFileLANs(t *testing.T) {
	s, err := read(t, `
[[lan]]
name = "control"
address = "10.1.0.0/24"
[[lan]]
name = "field"
address = "10.2.0.0/16"
[[node]]
name = "till"
[[node.nic]]
lan = "field"
address = "none"
[[node.nic]]
lan = "control"
address = "10.1.0.77"
[[node]]
name = "store"
[[node.nic]]
lan = "control"
[[node.nic]]
lan = "field"
[[node]]
name = "alone"
`)
	if err != nil {
		t.Fatal(err)
	}
	nodes, err := s.specs()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, n := range nodes {
		got = append(got, fmt.Sprint(n.Name, " ", n.Address, " ", n.NICs))
	}
	want := []string{
		"till 10.1.0.77 [{field invalid IP} {control 10.1.0.77}]",
		"store 10.1.0.8 [{control 10.1.0.8} {field 10.2.0.8}]",
		"alone 10.1.0.10 []",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the nodes are\n%s, want\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// What is wrong with a lab file is said before anything is built or booted, all of it.
func TestLabFileProblems(t *testing.T) {
	node := func(words ...string) string { return "[[node]]\n" + strings.Join(words, "\n") + "\n" }
	const two = "[[lan]]\nname = \"east\"\naddress = \"10.1.0.0/24\"\n[[lan]]\nname = \"west\"\naddress = \"10.2.0.0/24\"\n"
	for _, tt := range []struct{ text, says string }{
		{"nodez = 3\n", `there is no key "nodez"; there are [[node]], [[lan]] and append, arch, as, auto, config`},
		{"dir = \"/tmp\"\n", `there is no key "dir"`},
		{"nodes = \"3\"\n", `nodes = 3: want a whole number`},
		{"nodes = 3.5\n", `nodes = 3.5: want a whole number`},
		{"interval = 5\n", `interval = 5: want a time such as "10s"`},
		{"interval = \"5\"\n", `interval = 5: want a time such as "10s"`},
		{"pcap = \"yes\"\n", `pcap = yes: want true or false`},
		{"append = [\"a\", \"b\"]\n", `append = [a b]: want a text in quotes`},
		{"web = \"8090\"\n", `web = 8090: want true, or a port such as 8090`},
		{"web = 99999\n", `web = 99999: want true, or a port such as 8090`},
		{"a = \n", "line 1"},
		{"node = 3\n", "line 1: node: it is a number; want tables, each [[like this]]"},
		{"[node]\nname = \"a\"\n", "node: it is a single table, [like this]; want tables, each [[like this]]"},
		{node(`name = 3`), "line 2: node.name: it is a number; want a text in quotes"},
		{node(`name = "a"`, `mem = "1G"`), "line 3: node.mem: it is a text; want a whole number"},
		{node(`name = "a"`, `rtc = "yesterday"`), `node "a": rtc = "yesterday": want a time such as`},
		{node(`name = "all"`), `node "all": a fault's word for every node is no name for a node`},
		{node(`name = "any"`), `node "any": a scenario's word`},
		{node(`name = "lab"`), `node "lab": what lab join is called`},
		{node(`name = "guest1"`), `node "guest1": what joins the LAN is called so`},
		{node(`name = "a"`, `mem = 1000000`), "mem = 1000000: a node boots with 128 MiB and more, 65536 at most"},
		{node(`name = "a"`, `adress = "192.168.7.9"`), `there is no key "adress" of a [[node]]; there are name, address`},
		{node(`name = "a"`, `address = "here"`), "unable to parse IP"},
		{node(`name = "a"`, `mem = "much"`), "mem"},
		{"nodes = 3\n" + node(`name = "a"`), "[[node]] goes without nodes and auto"},
		{"auto = true\n" + node(`name = "a"`), "[[node]] goes without nodes and auto"},
		{node(`address = "192.168.7.9"`), "node 1 of 1 has no name"},
		{node(`name = "192.168.7.9"`), `node "192.168.7.9": its name is an address; want a host name`},
		{node(`name = "../a"`), `node "../a": want a host name`},
		{node(`name = "a"`) + node(`name = "a"`), `node "a": two nodes have this name`},
		{node(`name = "a"`, `address = "192.168.7.9"`) + node(`name = "b"`, `address = "192.168.7.9"`), `node "b": address 192.168.7.9 is that of "a"`},
		{node(`name = "a"`, `address = "10.0.0.1"`), `address 10.0.0.1 is none of a host in 192.168.7.0/24`},
		{node(`name = "a"`, `address = "fe80::1"`), `address fe80::1 is none of a host in`},
		{node(`name = "a"`, `address = "192.168.7.255"`), "is none of a host in"},
		{node(`name = "a"`, `address = "192.168.7.1"`), "is the gateway's"},
		{node(`name = "a"`, `mem = 16`), "mem = 16: a node boots with 128 MiB and more"},
		{node(`name = "a"`, `arch = "x86"`), `node "a": no processor "x86": want one of 386, amd64, arm64`},
		{two + node(`name = "a"`, `address = "10.1.0.6"`) + "[[node.nic]]\nlan = \"east\"\n", `node "a": address is that of its only network card`},
		{two + node(`name = "a"`) + "[[node.nic]]\nlan = \"south\"\n", `node "a": eth0: there is no lan "south"; there are "east", "west"`},
		{two + node(`name = "a"`) + "[[node.nic]]\nlan = \"west\"\n", `node "a": none of its cards has an address on lan "east", the first`},
		{two + node(`name = "a"`) + "[[node.nic]]\nlan = \"east\"\naddress = \"none\"\n", `none of its cards has an address on lan "east"`},
		{two + node(`name = "a"`) + "[[node.nic]]\nlan = \"east\"\naddress = \"10.2.0.6\"\n", `address 10.2.0.6 is none of a host in 10.1.0.0/24, lan "east"`},
		{two + node(`name = "a"`) + "[[node.nic]]\nlan = \"east\"\naddress = \"here\"\n", `node "a": eth0: address "here": want one of the LAN, or "none"`},
		{two + node(`name = "a"`) + "[[node.nic]]\nlna = \"east\"\n", `there is no key "lna" of a [[node.nic]]; there are lan, address`},
		{two + node(`name = "a"`, `address = "192.168.7.6"`), `address 192.168.7.6 is none of a host in 10.1.0.0/24, lan "east"`},
		{two + node(`name = "on"`), `node "on": a fault's word for a LAN is no name for a node`},
		{two, "[[lan]] wants [[node]]s"},
		{"[[lan]]\nname = \"a\"\nsubnet = \"10.1.0.0/24\"\n" + node(`name = "a"`), `there is no key "subnet" of a [[lan]]; there are name, address`},
		{"[[lan]]\nname = \"a\"\n" + node(`name = "a"`), `lan "a": address invalid Prefix: want an IPv4 network`},
		{two + "[[lan]]\nname = \"east\"\naddress = \"10.1.0.128/25\"\n" + node(`name = "a"`), `lan "east": two LANs have this name`},
		{two + "[[lan]]\nname = \"third\"\naddress = \"10.1.0.128/25\"\n" + node(`name = "a"`), `lan "third": address 10.1.0.128/25 overlaps that of "east", 10.1.0.0/24`},
		{node(`name = "a"`, `cpus = 99`), "cpus = 99: from 1 to 16"},
	} {
		s, err := read(t, tt.text)
		if err == nil {
			_, err = s.specs()
		}
		if err == nil || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), "lab.toml: ") {
			t.Errorf("%q: %v, want %q in it", tt.text, err, tt.says)
		}
	}
	// A flag wins over a key, which has to be one all the same.
	if s, err := read(t, "nodes = 5\n", "-nodes", "4"); err != nil || s.nodes != 4 {
		t.Errorf("%d nodes, %v; want 4", s.nodes, err)
	}
	if _, err := read(t, "nodes = \"five\"\n", "-nodes", "4"); err == nil {
		t.Error("a flag hides what is wrong with the key of its name")
	}
}
