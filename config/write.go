package config

import "strings"

// TOML is a beaminit.toml that says what /etc/erlinit.config, beaminit.toml and the
// options for erlinit on the kernel command line say together: with it alone, and the
// other parameters of the kernel as they are, a node is the same.
func (c *Config) TOML() string {
	var b strings.Builder
	section := ""
	line := func(table, name, value string) {
		if table != section {
			if b.Len() > 0 {
				b.WriteByte('\n')
			}
			b.WriteString("[" + table + "]\n")
			section = table
		}
		b.WriteString(name + " = " + value + "\n")
	}
	for i := range keys {
		k := &keys[i]
		table, name, _ := strings.Cut(k.name, ".")
		switch {
		case k.name == "node.hostname":
			if c.wanted != "" {
				line(table, name, literal(&c.wanted))
			}
		case k.name == "network.address": // the first of its table
			for j := range c.Network {
				c.networkTOML(&c.Network[j], line)
			}
		case table == "network":
		case k.name == "peers":
			if c.written(k.name, "") {
				for _, p := range c.Peers {
					line(table, bare(p.Name), p.literal())
				}
			}
		case k.name == "mount":
			for _, m := range c.Mounts {
				section = ""
				line("[mount]", "source", literal(&m.Source))
				line("[mount]", "target", literal(&m.Target))
				line("[mount]", "type", literal(&m.Type))
				line("[mount]", "options", list(m.Options))
			}
		case c.written(k.name, ""):
			line(table, name, literal(k.field(c, nil)))
		}
	}
	return b.String()
}

func (c *Config) networkTOML(n *Network, line func(table, name, value string)) {
	for i := range keys {
		k := &keys[i]
		if table, name, _ := strings.Cut(k.name, "."); table == "network" && c.written(k.name, n.Interface) {
			line("network."+bare(n.Interface), name, literal(k.field(c, n)))
		}
	}
}

// written says whether a value came from a file, or from a word for erlinit.
func (c *Config) written(name, iface string) bool {
	switch c.from(name, iface) {
	case Erlinit, TOML, ErlinitArgs:
		return true
	}
	return false
}

// bare is a key as TOML has it: without quotes where it can be.
func bare(key string) string {
	if made(key, "_-") {
		return key
	}
	return literal(&key)
}
