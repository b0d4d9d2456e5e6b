// Package config is the room of one value, Config: everything that can be said
// about a node, merged from its sources (built-in defaults, /etc/beaminit.toml,
// the kernel command line), with where each value came from and what was wrong
// with what was said. It reads bytes and computes; it changes nothing and it
// imports no other room.
package config

import (
	"net/netip"
	"time"
)

// The places that Load reads, beside the kernel command line. EtcHostnamePath and
// /sys/class/net/IFACE/address are read only where no other source names the node.
const (
	Path            = "/etc/beaminit.toml"
	EtcHostnamePath = "/etc/hostname"
)

// Config says what a node is to be. Load makes it; it is complete whatever the
// sources said, because a default stands in for every value that had a problem.
type Config struct {
	Node         Node
	Network      []Network // in the order they were named; never two of one interface
	DNS          DNS
	Peers        []Peer // every node of the cluster, this one too, in the order they were named
	Release      Release
	Distribution Distribution
	Supervise    Supervise
	Health       Health
	Dump         Dump
	Watchdog     Watchdog
	Console      Console
	Mounts       []Mount
	Kernel       Kernel
	Root         Root

	Problems []Problem // what was wrong in the sources, and what stands in its place
	Notes    []Note    // what is accepted and has no effect yet

	origins     []origin
	mountAt     []int  // which [[mount]] of the file each of Mounts is, from 0; of erlinit.config -line
	wanted      string // host name, or pattern for it, of the strongest source that is no kernel parameter
	fromErlinit bool   // options of erlinit were taken over
	idle        []int  // of erlinitOptions: were given, and have no effect
	text        string // of the TOML file, so that a line can be looked up when somebody asks
}

// Node is the [node] table.
type Node struct {
	Hostname string // final: a pattern is already filled in with the board's id
	// MachineID is systemd.machine_id= of the kernel command line, 32 digits of lower
	// case; empty: none was given.
	MachineID string
	ID        string // as written: a program, or file:/path; empty: the MAC of the first interface
}

// Network is one [network.IFACE] table, or one ip= of the kernel command line.
type Network struct {
	Interface string
	Address   []netip.Prefix // with the host part: 192.168.7.6/24
	Gateway   []netip.Addr
	DHCP      bool
	MTU       int           // bytes; 0: as the driver has it
	Wait      time.Duration // for carrier and address, before the boot goes on without
}

// DNS is the [dns] table: what resolv.conf says.
type DNS struct {
	Servers []netip.Addr
	Search  []string
}

// Peer is one entry of [peers].
type Peer struct {
	Name    string // the host part of its node name
	Address netip.Addr
	Aliases []string
	Port    int // of its distribution, where that is not distribution.port; 0: it is
}

// Release is the [release] table.
type Release struct {
	Path []string // directories searched for a release, in this order
	Boot string   // name of the boot script, without .boot
	User string   // user name or number the release runs as
	Env  []string // KEY=value, sorted by key
	Args []string // further emulator flags
	Tmp  string   // writable directory: HOME, RELEASE_TMP

	Group            string   // group name or number, in place of the user's own; empty: that
	Wrapper          []string // a program with arguments that is given the release's command line
	PreRun           []string // a program with arguments that is run before each start
	RunOnExit        []string // and one after each end that nobody asked for
	WorkingDirectory string   // empty: that of the release

	ReadAhead bool // into the page cache, while the network is awaited

	Limits       []string // NAME=SOFT or NAME=SOFT:HARD, sorted by name; see ParseLimit
	Capabilities []string // names; see Capability. Empty: all for root, none for any other user
	OOMScoreAdj  int      // proc(5), oom_score_adj; 0: as PID 1 has it
}

// Console is the [console] table.
type Console struct {
	TTY     string // name in /dev, or the whole path; empty: the release has no tty
	Options string // as the kernel's console= has them, see ParseTTYOptions; empty: the line stays as it is

	kernel []string // names of the ttys that console= of the kernel command line names
}

// Distribution is the [distribution] table.
type Distribution struct {
	Name       string // the part before @
	Names      string // ShortNames, LongNames or NoNames
	Port       int    // TCP
	EPMD       string // "none", "daemon" or "module:NAME"
	CookieFile string
	Connect    bool // make the mesh at boot
	TLS        TLS
}

// The words of [distribution] names, with what erl(1) calls them.
const (
	ShortNames = "short" // -sname
	LongNames  = "long"  // -name
	NoNames    = "none"  // neither: the node is not distributed when it starts
)

// TLS is the [distribution.tls] table: PEM files. All empty: distribution is plain TCP,
// or what the release itself says.
type TLS struct {
	Cert, Key, CA string
	Broken        bool // something about it has a problem: plain TCP must not stand in for it
}

// The words of [supervise] on_exit, give_up and power_button.
const (
	Restart  = "restart"
	Reboot   = "reboot"
	PowerOff = "poweroff"
	Halt     = "halt"
	Rescue   = "rescue"
	Ignore   = "ignore"
)

// Supervise is the [supervise] table.
type Supervise struct {
	OnExit         string
	BackoffFirst   time.Duration
	BackoffLongest time.Duration
	Attempts       int
	Window         time.Duration
	GiveUp         string
	StopTimeout    time.Duration
	DownTimeout    time.Duration // of what follows the stop, until reboot(2)
	PowerButton    string        // what it asks for
	ExitOK         []int         // exit statuses with which the release ends on purpose
	Boots          int           // in a row that did not come up, before the node stays in rescue; 0: never
	FallbackExec   []string      // run once before rescue: a path and its arguments; empty: nothing
}

// Dump is the [dump] table: what is kept of a release that ended.
type Dump struct {
	Directory string        // empty: the node's own, on a disk where it has one
	Bytes     int64         // the most of one crash dump
	Timeout   time.Duration // the most that it may take to write, in whole seconds
	Keep      int           // how many ends are kept; 0: nothing is
}

// Health is the [health] table.
type Health struct {
	Interval      time.Duration
	ProbeTimeout  time.Duration
	ProbeFailures int           // misses in a row after which a hung release is killed; 0: never
	StartTimeout  time.Duration // within which a release has to be ready; 0: no limit
	Ready         string        // what makes it so
}

// The words of [health] ready.
const (
	Listening = "listening"
	Started   = "started"
	Notify    = "notify"
)

// The words of [watchdog] criterion.
const (
	ByProbe   = "probe"
	ByHeart   = "heart"
	ByProcess = "process"
)

// Watchdog is the [watchdog] table.
type Watchdog struct {
	Device    string        // empty: none is used
	Timeout   time.Duration // whole seconds
	Criterion string        // of a release that is well
}

// Mount is one [[mount]] table; its words are those of fstab(5).
type Mount struct {
	Source, Target, Type string
	Options              []string
}

// Kernel is the [kernel] table.
type Kernel struct {
	Modules     []string
	CorePattern string // core(5); empty: as the kernel has it
}

// Root is what the kernel command line says about the root file system
// (root=, rootfstype=, rootflags=, ro, rw, rootwait, rootdelay=), in the words of
// the kernel's Documentation/admin-guide/kernel-parameters.txt.
type Root struct {
	Device  string // empty: none was named
	Type    string // empty: try what /proc/filesystems has
	Flags   string
	Write   bool          // rw was said; the default is ro
	Wait    time.Duration // rootwait= or 10 s; negative: for ever (a bare rootwait)
	Delay   time.Duration
	Program string // init=, default /sbin/init
}
