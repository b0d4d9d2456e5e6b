package config

import "strings"

// TOML is a beaminit.toml that says what /etc/erlinit.config, beaminit.toml and the
// options for erlinit on the kernel command line say together: with it alone, and the
// other parameters of the kernel as they are, a node is the same.
func (c *Config) TOML() string {
	var t tomlText
	for i := range keys {
		k := &keys[i]
		switch section, _, _ := strings.Cut(k.name, "."); {
		case k.name == "node.hostname":
			if c.wanted != "" {
				t.add(section, k.name, literal(&c.wanted))
			}
		case k.name == "network.address": // the first of its table
			for j := range c.Network {
				c.networkTOML(&t, &c.Network[j])
			}
		case section == "network":
		case k.name == "mount":
			for j := range c.Mounts {
				t.mount(&c.Mounts[j])
			}
		case !c.written(k.name, ""):
		case k.name == "peers":
			for j := range c.Peers {
				t.add(section, "."+bare(c.Peers[j].Name), c.Peers[j].literal())
			}
		default:
			t.add(section, k.name, literal(k.field(c, nil)))
		}
	}
	return string(t.b)
}

func (c *Config) networkTOML(t *tomlText, n *Network) {
	for i := range keys {
		k := &keys[i]
		if strings.HasPrefix(k.name, "network.") && c.written(k.name, n.Interface) {
			t.add("network."+bare(n.Interface), k.name, literal(k.field(c, n)))
		}
	}
}

// written says whether a value came from a file, or from a word for erlinit.
func (c *Config) written(name, iface string) bool {
	from := c.from(name, iface)
	return from == Erlinit || from == TOML || from == ErlinitArgs
}

// tomlText is a TOML text in the making.
type tomlText struct {
	b       []byte
	section string
}

// add adds a key, whose name is what follows the first dot, and the header of its table
// where that is another one than before.
func (t *tomlText) add(section, name, value string) {
	if section != t.section {
		if len(t.b) > 0 {
			t.b = append(t.b, '\n')
		}
		t.b = append(append(append(t.b, '['), section...), "]\n"...)
		t.section = section
	}
	_, name, _ = strings.Cut(name, ".")
	t.b = append(append(append(append(t.b, name...), " = "...), value...), '\n')
}

func (t *tomlText) mount(m *Mount) {
	t.section = ""
	for _, field := range [...]struct {
		name  string
		value any
	}{{".source", &m.Source}, {".target", &m.Target}, {".type", &m.Type}, {".options", &m.Options}} {
		t.add("[mount]", field.name, literal(field.value))
	}
}

// bare is a key as TOML has it: without quotes where it can be.
func bare(key string) string {
	if made(key, "_-") {
		return key
	}
	return literal(&key)
}
