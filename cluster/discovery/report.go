// Package discovery is the room of peers that nobody wrote into [peers]: what a file, the
// DNS or the machines of the LAN say of them. All reading is done by a child of PID 1
// (package discovery/child), as nobody and without a privilege. It reports what it found,
// and PID 1 believes as little as this room lets it: names that are strict host names,
// addresses that machines can have, and no more of them than discovery.limit. They are
// added to [peers]; nothing that stands there, and no name that this node has, is ever
// changed by them.
package discovery

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/internal/report"
)

// ChildName is the name under which the binary is the child.
const ChildName = "beaminit-peers"

// The sources of what is found.
const (
	File = "file"
	DNS  = "dns"
	MDNS = "mdns"
)

// Orders are what the child is to do. PID 1 writes them as one line of JSON to its standard
// input: the key must not be among the arguments, which everybody can read.
type Orders struct {
	File   string
	DNS    string
	MDNS   bool
	Key    []byte // of the HMAC of announcements; empty: there is none
	Limit  int    // of peers that are found
	Resolv string // path of the resolv.conf that says whom to ask

	Host string // name of this node, without the domain
	Node string // the part of its node name before the @
	Port int    // of its distribution
	IPv6 bool   // its release speaks IPv6: of two addresses of a peer that one is taken
}

// MaxOrders bounds Orders as JSON, in bytes: it fits into a pipe at once (pipe(7)).
const MaxOrders = 4096

// Peer is one peer that was found.
type Peer struct {
	Name    string // a host name, in lower case
	Address netip.Addr
	Port    int           `json:",omitempty"` // of its distribution; 0: nothing was said
	Node    string        `json:",omitempty"` // the part of its node name before the @; empty: nothing was said
	Aliases []string      `json:",omitempty"` // from a file only
	Source  string        // File, DNS or MDNS
	Since   time.Duration `json:",omitempty"` // when it was first found, on CLOCK_BOOTTIME; PID 1 says so
}

// String is the peer as lines for people have it.
func (p *Peer) String() string { return p.Name + " at " + p.Address.String() + " by " + p.Source }

// Report is what the child tells PID 1, as a line of JSON: all peers that it knows now, in
// the order in which it found them, and lines for the console.
type Report struct {
	Peers []Peer
	Say   []string `json:",omitempty"`
}

// Bounds of what a report may hold.
const (
	MaxReport  = 512 << 10 // bytes of a line
	MaxLimit   = 1000      // peers, by discovery.limit
	MaxSay     = 16        // lines
	maxAliases = 16
)

// ParseReport reads a line that the child wrote and checks every value in it, for no more
// than limit peers. What is wrong with a report is an error, and then none of it counts.
func ParseReport(line []byte, limit int) (r Report, err error) {
	if err := report.Decode(line, MaxReport, &r); err != nil {
		return Report{}, err
	}
	if len(r.Peers) > limit || len(r.Say) > MaxSay {
		return Report{}, fmt.Errorf("report of %d peers and %d lines, want %d and %d at most", len(r.Peers), len(r.Say), limit, MaxSay)
	}
	seen := make(map[string]bool, len(r.Peers))
	for i := range r.Peers {
		p := &r.Peers[i]
		p.Name = strings.ToLower(p.Name)
		if seen[p.Name] {
			return Report{}, fmt.Errorf("report: %.80q is there twice", p.Name)
		}
		seen[p.Name] = true
		if err := p.check(); err != nil {
			return Report{}, fmt.Errorf("report: %w", err)
		}
	}
	for i, s := range r.Say {
		r.Say[i] = report.Text(s)
	}
	return r, nil
}

// check says what of a peer cannot be.
func (p *Peer) check() error {
	switch {
	case !config.HostName(p.Name):
		return fmt.Errorf("%.80q is no host name", p.Name)
	case !config.HostAddress(p.Address):
		return fmt.Errorf("%s: %.80q is no address of a machine", p.Name, p.Address)
	case p.Port < 0 || p.Port > 65535:
		return fmt.Errorf("%s: port %d", p.Name, p.Port)
	case p.Node != "" && !config.NodeName(p.Node):
		return fmt.Errorf("%s: node %.80q", p.Name, p.Node)
	case p.Source != File && p.Source != DNS && p.Source != MDNS:
		return fmt.Errorf("%s: found by %.80q", p.Name, p.Source)
	case len(p.Aliases) > maxAliases || len(p.Aliases) > 0 && p.Source != File:
		return fmt.Errorf("%s: %d aliases by %s", p.Name, len(p.Aliases), p.Source)
	}
	for _, alias := range p.Aliases {
		if !config.HostName(alias) {
			return fmt.Errorf("%s: alias %.80q", p.Name, alias)
		}
	}
	return nil
}
