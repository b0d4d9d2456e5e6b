package config

import (
	"fmt"
	"strings"
	"testing"
)

// A file of peers is read in both forms; what is wrong costs the entry alone and has a line
// with the file's name.
func TestParsePeers(t *testing.T) {
	tests := []struct{ name, text, want, problems string }{
		{"hosts", "127.0.0.1 localhost\n::1 localhost\nff02::1 ip6-allnodes\n10.0.0.6 eclero6.lan eclero6 six # a comment\n\nfd00::8\teclero8\n", "eclero6.lan 10.0.0.6 [six]; eclero8 fd00::8 []", ""},
		{"table", "[peers]\neclero6 = \"10.0.0.6\"\nEclero8 = { address = \"10.0.0.8\", aliases = [\"a\"], node = \"app\", port = 17 }\n", "eclero6 10.0.0.6 []; eclero8 10.0.0.8 [a] app 17", ""},
		{"its entries alone", "# here\neclero6 = \"10.0.0.6\"\n\n[eclero8]\naddress = \"10.0.0.8\"\n", "eclero6 10.0.0.6 []; eclero8 10.0.0.8 []", ""},
		{"empty", "# nobody\n", "", ""},
		{"hosts with faults", "10.0.0.6 eclero6\nnonsense\n10.0.0.7 eclero6\n10.0.0.8 -x\n10.0.0.9\n1.2.3.4 a\\b\n", "eclero6 10.0.0.6 []",
			`f:2: "nonsense" is no address and name; want 192.168.7.6 eclero6
f:3: "eclero6" is there twice; want each name once; using the other peers
f:4: "-x" is no host name; want a host name, such as "eclero6"; using the other peers
f:5: "10.0.0.9" is no address and name; want 192.168.7.6 eclero6
f:6: "a\\b" is no host name; want a host name, such as "eclero6"; using the other peers`},
		{"table with faults", "[peers]\na = \"10.0.0.1\"\nb = 5\nc = \"x\"\n[node]\nhostname = \"q\"\n", "a 10.0.0.1 []",
			`f:3: peers.b: 5 is an integer, not a string or a table; want "192.168.7.6" or { address = "192.168.7.6", aliases = ["other"] }; using the other peers
f:4: peers.c: "x" is no address of a host; want an address such as "192.168.7.6"; using the other peers
f:5: node: no such table in a file of peers; want [peers] alone`},
		{"too long", strings.Repeat("#\n", MaxPeersFile), "", "f: more than 262144 bytes; want a shorter one"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			peers, problems := ParsePeers("f", []byte(tt.text))
			var got, said []string
			for _, p := range peers {
				line := fmt.Sprint(p.Name, " ", p.Address, " ", p.Aliases)
				if p.Node != "" {
					line += fmt.Sprint(" ", p.Node, " ", p.Port)
				}
				got = append(got, line)
			}
			for _, p := range problems {
				said = append(said, p.String())
			}
			if g := strings.Join(got, "; "); g != tt.want {
				t.Errorf("got  %s\nwant %s", g, tt.want)
			}
			if s := strings.Join(said, "\n"); s != tt.problems {
				t.Errorf("said\n%s\nwant\n%s", s, tt.problems)
			}
		})
	}
}

func FuzzParsePeers(f *testing.F) {
	f.Add([]byte("10.0.0.6 eclero6.lan eclero6\n"))
	f.Add([]byte("[peers]\na = \"10.0.0.1\"\nb = { address = \"10.0.0.2\", aliases = [\"c\"] }\n"))
	f.Add([]byte("a = \"10.0.0.1\"\n[b]\naddress = 5\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		peers, _ := ParsePeers("f", text)
		seen := map[string]bool{}
		for _, p := range peers {
			if !isHostname(p.Name) || p.Name != strings.ToLower(p.Name) || unusable(p.Address) || seen[p.Name] {
				t.Errorf("%q at %s", p.Name, p.Address)
			}
			seen[p.Name] = true
		}
	})
}
