// Package config is the room of one value, Config: everything that can be said
// about a node, merged from its sources (built-in defaults, what the image has for other
// inits, /etc/fstab, /etc/erlinit.config, /etc/beaminit.toml, the kernel command line), with
// where each value came from and what was wrong with what was said. It reads bytes and
// computes; it changes nothing and it imports no room but those below it, which read what
// others have written: cmdline, fstab, image, tmpfiles, brought.
package config

import (
	"net/netip"
	"time"

	"github.com/beaminit/beaminit/config/image"
	"github.com/beaminit/beaminit/config/tmpfiles"
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
	Discovery    Discovery
	Cluster      Cluster
	Release      Release
	Distribution Distribution
	Supervise    Supervise
	Health       Health
	Dump         Dump
	Watchdog     Watchdog
	Console      Console
	Mounts       []Mount
	Services     []Service       // in the order they were named; never two of one name
	Tmpfiles     []tmpfiles.Line // of the image's tmpfiles.d
	Kernel       Kernel
	Devices      []Device
	Update       Update
	Root         Root

	// FactoryReset is beaminit.factory_reset of the kernel command line: what a [[mount]] with
	// format has is made anew in this boot.
	FactoryReset bool

	Problems []Problem // what was wrong in the sources, and what stands in its place
	Notes    []Note    // what is accepted and has no effect yet

	sysusers    []image.User // that the image wants made
	origins     []origin
	mountAt     []entryAt // where each of Mounts stands
	wanted      string    // host name, or pattern for it, of the strongest source that is no kernel parameter
	fromErlinit bool      // options of erlinit were taken over
	idle        []int     // of erlinitOptions: were given, and have no effect
	text        string    // of the TOML file, so that a line can be looked up when somebody asks
}

// Node is the [node] table.
type Node struct {
	Hostname string // final: a pattern is already filled in with the board's id
	// MachineID is systemd.machine_id= of the kernel command line, 32 digits of lower
	// case; empty: none was given.
	MachineID string
	Domain    string // of host names that have none; empty: the first of dns.search, see Config.Domain
	ID        string // as written: a program, or file:/path; empty: the MAC of the first interface
}

// Network is one [network.IFACE] table, or one ip= of the kernel command line.
type Network struct {
	Interface string
	Address   []netip.Prefix // with the host part: 192.168.7.6/24
	Gateway   []netip.Addr
	DHCP      bool
	LinkLocal bool          // an IPv4 address of 169.254/16 that is free (RFC 3927), beside Address
	MTU       int           // bytes; 0: as the driver has it
	Wait      time.Duration // for carrier and address, before the boot goes on without
	MAC       string        // of the link that this is about, as net.ParseMAC has it, in lower case; empty: the one of this name
	First     bool          // of the links that nobody else is, the first with a carrier; the one of this name before others
	VLAN      VLAN
	Bridge    Bridge
	Bond      Bond
	Route     []Route // beside those of Address and Gateway
}

// VLAN is the table [network.IFACE.vlan]; both set, or neither: the interface is no VLAN.
type VLAN struct {
	Parent string // interface below
	ID     int    // IEEE 802.1Q, 1 to 4094
}

// Bridge is the table [network.IFACE.bridge]; without ports the interface is no bridge.
type Bridge struct {
	Ports []string // interfaces
	STP   bool     // IEEE 802.1D spanning tree
}

// Bond is the table [network.IFACE.bond]; without ports the interface is no bond.
type Bond struct {
	Ports []string // interfaces
	Mode  string   // in the kernel's words, see isBondMode; empty: active-backup
}

// Route is one entry of network.IFACE.route.
type Route struct {
	To     netip.Prefix
	Via    netip.Addr // not valid: To is on the link itself
	Metric int        // 0: the kernel's own (0 for IPv4, 1024 for IPv6)
	OnLink bool       // Via is on the link, though in no prefix of the interface
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
	Node    string // the part of its node name before the @; empty: that of this node's own
	Port    int    // of its distribution, where that is not distribution.port; 0: it is
}

// Discovery is the [discovery] table: where peers are found beside [peers]. All found
// ones are added, none takes the place of one in [peers].
type Discovery struct {
	File    string // hosts(5) or TOML, watched; empty: none
	DNS     string // a name with SRV, or A and AAAA records; empty: none
	MDNS    bool   // DNS-SD, _erlang._tcp
	KeyFile string // of the HMAC that announcements carry; empty: they are not authentic
	Limit   int    // the most peers that are found
}

// Cluster is the [cluster] table.
type Cluster struct {
	Timeout time.Duration // a connected peer without a sign for so long is cut; 0: none is
	Heal    time.Duration // the first pause before a peer that answers is connected again; 0: none is
	Respect time.Duration // so long a disconnection that the release asked for is left alone
}

// Release is the [release] table.
type Release struct {
	Path []string // directories searched for a release, in this order
	Boot string   // name of the boot script, without .boot
	User string   // user name or number the release runs as
	Env  []string // KEY=value, sorted by key
	Args []string // further emulator flags
	Tmp  string   // writable directory: HOME, RELEASE_TMP

	Group            string     // group name or number, in place of the user's own; empty: that
	Wrapper          []string   // a program with arguments that is given the release's command line
	PreRun           []string   // a program with arguments that is run before each start
	RunOnce          [][]string // programs with arguments that are run before the first start of a boot, in this order
	RunOnExit        []string   // and one after each end that nobody asked for
	WorkingDirectory string     // empty: that of the release

	ReadAhead bool // into the page cache, while the network is awaited

	Limits       []string // NAME=SOFT or NAME=SOFT:HARD, sorted by name; see ParseLimit
	Capabilities []string // names; see Capability. Empty: all for root, none for any other user
	OOMScoreAdj  int      // proc(5), oom_score_adj; 0: as PID 1 has it
	Cgroup       []string // FILE=VALUE, as the kernel's cgroup-v2.rst has them; empty: it has no cgroup of its own
}

