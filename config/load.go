package config

import (
	"errors"
	"io/fs"
	"strconv"
	"strings"
)

// loader is the state of one Load.
type loader struct {
	c     *Config
	read  func(path string) ([]byte, error)
	hosts [Cmdline + 1]string // what each source wants as host name, still a pattern
	run   func(argv []string) ([]byte, error)

	line   int    // of ErlinitPath that is taken over; 0: another source is
	option string // of erlinit that is taken over, as it was written
	named  int    // line of ErlinitPath with the pattern of the host name
}

// Sources is what a Config is made of.
type Sources struct {
	Cmdline string                              // the text of /proc/cmdline
	Args    []string                            // what the kernel gave its init, without the program's name (see InitArgs)
	Read    func(path string) ([]byte, error)   // the content of a file; the error is fs.ErrNotExist where there is none
	Run     func(argv []string) ([]byte, error) // what a program writes to its standard output; nil: none can be run here
}

// Load is Sources.Load where no program can be run, with the words for init that the
// kernel would take from its command line.
func Load(cmdline string, read func(path string) ([]byte, error)) *Config {
	return Sources{Cmdline: cmdline, Args: InitArgs(cmdline), Read: read}.Load()
}

// Load merges all sources of the configuration. /sys should be mounted, for the MAC
// that may have to name the node. It never fails: what is wrong becomes a Problem, and
// a default stands in its place.
func (s Sources) Load() *Config {
	l := &loader{c: defaults(), read: s.Read, run: s.Run}
	l.erlinitFile()
	data, err := s.Read(Path)
	switch {
	case err == nil:
		l.toml(string(data))
	case !errors.Is(err, fs.ErrNotExist):
		l.problem(TOML, nil, 0, fault{what: "cannot be read: " + err.Error(), used: "the defaults"})
	}
	l.cmdline(s.Cmdline, s.Args)
	l.hostname()
	l.notes()
	return l.c
}

// used is the value that a key goes on with, for a Problem. The host name's is known
// only at the end (see hostname).
func (l *loader) used(k *key, field any) string {
	if field == any(&l.c.Node.Hostname) {
		return ""
	}
	return literal(field)
}

const unsupported = "not supported yet; "

// notes says what is accepted and has no effect yet.
func (l *loader) notes() {
	c := l.c
	for i := range c.Network {
		if n := &c.Network[i]; n.DHCP {
			l.note("network."+n.Interface+".dhcp", unsupported+"only the addresses given here are set")
		}
	}
	l.consoleNotes()
	if t := c.Distribution.TLS; t != (TLS{}) && (t.Cert == "" || t.Key == "" || t.CA == "") {
		from := max(c.from("distribution.tls.cert", ""), c.from("distribution.tls.key", ""), c.from("distribution.tls.ca", ""))
		l.problem(from, []string{"distribution", "tls"}, 0, fault{what: "cert, key or ca is missing", want: "all three", used: "none: without them the release is not started"})
	}
	for i := range c.Problems {
		if strings.HasPrefix(c.Problems[i].Key, "distribution.tls") {
			c.Distribution.TLS.Broken = true
		}
	}
	for i := range c.Peers {
		if p := &c.Peers[i]; p.Port != 0 && p.Port != c.Distribution.Port && c.Distribution.EPMD == "none" {
			l.problem(TOML, []string{"peers", p.Name, "port"}, 0, fault{what: "without a module that knows the ports, all nodes have the same one", want: `distribution.epmd = "module:NAME" or "daemon"`, used: "distribution.port"})
			p.Port = 0
		}
	}
	l.erlinitNote()
}

// Each calls f for every key with its effective value as TOML has it and where that
// came from, in the order of the documentation. Interfaces and peers have a line for
// each, mounts too ("mount", in the order of mounting); the root's keys are the
// parameters of the kernel.
func (c *Config) Each(f func(key, value, where string)) {
	for i := range keys {
		k := &keys[i]
		switch k.name {
		case "network.address":
			c.eachNetwork(f)
			continue
		case "peers":
			c.eachPeer(f)
			continue
		case "mount":
			for j := range c.Mounts {
				f("mount", c.Mounts[j].literal(), c.whereMount(j))
			}
			continue
		}
		if len(k.name) > 8 && k.name[:8] == "network." {
			continue
		}
		_, where := c.Origin(k.name)
		f(k.name, literal(k.field(c, nil)), where)
	}
	c.eachRoot(f)
}

func (c *Config) eachNetwork(f func(key, value, where string)) {
	for i := range c.Network {
		n := &c.Network[i]
		for j := range keys {
			if k := &keys[j]; len(k.name) > 8 && k.name[:8] == "network." {
				name := "network." + n.Interface + k.name[7:]
				_, where := c.where(k.name, n.Interface, keyPath(k.name, n.Interface), 0)
				f(name, literal(k.field(c, n)), where)
			}
		}
	}
}

func (c *Config) eachPeer(f func(key, value, where string)) {
	if len(c.Peers) == 0 {
		_, where := c.Origin("peers")
		f("peers", "{}", where)
	}
	for i := range c.Peers {
		p := &c.Peers[i]
		_, where := c.Origin("peers." + p.Name)
		f("peers."+p.Name, p.literal(), where)
	}
}

func (c *Config) eachRoot(f func(key, value, where string)) {
	r := &c.Root
	wait := short(r.Wait)
	if r.Wait < 0 {
		wait = "for ever"
	}
	for _, v := range [...][2]string{
		{"root", quote(r.Device)}, {"rootfstype", quote(r.Type)}, {"rootflags", quote(r.Flags)},
		{"rw", strconv.FormatBool(r.Write)}, {"rootwait", quote(wait)}, {"rootdelay", quote(short(r.Delay))}, {"init", quote(r.Program)},
	} {
		_, where := c.where(v[0], "", []string{v[0]}, 0)
		f(v[0], v[1], where)
	}
}
