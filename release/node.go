package release

import (
	"errors"
	"net/netip"
	"strings"
)

// naming is how the nodes of a cluster are named.
type naming struct {
	name   string // the part before @
	long   bool
	host   string // this node's part after @; empty where there is no host name
	domain string // for host names without one
}

// name makes the naming from the configuration; given is the name in the
// release's own arguments.
func (r *Release) naming(in *Inputs, given string) (n naming, problem error) {
	n.name = in.Distribution.Name
	if n.name == "" {
		n.name = given
	}
	if n.name == "" {
		n.name = r.Name
	}
	n.name = nodeName(n.name)
	n.long = in.Distribution.Names == "long"
	_, n.domain, _ = strings.Cut(in.Hostname, ".")
	if n.domain == "" {
		n.domain = in.Domain
	}
	if n.long && !isAddress(in.Hostname) && (in.Hostname == "" || n.domain == "") {
		// The VM would die of it: "Can't set long node name".
		problem = errors.New(`distribution.names is "long" and the host name "` + in.Hostname +
			`" has no domain; want node.hostname with one, such as "eclero6.lan", or dns.search; using short names`)
		n.long = false
	}
	n.host = n.of(in.Hostname)
	return n, problem
}

// of is a host name as the part after @.
func (n *naming) of(host string) string {
	label, _, dotted := strings.Cut(host, ".")
	switch {
	case host == "" || isAddress(host) && n.long:
		return host
	case !n.long:
		return label
	case dotted:
		return host
	}
	return host + "." + n.domain
}

// node is the name of the node on a host.
func (n *naming) node(host string) string {
	if host == "" {
		return n.name // the VM adds what it takes for its host name
	}
	return n.name + "@" + host
}

// notes tells of each -sname and -name that the release or the configuration brings
// and that says something else than what the node is called.
func (n *naming) notes(c *Command, f *filter) {
	for _, g := range f.named {
		name, host, _ := strings.Cut(g.value, "@")
		if name != n.name || host != "" && host != n.host || (g.flag == "-name") != n.long {
			c.Notes = append(c.Notes, g.from+": "+g.flag+" "+g.value+" is left out: the node is "+c.Node+
				" (distribution.name, distribution.names, node.hostname)")
		}
	}
}

func isAddress(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}

// nodeName makes a name that net_kernel takes before the @ of any text: letters,
// digits, - and _.
func nodeName(s string) string {
	b := []byte(s)
	for i, c := range b {
		if !isWord(c) && c != '-' || c == '@' {
			b[i] = '_'
		}
	}
	if len(b) == 0 {
		return "node"
	}
	return string(b[:min(len(b), 128)])
}
