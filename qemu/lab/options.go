// Package lab is the room of the running lab: several virtual machines that boot
// one image, joined by a switch of package lan, with what each says on its serial
// console read, kept and understood. It can be driven from a test (Up, Node.WaitState,
// Node.Kill), from a terminal, and by other processes through a unix socket.
//
// Whoever calls Up owns the machines: they end with Close, and also when the process
// ends without it, however it ends.
package lab

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/qemu/image"
	"github.com/beaminit/beaminit/qemu/namespace"
)

// The addresses of the lab's LAN, where there is only one and nobody says another.
const (
	Gateway = "192.168.7.1" // nobody, unless a test brings a TAP device there
	Netmask = "255.255.255.0"
	Port    = 17012 // of the distribution, on every node
)

// What the nodes of a lab are.
const (
	AsVM = "vm" // virtual machines
	AsNS = "ns" // namespaces of this machine's kernel, see package namespace
)

// NodeSpec is one node before it runs.
type NodeSpec struct {
	Name    string
	Address netip.Addr
	Node    string // the part of its node name before the @, where it is not that of the others
	Append  string // added to the kernel command line
	Cmdline string // the whole of it, instead of the lab's and both Appends
	NoNIC   bool   // a machine without a network card
	NICs    []NIC  // its network cards, eth0 and so on; nil: one, on the first LAN, with Address
	RTC     string // what its clock says when it is switched on, as -rtc base= has it; empty: what is right
	Auto    bool   // nothing on its command line tells it from others; see AutoSpecs
	Off     bool   // Up does not start it
	Memory  int    // MiB; 0: Options.Memory
	CPUs    int    // 0: 1

	Image    *image.Set // what it boots; nil: Options.Image
	BootDisk string     // file of a disk that its firmware boots, in place of Image and the command line; it is written to
	Firmware string     // file of that; empty: QEMU's own
}

// NodeSpecs gives the lab's n nodes: eclero6, eclero8, eclero10 and so on, each with
// the address that ends in its number. n is from 1 to 100.
func NodeSpecs(n int) ([]NodeSpec, error) {
	if n < 1 || n > 100 {
		return nil, fmt.Errorf("%d nodes: from 1 to 100 fit on the LAN", n)
	}
	var list []NodeSpec
	for i := range n {
		number := 6 + 2*i
		list = append(list, NodeSpec{
			Name:    "eclero" + strconv.Itoa(number),
			Address: netip.AddrFrom4([4]byte{192, 168, 7, byte(number)}),
		})
	}
	return list, nil
}

// AutoSpecs gives n nodes that nobody tells a name, an address or a peer: their names are
// of their MAC, as AutoConfig has it.
func AutoSpecs(n int) ([]NodeSpec, error) {
	list, err := NodeSpecs(n)
	for i := range list {
		a := list[i].Address.As4()
		list[i].Name, list[i].Auto = fmt.Sprintf("node-%02x%02x", a[2], a[3]), true
	}
	return list, err
}

// AutoConfig is the /etc/beaminit.toml of such nodes.
func AutoConfig(interval time.Duration) []byte {
	return append([]byte(`# The same on all nodes, and there is nothing else: a name from the MAC, an address that
# each takes by itself (RFC 3927), and peers by mDNS.
[node]
hostname = "node-%-.4s"

[network.eth0]
address = ["link-local"]
wait = "1m"

[discovery]
mdns = true
`), common(interval)...)
}

// Config is the /etc/beaminit.toml that goes into the image of these nodes: the same
// for all. interval is that of the health records. It does not name the Erlang nodes:
// a release is called what it calls itself.
func Config(nodes []NodeSpec, interval time.Duration) []byte {
	var b strings.Builder
	b.WriteString("# The same on all nodes of the lab; what differs is on the kernel command line.\n[peers]\n")
	for _, n := range nodes {
		if n.Node == "" {
			fmt.Fprintf(&b, "%s = %q\n", n.Name, n.Address)
			continue
		}
		fmt.Fprintf(&b, "%s = { address = %q, node = %q }\n", n.Name, n.Address, n.Node)
	}
	return append([]byte(b.String()), common(interval)...)
}

// common is what both have.
func common(interval time.Duration) []byte {
	return fmt.Appendf(nil, `
[distribution]
port = %d
cookie_file = "/data/cookie"

[health]
interval = %q
`+disk, Port, interval)
}

