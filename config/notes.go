package config

import "strings"

// notes checks what can be seen only when all sources have been read, and says what is
// accepted and has no effect.
func (l *loader) notes() {
	for i := range l.c.Network {
		l.checkNetwork(&l.c.Network[i])
	}
	l.addFstab()
	l.addImage()
	l.checkMounts()
	l.checkUpdate()
	l.checkServices()
	l.consoleNotes()
	l.checkTLS()
	l.checkPorts()
	l.erlinitNote()
}

// checkTLS says where TLS is wanted and cannot be: then plain TCP must not stand in for it.
func (l *loader) checkTLS() {
	c := l.c
	t := &c.Distribution.TLS
	if *t != (TLS{}) && (t.Cert == "" || t.Key == "" || t.CA == "") {
		from := max(c.from("distribution.tls.cert", ""), c.from("distribution.tls.key", ""), c.from("distribution.tls.ca", ""))
		l.problem(from, []string{"distribution", "tls"}, fault{
			what: "cert, key or ca is missing",
			want: "all three",
			used: "none: without them the release is not started",
		})
	}
	for i := range c.Problems {
		t.Broken = t.Broken || strings.HasPrefix(c.Problems[i].Key, "distribution.tls")
	}
}

// checkPorts says of peers with a port of their own where nothing could know it.
func (l *loader) checkPorts() {
	d := &l.c.Distribution
	if d.EPMD != "none" {
		return
	}
	for i := range l.c.Peers {
		p := &l.c.Peers[i]
		if p.Port != 0 && p.Port != d.Port {
			l.problem(TOML, []string{"peers", p.Name, "port"}, fault{
				what: "without a module that knows the ports, all nodes have the same one",
				want: `distribution.epmd = "module:NAME" or "daemon"`,
				used: "distribution.port",
			})
			p.Port = 0
		}
	}
}

// firstLink is the table of an interface whose name nobody knows.
const firstLink = "first"

// checkNetwork says what is wrong with an interface as a whole. A link that is half of
// something is made as nothing of it.
func (l *loader) checkNetwork(n *Network) {
	kinds := 0
	for _, is := range [...]bool{n.VLAN != (VLAN{}), len(n.Bridge.Ports) > 0, len(n.Bond.Ports) > 0} {
		if is {
			kinds++
		}
	}
	if n.VLAN != (VLAN{}) && (n.VLAN.Parent == "" || n.VLAN.ID == 0) {
		l.networkProblem(n, "vlan.id", "vlan", fault{what: "parent or id is missing", want: "both", used: "no VLAN"})
		n.VLAN = VLAN{}
	}
	if kinds > 1 {
		l.networkProblem(n, "bridge.ports", "", fault{
			what: "more than one of vlan, bridge and bond",
			want: "one of them",
			used: "none of them",
		})
		n.VLAN, n.Bridge, n.Bond = VLAN{}, Bridge{}, Bond{}
	}
	n.First = (n.First || n.Interface == firstLink) && kinds == 0 && n.MAC == ""
	if kinds == 1 && n.MAC != "" {
		l.networkProblem(n, "mac", "mac", fault{
			what: "the interface is one that is made, and " + n.MAC + " is that of one that is there",
			want: "mac in the table of an interface that it is made of",
			used: "none",
		})
		n.MAC = ""
	}
}

// networkProblem is about a key of an interface; name is what the line calls it.
func (l *loader) networkProblem(n *Network, key, name string, f fault) {
	path := []string{"network", n.Interface}
	if name != "" {
		path = append(path, name)
	}
	l.problem(max(l.c.from("network."+key, n.Interface), TOML), path, f)
}
