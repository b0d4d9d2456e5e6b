package discovery

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/config"
)

// A report with anything in it that cannot be is not used at all.
func TestParseReport(t *testing.T) {
	good := `{"Name":"N1","Address":"10.0.0.1","Source":"dns","Port":17012,"Node":"app"}`
	tests := []struct{ name, line, wrong string }{
		{"good", `{"Peers":[` + good + `],"Say":["a\u001b[2Jb"]}`, ""},
		{"none", `{"Peers":null}`, ""},
		{"no host name", `{"Peers":[{"Name":"a b","Address":"10.0.0.1","Source":"dns"}]}`, "no host name"},
		{"localhost", `{"Peers":[{"Name":"localhost","Address":"10.0.0.1","Source":"dns"}]}`, "no host name"},
		{"a line end", `{"Peers":[{"Name":"a\n1.2.3.4 b","Address":"10.0.0.1","Source":"dns"}]}`, "no host name"},
		{"loopback", `{"Peers":[{"Name":"a","Address":"127.0.0.1","Source":"dns"}]}`, "no address"},
		{"multicast", `{"Peers":[{"Name":"a","Address":"224.0.0.1","Source":"dns"}]}`, "no address"},
		{"zone", `{"Peers":[{"Name":"a","Address":"fe80::1%eth0","Source":"dns"}]}`, "no address"},
		{"no address", `{"Peers":[{"Name":"a","Source":"dns"}]}`, "no address"},
		{"port", `{"Peers":[{"Name":"a","Address":"10.0.0.1","Source":"dns","Port":70000}]}`, "port"},
		{"node", `{"Peers":[{"Name":"a","Address":"10.0.0.1","Source":"dns","Node":"a@b"}]}`, "node"},
		{"source", `{"Peers":[{"Name":"a","Address":"10.0.0.1","Source":"x"}]}`, "found by"},
		{"alias of the network", `{"Peers":[{"Name":"a","Address":"10.0.0.1","Source":"mdns","Aliases":["b"]}]}`, "aliases"},
		{"twice", `{"Peers":[` + good + `,` + good + `]}`, "twice"},
		{"too many", `{"Peers":[` + strings.Replace(good, "N1", "n2", 1) + `,` + strings.Replace(good, "N1", "n3", 1) + `,` + good + `]}`, "3 peers"},
		{"unknown field", `{"Peers":[],"Run":"sh"}`, "unknown field"},
		{"two", `{"Peers":[]}{"Peers":[]}`, "more than one"},
		{"no JSON", `x`, "invalid"},
		{"long", `{"Say":["` + strings.Repeat("x", MaxReport) + `"]}`, "bytes"},
	}
	for _, tt := range tests {
		r, err := ParseReport([]byte(tt.line), 2)
		if tt.wrong == "" && err != nil || tt.wrong != "" && (err == nil || !strings.Contains(err.Error(), tt.wrong)) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.wrong)
		}
		if tt.name == "good" && (r.Peers[0].Name != "n1" || r.Say[0] != "a?[2Jb") {
			t.Errorf("%+v", r)
		}
		if err != nil && (r.Peers != nil || r.Say != nil) {
			t.Errorf("%s: something of it is used: %+v", tt.name, r)
		}
	}
}

func FuzzParseReport(f *testing.F) {
	f.Add([]byte(`{"Peers":[{"Name":"n1","Address":"10.0.0.1","Source":"file","Aliases":["b"]}],"Say":["x"]}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		r, err := ParseReport(line, 4)
		if err != nil {
			return
		}
		if len(r.Peers) > 4 || len(r.Say) > MaxSay {
			t.Fatalf("%d peers, %d lines", len(r.Peers), len(r.Say))
		}
		for i := range r.Peers {
			if !config.HostName(r.Peers[i].Name) || !config.HostAddress(r.Peers[i].Address) {
				t.Errorf("%+v", r.Peers[i])
			}
		}
		text, err := json.Marshal(r) // as it is kept for the next PID 1
		if err != nil {
			t.Fatal(err)
		}
		if again, err := ParseReport(text, 4); err != nil || len(again.Peers) != len(r.Peers) {
			t.Errorf("%s: %v", text, err)
		}
	})
}

func found(name, address string) Peer {
	return Peer{Name: name, Address: netip.MustParseAddr(address), Source: MDNS}
}

// Nothing that was found changes what stands in [peers] or what this node is.
func TestTake(t *testing.T) {
	n := &Node{Host: "n1.lan", Own: netip.MustParseAddr("10.0.0.1"), Port: 17012, Static: []config.Peer{
		{Name: "n1", Address: netip.MustParseAddr("10.0.0.1")},
		{Name: "n2", Address: netip.MustParseAddr("10.0.0.2"), Aliases: []string{"two"}}}}
	tests := []struct {
		name        string
		peer        Peer
		used, alarm bool
	}{
		{"new", found("n3", "10.0.0.3"), true, false},
		{"new, with its domain", found("n3.lan", "10.0.0.3"), true, false},
		{"this node", found("n1", "10.0.0.1"), false, false},
		{"this node's name", found("n1", "10.0.0.9"), false, true},
		{"this node's name, with another domain", found("n1.evil", "10.0.0.9"), false, true},
		{"this node's address", found("n9", "10.0.0.1"), false, true},
		{"one of [peers]", found("n2", "10.0.0.2"), false, false},
		{"one of [peers], with the domain", found("n2.lan", "10.0.0.2"), false, false},
		{"elsewhere", found("n2", "10.0.0.9"), false, true},
		{"elsewhere, with the domain", found("n2.lan", "10.0.0.9"), false, true},
		{"an alias", found("two", "10.0.0.9"), false, true},
		{"its address", found("n9", "10.0.0.2"), false, true},
		{"another port", Peer{Name: "n3", Address: netip.MustParseAddr("10.0.0.3"), Port: 17013, Source: DNS}, false, true},
		{"the same port", Peer{Name: "n3", Address: netip.MustParseAddr("10.0.0.3"), Port: 17012, Source: DNS}, true, false},
		{"an alias that is a peer", Peer{Name: "n3", Address: netip.MustParseAddr("10.0.0.3"), Aliases: []string{"n2"}, Source: File}, false, true},
	}
	for _, tt := range tests {
		var table Table
		changed, alarms := table.Take(&Report{Peers: []Peer{tt.peer}}, n, time.Second)
		if changed != tt.used || len(table.Peers) == 1 != tt.used || len(alarms) == 1 != tt.alarm || table.Alarms != tt.alarm {
			t.Errorf("%s: used %v %+v, alarms %q", tt.name, changed, table.Peers, alarms)
		}
		if changed, alarms = table.Take(&Report{Peers: []Peer{tt.peer}}, n, time.Minute); changed || alarms != nil {
			t.Errorf("%s: again: changed %v, said %q", tt.name, changed, alarms)
		}
		if tt.used && table.Peers[0].Since != time.Second {
			t.Errorf("%s: since %v", tt.name, table.Peers[0].Since)
		}
	}
}

// Who contradicts again and again in other words is heard so many times.
func TestAlarmsEnd(t *testing.T) {
	n := &Node{Host: "n1", Own: netip.MustParseAddr("10.0.0.1")}
	var table Table
	said := 0
	for i := range 1000 {
		_, alarms := table.Take(&Report{Peers: []Peer{found("n1", fmt.Sprintf("10.9.%d.%d", i/250, 1+i%250))}}, n, 0)
		said += len(alarms)
	}
	if said != maxSaid {
		t.Errorf("%d alarms, want %d", said, maxSaid)
	}
}
