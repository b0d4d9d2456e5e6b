package discovery

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/beaminit/beaminit/config"
)

// Table is what PID 1 believes of what was found.
type Table struct {
	Peers  []Peer // in the order in which they came
	Alarms bool   // something that was found contradicts what is known

	said map[string]bool
}

// Has says whether a peer of that name was found.
func (t *Table) Has(name string) bool {
	return slices.ContainsFunc(t.Peers, func(p Peer) bool { return p.Name == name })
}

// maxSaid is how many different alarms are said in one boot: who fills a network with
// contradictions must not fill the console.
const maxSaid = 64

// Node is what of a node's own a table is compared with.
type Node struct {
	Host   string        // its host name
	Own    netip.Addr    // its address, as its peers see it; not valid: it is not known
	Static []config.Peer // [peers]
	Port   int           // of every node's distribution; 0: each may have its own
}

// Take takes over a report that ParseReport has read: peers that contradict neither the
// node's own name and address nor [peers]. alarms are lines for the console, each once.
func (t *Table) Take(r *Report, n *Node, at time.Duration) (changed bool, alarms []string) {
	known := make(map[string]*Peer, len(t.Peers))
	for i := range t.Peers {
		known[t.Peers[i].Name] = &t.Peers[i]
	}
	static := make(map[netip.Addr]*config.Peer, len(n.Static))
	names := make(map[string]*config.Peer, 2*len(n.Static))
	for i := range n.Static {
		p := &n.Static[i]
		static[p.Address] = p
		for _, name := range append([]string{p.Name, label(p.Name)}, p.Aliases...) {
			names[name] = p
		}
	}
	var peers []Peer
	t.Alarms = false
	for _, p := range r.Peers {
		why, same := n.against(&p, static, names)
		if why != "" {
			t.Alarms = true
			alarms = t.once(alarms, p.String()+": "+why)
		}
		if why != "" || same {
			continue
		}
		p.Since = at
		if have := known[p.Name]; have != nil && have.Address == p.Address {
			p.Since = have.Since
		}
		peers = append(peers, p)
	}
	changed = !slices.EqualFunc(peers, t.Peers, func(a, b Peer) bool {
		return a.Name == b.Name && a.Address == b.Address && a.Port == b.Port && a.Node == b.Node &&
			a.Source == b.Source && slices.Equal(a.Aliases, b.Aliases)
	})
	t.Peers = peers
	return changed, alarms
}

// against says why a peer that was found cannot be, beside what is known; same: it is one of
// [peers], or this node.
func (n *Node) against(p *Peer, static map[netip.Addr]*config.Peer, names map[string]*config.Peer) (why string, same bool) {
	if sameHost(p.Name, n.Host) {
		if !n.Own.IsValid() || p.Address == n.Own {
			return "", true
		}
		return "that is the name of this node, which has " + n.Own.String(), false
	}
	have := names[p.Name]
	if have == nil && strings.Contains(p.Name, ".") && names[label(p.Name)] != nil && names[label(p.Name)].Name == label(p.Name) {
		have = names[label(p.Name)] // [peers] has it without the domain
	}
	switch {
	case have != nil && have.Address == p.Address:
		return "", true
	case have != nil:
		return fmt.Sprintf("[peers] has %s at %s; that counts", have.Name, have.Address), false
	case static[p.Address] != nil:
		return "that is the address of " + static[p.Address].Name + " in [peers]; that counts", false
	case p.Address == n.Own:
		return "that is the address of this node", false
	case n.Port != 0 && p.Port != 0 && p.Port != n.Port:
		return fmt.Sprintf("its port is %d, and without an epmd all nodes have the same one, %d; "+
			`want distribution.epmd = "daemon" or a module`, p.Port, n.Port), false
	}
	for _, alias := range p.Aliases {
		if names[alias] != nil && names[alias].Name == alias || sameHost(alias, n.Host) {
			return "its alias " + alias + " is the name of another node", false
		}
	}
	return "", false
}

// once adds a line that was not said yet.
func (t *Table) once(lines []string, line string) []string {
	if t.said == nil {
		t.said = map[string]bool{}
	}
	if t.said[line] || len(t.said) >= maxSaid {
		return lines
	}
	t.said[line] = true
	return append(lines, line)
}

// sameHost says whether two host names are of one node, of which either may be without its
// domain.
func sameHost(a, b string) bool { return a == b || label(a) == b || a == label(b) }

func label(host string) string {
	label, _, _ := strings.Cut(host, ".")
	return label
}
