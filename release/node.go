package release

import (
	"errors"
	"net/netip"
	"strings"

	"github.com/beaminit/beaminit/config"
)

// naming is how the nodes of a cluster are named.
type naming struct {
	name   string // the part before @
	long   bool
	none   bool   // it has no name when it starts
	host   string // this node's part after @; empty where there is no host name
	domain string // for host names without one
	told   string // which name of the release has been told of already
}

// naming is made from the configuration; where that is silent, from what the release says
// of itself. What cannot be is a problem of c, or a note where only the release wants it.
func (r *Release) naming(in *Inputs, c *Command, f *filter) (n naming) {
	n.name = in.Distribution.Name
	if n.name == "" {
		n.name = f.name
	}
	if n.name == "" {
		n.name = r.Name
	}
	n.name = nodeName(n.name)
	names, from := in.Distribution.Names, "distribution.names"
	if in.DefaultNames {
		names, from = r.namesOfRelease(in, c, f)
	} else if word := r.script.distribution; mixWord(names) != "" {
		if value := valueOf(r.scriptEnv(in.Release.Env), word); value != "" && value != mixWord(names) {
			c.note(r.sourceOf(in.Release.Env, word) + ": " + word + "=" + shown(value) + " is left out: distribution.names is \"" + names + "\"")
		}
	}
	n.none, n.long = names == config.NoNames, names == config.LongNames
	if names == config.AddressNames {
		c.problem(errors.New(from + ` is "address" and the node has none; ` +
			`want network.eth0.address, or a line of [peers] for ` + in.Hostname + `; using short names`))
	}
	_, n.domain, _ = strings.Cut(in.Hostname, ".")
	if n.domain == "" {
		n.domain = in.Domain
	}
	if n.long && !isAddress(in.Hostname) && (in.Hostname == "" || n.domain == "") {
		// The VM would die of it: "Can't set long node name".
		n.long = false
		n.told = from
		const want = `has no domain; want node.hostname with one, such as "eclero6.lan", or dns.search; using short names`
		if _, host, _ := strings.Cut(from, "@"); in.DefaultNames && isAddress(host) {
			c.note(from + ` names the node by an address; want distribution.names = "address", which takes the node's own; using short names`)
		} else if in.DefaultNames {
			c.note(from + ` wants long names, and the host name "` + in.Hostname + `" ` + want)
		} else {
			c.problem(errors.New(from + ` is "long" and the host name "` + in.Hostname + `" ` + want))
		}
	}
	n.host = n.of(in.Hostname)
	return n
}

// mixWord is the word of mix release for distribution.names.
func mixWord(names string) string {
	switch names {
	case config.ShortNames:
		return "sname"
	case config.LongNames:
		return "name"
	case config.NoNames:
		return "none"
	}
	return ""
}

// namesOfRelease is the kind of names that the release wants, as its start script would
// find out, and where it says so.
func (r *Release) namesOfRelease(in *Inputs, c *Command, f *filter) (names, from string) {
	word := r.script.distribution
	value := valueOf(r.scriptEnv(in.Release.Env), word)
	from = r.sourceOf(in.Release.Env, word) + ": " + word + "=" + shown(value)
	switch value {
	case "name":
		return config.LongNames, from
	case "sname":
		return config.ShortNames, from
	case "none", "":
	default:
		c.problem(errors.New(from + `; want "sname", "name" or "none"; not used`))
	}
	for _, g := range f.named {
		switch g.flag {
		case "-name":
			return config.LongNames, g.String()
		case "-sname":
			return config.ShortNames, g.String()
		}
	}
	if value == "none" {
		return config.NoNames, from
	}
	if in.Erlinit && in.Distribution.Name == "" && f.name == "" && len(in.Peers) == 0 {
		c.note("the release has no -name and no -sname: as with erlinit, its node has no name when it starts; " +
			"want distribution.name or [peers] for a cluster")
		return config.NoNames, ""
	}
	return in.Distribution.Names, ""
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

// Naming is how the nodes of the peers are named, as far as this one's release says it.
type Naming struct {
	Name   string // of this node, the part before @
	Long   bool   // the host is a long name
	Domain string // for host names without one
}

// Peer is the name of the node of a peer, by its host and the part before @; an empty one:
// as this node's.
func (n Naming) Peer(host, name string) string {
	named := naming{name: n.Name, long: n.Long, domain: n.Domain}
	if name != "" {
		named.name = nodeName(name)
	}
	return named.node(named.of(host))
}

// node is the name of the node on a host.
func (n *naming) node(host string) string {
	if host == "" {
		return n.name // the VM adds what it takes for its host name
	}
	return n.name + "@" + host
}

// notes tells of each name that the release or the configuration brings and that says
// something else than what the node is called.
func (n *naming) notes(c *Command, f *filter) {
	for _, g := range f.named {
		name, host, _ := strings.Cut(g.value, "@")
		kind := g.flag != "-name" && g.flag != "-sname" || (g.flag == "-name") == n.long
		switch {
		case n.none:
			c.note(g.from + ": " + g.flag + " " + shown(g.value) + " is left out: the node has no name when it starts (distribution.names)")
		case n.told == g.String() && name == n.name:
		case name != n.name || host != "" && host != n.host || !kind:
			c.note(g.String() + " is left out: the node is " + c.Node +
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