// Console is the [console] table.
type Console struct {
	TTY     string // name in /dev, or the whole path; empty: the release has no tty
	Options string // as the kernel's console= has them, see ParseTTYOptions; empty: the line stays as it is

	kernel []string // names of the ttys that console= of the kernel command line names
}

// Distribution is the [distribution] table.
type Distribution struct {
	Name         string // the part before @
	Names        string // ShortNames, LongNames, AddressNames or NoNames
	Port         int    // TCP
	EPMD         string // "none", "daemon" or "module:NAME"
	CookieFile   string
	Connect      bool // connect to the peers, at boot and whenever one is not connected
	WaitForPeers bool // the applications start when the peers are connected, or after 5 s
	TLS          TLS
}

// The words of [distribution] names, with what erl(1) calls them.
const (
	ShortNames   = "short"   // -sname
	LongNames    = "long"    // -name
	AddressNames = "address" // -name, with the node's address behind the @
	NoNames      = "none"    // neither: the node is not distributed when it starts
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
	KeyFile       string        // of the HMAC that the records carry; empty: they carry none
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
	Wait                 time.Duration // for the device; 0: as long as the boot waits for any
	Format               string        // the file system that is made where the device holds nothing; empty: none
	Check                bool          // by the image's fsck, before it is mounted
	Grow                 string        // what grows to the end of the disk; empty: nothing does
}

// What grows, of a [[mount]] grow: the words true and "filesystem".
const (
	GrowPartition  = "partition"  // and its file system
	GrowFileSystem = "filesystem" // it alone, to the end of its device
)

// The words of [[service]] restart; Never is a service that is started by hand alone.
const (
	Always    = "always"
	OnFailure = "on-failure"
	Never     = "never"
	Once      = "once"
)

// The words of [[service]] start.
const (
	Before = "before" // the release is started when the service is ready
	With   = "with"
	After  = "after" // the service is started when the release is up
)

// Exit is the word of [[service]] ready, beside Started and Notify, for a program that
// has done its work when it ends with status 0.
const Exit = "exit"

// Service is one [[service]] table: a program of the image that PID 1 runs beside the
// release.
type Service struct {
	Name         string
	Exec         []string // an absolute path and arguments
	User, Group  string   // name or number; an empty group: the user's own
	Env          []string // KEY=value, sorted by key
	Limits       []string // as in Release
	Capabilities []string // as in Release
	Cgroup       []string // as in Release
	Restart      string
	Start        string
	Ready        string
	ReadyTimeout time.Duration // within which it is to be ready, from when it is wanted
	StopTimeout  time.Duration
	InRescue     bool // it runs in rescue too
}

// Device is one [[device]] table: who may use a device node. What is empty stays as the
// kernel has it.
type Device struct {
	Match        []string // NAME=PATTERN, sorted by name: devname, subsystem and attributes of sysfs; patterns of path.Match
	Owner, Group string   // name or number
	Mode         int      // permission bits; 0: the kernel's
	Link         string   // name of a link to the node, in /dev
}

// Update is the [update] table.
type Update struct {
	Slot    string        // how the running slot is known; empty: there are none
	Trial   string        // and how it is known that it is on trial; empty: it is in each boot
	Confirm []string      // a program with arguments that keeps the slot; empty: none
	Reject  []string      // and one that gives it up
	After   time.Duration // the node has to be up for so long to be confirmed
	Within  time.Duration // and within this after the boot
	Peers   bool          // with all peers connected
}

// Kernel is the [kernel] table.
type Kernel struct {
	Modules     []string
	DiskLinks   bool   // /dev/disk/by-uuid and the like
	Autoload    bool   // modules for the devices that are there or come (modules.alias)
	CorePattern string // core(5); empty: as the kernel has it

	// ModuleOptions are the parameters of modules by their names with _: of modprobe.d and
	// of the kernel command line. Of the image's modules, and of those for devices, those of
	// Blacklist are left out.
	ModuleOptions map[string]string
	Blacklist     []string
	ModuleLines   []string // "alias …" and "softdep …" of modprobe.d
	Sysctl        []string // as boot.SetSysctls takes them, in this order: of sysctl.d and the kernel command line
}

// The words of [root] overlay that are no directory.
const (
	InTmpfs = "tmpfs"
	Off     = "off"
)

// Root is what the kernel command line says about the root file system
// (root=, rootfstype=, rootflags=, ro, rw, rootwait, rootdelay=), in the words of
// the kernel's Documentation/admin-guide/kernel-parameters.txt, and the [root] table.
type Root struct {
	Device  string // empty: none was named
	Type    string // empty: try what /proc/filesystems has
	Flags   string
	Map     string        // dm-mod.create=: devices to be made of others before; empty: none
	Write   bool          // rw was said; the default is ro
	Wait    time.Duration // rootwait= or 10 s; negative: for ever (a bare rootwait)
	Delay   time.Duration
	Program string // init=, default /sbin/init

	// The keys of [root], for an initramfs.
	Attempts int           // to mount it, before the node reboots
	Timeout  time.Duration // and the most time for them
	Overlay  string        // "tmpfs" or a directory: changes go there; empty or "off": the root is as it is mounted
}

// HasOverlay says that changes of the root go elsewhere.
func (r *Root) HasOverlay() bool { return r.Overlay != "" && r.Overlay != Off }
