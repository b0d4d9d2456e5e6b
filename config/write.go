package config

import (
	"strings"

	"github.com/beaminit/beaminit/config/lex"
)

// TOML is a beaminit.toml that says what /etc/erlinit.config, beaminit.toml and the
// options for erlinit on the kernel command line say together: with it alone, and the
// other parameters of the kernel as they are, a node is the same.
func (c *Config) TOML() string {
	var t tomlText
	if c.wanted != "" {
		t.add("node", "hostname", literal(&c.wanted))
	}
	args := ErlinitArgs.String()
	c.each(func(path []string, value, where string) {
		written := where == args || strings.HasPrefix(where, ErlinitPath) || strings.HasPrefix(where, Path)
		if written && len(path) > 1 && join(path) != "node.hostname" {
			last := len(path) - 1
			t.add(tableName(path[:last]), quoteKey(path[last]), value)
		}
	})
	for i := range c.Mounts {
		fresh := newMount()
		t.entry("mount", place{mount: &c.Mounts[i]}, place{mount: &fresh})
	}
	for i := range c.Services {
		fresh := newService()
		t.entry("service", place{service: &c.Services[i]}, place{service: &fresh})
	}
	for i := range c.Devices {
		t.entry("device", place{device: &c.Devices[i]}, place{device: &Device{}})
	}
	return t.text
}

func tableName(path []string) string {
	quoted := make([]string, len(path))
	for i, part := range path {
		quoted[i] = quoteKey(part)
	}
	return join(quoted)
}

// tomlText is a TOML text in the making.
type tomlText struct{ text, section string }

// add adds a key, and the header of its table where that is another one than before.
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

// entry adds an entry of a list of tables.
func (t *tomlText) entry(table string, at, fresh place) {
	t.section = ""
	entryKeys(table, at, fresh, func(name, value string) { t.add("["+table+"]", name, value) })
}

// quoteKey is a key as TOML has it: without quotes where it can be.
func quoteKey(key string) string {
	if lex.IsMadeOf(key, "_-") {
		return key
	}
	return literal(&key)
}
