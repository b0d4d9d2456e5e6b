package config

import (
	"strconv"

	"github.com/beaminit/beaminit/config/lex"
)

// Each calls f for every key with its effective value as TOML has it and where that
// came from, in the order of the documentation. Interfaces and peers have a line for
// each, so have mounts ("mount", in the order of mounting), services and devices; the
// root's keys are the parameters of the kernel and those of [root].
func (c *Config) Each(f func(key, value, where string)) {
	c.each(func(path []string, value, where string) { f(join(path), value, where) })
	c.eachRoot(f)
}

// each is Each without the parameters of the kernel, with the parts of the keys.
func (c *Config) each(f func(path []string, value, where string)) {
	for i := range keys {
		k := &keys[i]
		switch {
		case k.name == "network.address":
			c.eachNetwork(f)
		case k.name == "peers":
			c.eachPeer(f)
		case k.name == "mount":
			for j := range c.Mounts {
				f([]string{k.name}, literal(&c.Mounts[j]), c.WhereMount(j))
			}
		case k.name == "service":
			for j := range c.Services {
				c.eachEntry(k.name, j, &c.Services[j], f)
			}
		case k.name == "device":
			for j := range c.Devices {
				c.eachEntry(k.name, j, &c.Devices[j], f)
			}
		case k.table() == "":
			_, where := c.Origin(k.name)
			f(keyPath(k.name, ""), literal(k.field(place{c: c})), where)
		}
	}
}

func (c *Config) eachEntry(name string, nth int, entry any, f func(path []string, value, where string)) {
	path := []string{name}
	_, where := c.where(name, "", path, nth)
	f(path, literal(entry), where)
}

func (c *Config) eachNetwork(f func(path []string, value, where string)) {
	for i := range c.Network {
		n := &c.Network[i]
		for j := range keys {
			k := &keys[j]
			if _, ok := k.in("network"); ok {
				path := keyPath(k.name, n.Interface)
				_, where := c.where(k.name, n.Interface, path, 0)
				f(path, literal(k.field(place{c: c, n: n})), where)
			}
		}
	}
}

func (c *Config) eachPeer(f func(path []string, value, where string)) {
	if len(c.Peers) == 0 {
		_, where := c.Origin("peers")
		f([]string{"peers"}, "{}", where)
	}
	for i := range c.Peers {
		p := &c.Peers[i]
		_, where := c.Origin("peers." + p.Name)
		f([]string{"peers", p.Name}, p.literal(), where)
	}
}

func (c *Config) eachRoot(f func(key, value, where string)) {
	r := &c.Root
	wait := durationText(r.Wait)
	if r.Wait < 0 {
		wait = "for ever"
	}
	if r.Map != "" {
		_, where := c.where("dm-mod.create", "", []string{"dm-mod.create"}, 0)
		f("dm-mod.create", lex.Quote(r.Map), where)
	}
	for _, v := range [...][2]string{
		{"root", lex.Quote(r.Device)}, {"rootfstype", lex.Quote(r.Type)}, {"rootflags", lex.Quote(r.Flags)},
		{"rw", strconv.FormatBool(r.Write)}, {"rootwait", lex.Quote(wait)}, {"rootdelay", lex.Quote(durationText(r.Delay))},
		{"init", lex.Quote(r.Program)},
	} {
		_, where := c.where(v[0], "", []string{v[0]}, 0)
		f(v[0], v[1], where)
	}
}
