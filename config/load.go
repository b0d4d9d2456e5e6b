package config

import (
	"bytes"
	"errors"
	"io/fs"
	"strconv"
	"strings"

	"github.com/beaminit/beaminit/config/cmdline"
	"github.com/beaminit/beaminit/config/image"
	"github.com/beaminit/beaminit/config/lex"
)

// loader is the state of one Load.
type loader struct {
	c     *Config
	read  func(path string) ([]byte, error)
	hosts [Cmdline + 1]string // what each source wants as host name, still a pattern
	run   func(argv []string) ([]byte, error)
	image *image.Settings // what the image has for other inits

	fromFstab   []fstabMount
	rootOptions []string // of / in fstab

	name   string // that a container has
	given  []given
	peers  peerIndex
	line   int    // of ErlinitPath that is taken over; 0: another source is
	option string // of erlinit that is taken over, as it was written
	named  int    // line of ErlinitPath with the pattern of the host name
}

// Sources is what a Config is made of.
type Sources struct {
	Cmdline string                              // the text of /proc/cmdline
	Args    []string                            // what the kernel gave its init, without the program's name (see InitArgs)
	Read    func(path string) ([]byte, error)   // the content of a file; the error is fs.ErrNotExist where there is none
	List    func(dir string) []string           // the names in a directory; nil: nobody can tell
	Run     func(argv []string) ([]byte, error) // what a program writes to its standard output; nil: none can be run here

	// Of a container: it has variables, "NAME=value", in place of a kernel command line, and
	// a name; what its image has for machines is left alone. nil: it is none.
	Environment []string
	Hostname    string
}

// Load is Sources.Load where no program can be run, with the words for init that the
// kernel would take from its command line.
func Load(line string, read func(path string) ([]byte, error)) *Config {
	return Sources{Cmdline: line, Args: cmdline.InitArgs(line), Read: read}.Load()
}

// Load merges all sources of the configuration. /sys should be mounted, for the MAC
// that may have to name the node. It never fails: what is wrong becomes a Problem, and
// a default stands in its place.
func (s Sources) Load() *Config {
	l := &loader{c: defaults(), read: withoutBOM(s.Read), run: s.Run, image: &image.Settings{}}
	files := image.NewFiles(l.read, s.List)
	if s.Environment == nil {
		l.image = image.Read(files)
		l.fstab()
	}
	l.erlinitFile()
	data, err := l.read(Path)
	switch {
	case err == nil:
		l.toml(string(data))
	case !errors.Is(err, fs.ErrNotExist):
		l.problem(TOML, nil, fault{what: "cannot be read: " + err.Error(), used: "the defaults"})
	}
	if s.Environment == nil {
		l.kernelCmdline(s.Cmdline, s.Args)
	} else {
		l.environment(s.Environment, s.Args)
		l.name = s.Hostname
	}
	l.hostname()
	l.notes()
	if s.Environment == nil {
		l.noteBrought(files)
	} else {
		l.relabel()
	}
	return l.c
}

// withoutBOM reads files without the mark that editors of other systems put at the beginning
// (U+FEFF in UTF-8).
func withoutBOM(read func(path string) ([]byte, error)) func(path string) ([]byte, error) {
	return func(path string) ([]byte, error) {
		data, err := read(path)
		return bytes.TrimPrefix(data, []byte("\uFEFF")), err
	}
}

// firstLink is the table of an interface whose name nobody knows.
const firstLink = "first"

// checkNetwork says what is wrong with an interface as a whole. A link that is half of
// something is made as nothing of it.
func (l *loader) checkNetwork(n *Network) {
	kinds := 0
	if n.VLAN != (VLAN{}) {
		kinds++
		if n.VLAN.Parent == "" || n.VLAN.ID == 0 {
			l.networkProblem(n, "vlan.id", "vlan", fault{what: "parent or id is missing", want: "both", used: "no VLAN"})
			n.VLAN = VLAN{}
		}
	}
	if len(n.Bridge.Ports) > 0 {
		kinds++
	}
	if len(n.Bond.Ports) > 0 {
		kinds++
	}
	if kinds > 1 {
		l.networkProblem(n, "bridge.ports", "", fault{what: "more than one of vlan, bridge and bond", want: "one of them", used: "none of them"})
		n.VLAN, n.Bridge, n.Bond = VLAN{}, Bridge{}, Bond{}
	}
	n.First = (n.First || n.Interface == firstLink) && kinds == 0 && n.MAC == ""
	if kinds == 1 && n.MAC != "" {
		l.networkProblem(n, "mac", "mac", fault{what: "the interface is one that is made, and " + n.MAC + " is that of one that is there", want: "mac in the table of an interface that it is made of", used: "none"})
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

// noEffectNotes names the keys that are set and that nothing acts on yet; those in the
// entries of lists have been named by noteNoEffect.
func (l *loader) noEffectNotes() {
	for i := range keys {
		k := &keys[i]
		if !k.noEffect {
			continue
		}
		if l.c.from(k.name, "") != BuiltIn {
			l.noteNoEffect(k, k.name)
		}
		for j := range l.c.Network {
			if name := l.c.Network[j].Interface; l.c.from(k.name, name) != BuiltIn {
				l.noteNoEffect(k, join(keyPath(k.name, name)))
			}
		}
	}
}

func (l *loader) noteNoEffect(k *key, name string) {
	if k.noEffect {
		l.noteOnce(name, "understood and checked, without effect yet")
	}
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
		l.checkNetwork(&c.Network[i])
	}
	l.addFstab()
	l.addImage()
	l.checkMounts()
	l.checkUpdate()
	l.checkServices()
	l.noEffectNotes()
	l.consoleNotes()
	if t := c.Distribution.TLS; t != (TLS{}) && (t.Cert == "" || t.Key == "" || t.CA == "") {
		from := max(c.from("distribution.tls.cert", ""), c.from("distribution.tls.key", ""), c.from("distribution.tls.ca", ""))
		l.problem(from, []string{"distribution", "tls"}, fault{what: "cert, key or ca is missing", want: "all three", used: "none: without them the release is not started"})
	}
	for i := range c.Problems {
		if strings.HasPrefix(c.Problems[i].Key, "distribution.tls") {
			c.Distribution.TLS.Broken = true
		}
	}
	for i := range c.Peers {
		if p := &c.Peers[i]; p.Port != 0 && p.Port != c.Distribution.Port && c.Distribution.EPMD == "none" {
			l.problem(TOML, []string{"peers", p.Name, "port"}, fault{what: "without a module that knows the ports, all nodes have the same one", want: `distribution.epmd = "module:NAME" or "daemon"`, used: "distribution.port"})
			p.Port = 0
		}
	}
	l.erlinitNote()
}

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
		{"rw", strconv.FormatBool(r.Write)}, {"rootwait", lex.Quote(wait)}, {"rootdelay", lex.Quote(durationText(r.Delay))}, {"init", lex.Quote(r.Program)},
	} {
		_, where := c.where(v[0], "", []string{v[0]}, 0)
		f(v[0], v[1], where)
	}
}

// Domain is that of this node and of peers that are named without one: that of
// node.hostname, else node.domain, else the first of dns.search; empty: there is none.
func (c *Config) Domain() string {
	if _, domain, ok := strings.Cut(c.Node.Hostname, "."); ok {
		return domain
	}
	if c.Node.Domain == "" && len(c.DNS.Search) > 0 {
		return c.DNS.Search[0]
	}
	return c.Node.Domain
}
