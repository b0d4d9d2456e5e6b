package config

import (
	"net/netip"
	"strings"
	"time"
)

// key is one key of beaminit.toml and of the kernel command line: both go through
// this one table, and so do the plan and the check of the documentation, so that none
// can be known to one and not to the other.
type key struct {
	name  string              // dotted; without the interface, peer or index of its table
	field func(at place) any  // a pointer to where the value goes; its type says what kind of value it is
	check func(s string) bool // of a string, or of each string of a list
	value func(s string) bool // of each value of a table
	noun  string              // what a value that fails is not: "99999 is no TCP port"
	want  string              // what would be right
	empty bool                // an empty string is allowed too
	min   int64               // of an integer, or of a duration in nanoseconds
	max   int64

	required bool // an entry of an array of tables without it cannot be
}

// place is where the value of a key goes: the configuration as a whole, or one entry of
// those tables of which there are several.
type place struct {
	c       *Config
	n       *Network
	route   *Route
	peer    *Peer
	mount   *Mount
	service *Service
	device  *Device
}

// tables are those of which there are several, so that keys lie in an entry of them.
var tables = [...]string{"network.route", "network", "peers", "mount", "service", "device"}

// Kinds of values that have no Go type of their own in Config.
type (
	env       []string // KEY=value
	backoff   struct{ first, longest *time.Duration }
	command   []string      // an absolute path and arguments
	commands  [][]string    // several of them
	size      int64         // bytes
	orOff     time.Duration // 0: the word "off"
	fileMode  int           // permission bits; written in octal, in quotes; 0: none was given
	growth    string        // true, false or the word "filesystem"
	mac       string        // as net.ParseMAC has it, in lower case
	addresses struct {
		list      *[]netip.Prefix
		linkLocal *bool // the word "link-local" is among them
	}
)

const wantProgram = `a program with its arguments, such as ["/usr/bin/strace", "-f"]`

const (
	wantEnv    = `letters, digits and underscores, such as LANG = "C.UTF-8"`
	wantLimits = `resources of prlimit(1) with a number, "unlimited", or "SOFT:HARD", such as nofile = "65536"`
)

const wantHostname = "labels of letters, digits and inner hyphens with dots between, 64 bytes at most, or a pattern with %s, %.4s or %-.4s"

// table is the one of tables that a key lies in; empty: none.
func (k *key) table() string {
	for _, t := range tables {
		if _, ok := k.in(t); ok {
			return t
		}
	}
	return ""
}

// in gives the name of a key within a table of tables.
func (k *key) in(table string) (name string, ok bool) {
	name, ok = strings.CutPrefix(k.name, table)
	if !ok || name == "" || name[0] != '.' {
		return "", false
	}
	return name[1:], !(table == "network" && strings.HasPrefix(name, ".route."))
}

// KeyNames are all keys as the documentation writes them: "release.user",
// "network.IFACE.mtu", "peers.NAME", "peers.NAME.port", "mount.source".
func KeyNames() []string {
	names := make([]string, 0, len(keys))
	for i := range keys {
		section, rest, dotted := strings.Cut(keys[i].name, ".")
		switch {
		case section == "network":
			section += ".IFACE"
		case section == "peers":
			section += ".NAME"
		case listKey(section) != nil && !dotted:
			continue // each of its keys has a name of its own
		}
		if dotted {
			section += "." + rest
		}
		names = append(names, section)
	}
	return names
}

// find looks a key up; nil: there is none. loose makes - and _ equal, as they are in
// the names of kernel parameters.
func find(section, name string, loose bool) *key {
	for i := range keys {
		k := &keys[i]
		if len(k.name) == len(section)+1+len(name) && k.name[len(section)] == '.' &&
			equalName(k.name[:len(section)], section, loose) && equalName(k.name[len(section)+1:], name, loose) {
			return k
		}
	}
	return nil
}

func equalName(a, b string, loose bool) bool {
	if !loose || len(a) != len(b) {
		return a == b
	}
	return a == strings.ReplaceAll(b, "-", "_")
}

// isSection says whether there are keys in a table, or a key, of this name.
func isSection(s string) bool {
	for i := range keys {
		if rest, ok := strings.CutPrefix(keys[i].name, s); ok && (rest == "" || rest[0] == '.') {
			return s != ""
		}
	}
	return false
}
