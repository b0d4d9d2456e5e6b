package config

import (
	"slices"
	"strconv"
	"strings"
)

// Source says which kind of place a value came from.
type Source int

// The sources, the stronger the higher.
const (
	BuiltIn Source = iota
	Derived        // from the board itself: the MAC
	EtcHostname
	Image   // what it brings for other inits: modules-load.d, modprobe.d, sysctl.d
	Fstab   // /etc/fstab
	Erlinit // /etc/erlinit.config
	TOML
	IPParam         // ip=
	SystemdHostname // systemd.hostname=
	HostnameParam   // hostname=
	ErlinitArgs     // options of erlinit among the words that the kernel leaves to init
	Cmdline         // beaminit.*, and root=, init= and their like
	Environment     // of a container, in place of the command line: its variables and arguments
)

// String names the source as Origin does: a file, or a part of the kernel command
// line.
func (s Source) String() string {
	switch s {
	case BuiltIn:
		return "built in"
	case Derived:
		return "derived from the MAC"
	case EtcHostname:
		return EtcHostnamePath
	case Image:
		return "brought by the image"
	case Fstab:
		return fstabPath
	case Erlinit:
		return ErlinitPath
	case TOML:
		return Path
	case IPParam:
		return cmdlineName + ", ip="
	case SystemdHostname:
		return cmdlineName + ", systemd.hostname="
	case HostnameParam:
		return cmdlineName + ", hostname="
	case ErlinitArgs:
		return cmdlineName + ", option for erlinit"
	case Cmdline:
		return cmdlineName
	case Environment:
		return "environment"
	}
	return "source " + strconv.Itoa(int(s))
}

const cmdlineName = "kernel command line"

// file is the word for the source in a Problem, where the key tells the rest.
func (s Source) file() string {
	if s >= IPParam && s <= Cmdline {
		return cmdlineName
	}
	if s == Derived {
		return "/sys/class/net"
	}
	return s.String()
}

// origin is where the value of one key came from. Built-in values have none.
type origin struct {
	name  string // of the key table: "distribution.port"
	iface string // of a key of [network.IFACE]
	from  Source
	line  int // of ErlinitPath; elsewhere 0
}

// mark notes that a key now has its value from a source; the last mark counts. (Inlined: 9 KB more.)
//
//go:noinline
func (l *loader) mark(name, iface string, from Source) {
	l.c.origins = append(l.c.origins, origin{name, iface, from, l.line})
}

// from is the source of a key. (Inlined: 2 KB more.)
//
//go:noinline
func (c *Config) from(name, iface string) Source { return c.origin(name, iface).from }

// origin is the last mark of a key. (Inlined: 8 KB more.)
//
//go:noinline
func (c *Config) origin(name, iface string) origin {
	for i := len(c.origins) - 1; i >= 0; i-- {
		if o := &c.origins[i]; o.name == name && o.iface == iface {
			return *o
		}
	}
	return origin{}
}

// Origin says where the value of a key came from. The key is dotted as in the TOML:
// "distribution.port", "network.eth0.address", "peers", "peers.eclero6"; what the
// kernel command line says about the root has the kernel's words ("root", "init").
// where is "/etc/beaminit.toml:12", "kernel command line", "built in" or the like.
// A key that nobody set, or that there is none of, is built in.
func (c *Config) Origin(key string) (from Source, where string) {
	if strings.HasPrefix(key, "peers.") {
		if from := c.from(key, ""); from != BuiltIn { // beaminit.peers.NAME=
			return from, from.String()
		}
		return c.where("peers", "", []string{"peers", key[len("peers."):]}, 0)
	}
	if rest := strings.TrimPrefix(key, "network."); rest != key {
		iface, name := cutInterface(rest, false)
		if name == "" {
			return c.networkOrigin(rest)
		}
		return c.where("network."+name, iface, keyPath("network."+name, iface), 0)
	}
	return c.where(key, "", strings.Split(key, "."), 0)
}

// IsSet says whether anybody set a key, dotted as for Origin and none of [network] or [peers].
func (c *Config) IsSet(key string) bool { return c.from(key, "") != BuiltIn }

// networkOrigin is where an interface as a whole was named first.
func (c *Config) networkOrigin(iface string) (Source, string) {
	for i := range c.origins {
		if o := &c.origins[i]; o.iface == iface {
			return c.where(o.name, iface, []string{"network", iface}, 0)
		}
	}
	return BuiltIn, BuiltIn.String()
}

func (c *Config) where(name, iface string, path []string, nth int) (Source, string) {
	o := c.origin(name, iface)
	from := o.from
	if from == Erlinit {
		return from, ErlinitPath + ":" + strconv.Itoa(o.line)
	}
	if from == TOML {
		if line := lineOf(c.text, path, nth); line > 0 {
			return from, Path + ":" + strconv.Itoa(line)
		}
	}
	return from, from.String()
}

// keyPath is the path in the TOML file of a key of the key table.
func keyPath(name, iface string) []string {
	path := strings.Split(name, ".")
	if iface != "" {
		path = slices.Insert(path, 1, iface)
	}
	return path
}

func join(path []string) string { return strings.Join(path, ".") }
