package config

import "strings"

// TOML is a beaminit.toml that says what /etc/erlinit.config, beaminit.toml and the
// options for erlinit on the kernel command line say together: with it alone, and the
// other parameters of the kernel as they are, a node is the same.
func (c *Config) TOML() string {
	var t tomlText
	if c.wanted != "" {
		t.add("node", "hostname", literal(&c.wanted))
	}
	args, mount := ErlinitArgs.String(), 0
	c.Each(func(key, value, where string) {
		section, name, _ := strings.Cut(key, ".")
		switch {
		case key == "mount": // they have no other source
			t.mount(&c.Mounts[mount])
			mount++
			return
		case key == "node.hostname" || where != args && !strings.HasPrefix(where, ErlinitPath) && !strings.HasPrefix(where, Path):
			return
		case section == "peers":
			name = bare(name)
		case section == "network":
			dot := strings.LastIndexByte(key, '.')
			section, name = section+"."+bare(key[len(section)+1:dot]), key[dot+1:]
		}
		t.add(section, name, value)
	})
	return t.text
}

// tomlText is a TOML text in the making.
type tomlText struct{ text, section string }

// add adds a key, and the header of its table where that is another one than before.
//
//go:noinline
func (t *tomlText) add(section, name, value string) {
	if section != t.section {
		if t.text != "" {
			t.text += "\n"
		}
		t.text += "[" + section + "]\n"
		t.section = section
	}
	t.text += name + " = " + value + "\n"
}

func (t *tomlText) mount(m *Mount) {
	t.section = ""
	t.add("[mount]", "source", literal(&m.Source))
	t.add("[mount]", "target", literal(&m.Target))
	t.add("[mount]", "type", literal(&m.Type))
	t.add("[mount]", "options", list(m.Options))
}

// bare is a key as TOML has it: without quotes where it can be.
func bare(key string) string {
	if made(key, "_-") {
		return key
	}
	return literal(&key)
}