// disk is the data disk of a virtual machine, in its configuration.
const disk = `
[[mount]]
source = "/dev/vdb"
target = "/data"
type = "ext4"
options = ["noatime", "nosuid", "nodev"]
`

// dataMount is a mount of a configuration, up to the next table.
var dataMount = regexp.MustCompile(`(?m)^[ \t]*\[\[mount\]\][^\n]*(?:\n(?:[ \t]*[^\s\[][^\n]*|[ \t]*$))*`)

var ownRelease = regexp.MustCompile(`(?m)^[ \t]*\[release\]`)

// AsNamespaces makes of a configuration for virtual machines that of nodes which are namespaces: where it mounts
// the data disk, that is a directory, and none of their many schedulers spins while it has nothing to do
// (erl(1), +sbwt), unless it has a [release] of its own.
func AsNamespaces(config []byte) []byte {
	quiet := `[release]
args = ["+sbwt", "none", "+sbwtdcpu", "none", "+sbwtdio", "none"]

`
	if ownRelease.Match(config) {
		quiet = ""
	}
	return dataMount.ReplaceAllFunc(config, func(mount []byte) []byte {
		if !bytes.Contains(mount, []byte(`"/dev/vdb"`)) {
			return mount
		}
		return []byte(quiet + `[[mount]]
source = "` + namespace.DataAt + `"
target = "/data"
options = ["bind", "noatime", "nosuid", "nodev"]
`)
	})
}

// Words say on the kernel command line what Config says in the image, for an image that
// was made without regard to the lab. Mounts have no such form.
func Words(nodes []NodeSpec, interval time.Duration) string {
	var peers []string
	for _, n := range nodes {
		peers = append(peers, n.Name+":"+n.Address.String())
	}
	return fmt.Sprintf("beaminit.peers=%s beaminit.distribution.port=%d beaminit.health.interval=%v",
		strings.Join(peers, ","), Port, interval)
}

// Options say what Up starts.
type Options struct {
	Dir       string // where a lab keeps what it made and what it says: logs, sockets, disks
	Nodes     []NodeSpec
	LANs      []LANSpec // nil: one, that of LAN; on the first the nodes are each other's peers
	As        string    // AsVM or AsNS; empty: AsVM
	Nice      int       // niceness of nodes that are namespaces, see namespace.Prefer
	Image     image.Set
	TCG       bool          // never KVM
	Memory    int           // MiB a node; 0: 256
	Interval  time.Duration // of the health records, as the image's configuration has it; 0: 10 s
	Devices   []string      // further devices of every machine, as QEMU's -device has them
	DiskLog   bool          // QEMU logs every write to a data disk, in the file beside it; see package writelog
	Drives    []string      // raw images that Devices and AddDevice have as drive=drive0, drive1, …
	Chardevs  []string      // and character devices, as QEMU's -chardev has them
	Append    string        // added to the kernel command line of every node
	HealthKey health.Key    // the nodes sign their records with it, and no others count; nil: they do not
	Pcap      bool          // write every frame to run/lan.pcap
	Say       func(string)  // is told what is being done; may be nil
}

func (o *Options) fill() error {
	if err := Check(o.LANs, o.Nodes); err != nil {
		return err
	}
	o.LANs = orOnly(o.LANs)
	switch o.As {
	case "":
		o.As = AsVM
	case AsVM, AsNS:
	default:
		return fmt.Errorf("as = %q: nodes are virtual machines (%q) or namespaces (%q)", o.As, AsVM, AsNS)
	}
	if o.Memory == 0 {
		o.Memory = 256
	}
	if o.Interval == 0 {
		o.Interval = 10 * time.Second
	}
	if o.Say == nil {
		o.Say = func(string) {}
	}
	dir, err := filepath.Abs(o.Dir)
	o.Dir = dir
	return err
}

// healthKey is the file on a node's data disk that has Options.HealthKey.
const healthKey = "health.key"

// RunDir is where a lab in dir keeps its sockets and logs.
func RunDir(dir string) string { return filepath.Join(dir, "run") }

// haveKVM tells whether this machine can run guests by KVM. The device alone says
// little: in a virtual machine without nested virtualisation it may be there, open,
// and run nothing.
func haveKVM() bool {
	cpu, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return false
	}
	flags := strings.Fields(string(cpu))
	for _, f := range flags {
		if f == "vmx" || f == "svm" {
			kvm, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
			if err != nil {
				return false
			}
			kvm.Close()
			return true
		}
	}
	return false
}
