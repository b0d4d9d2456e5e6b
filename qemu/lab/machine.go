package lab

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/qemu/arch"
	"github.com/beaminit/beaminit/qemu/image"
)

// launch starts the node's machine.
func (n *Node) launch() (*machine, error) {
	if n.lab.opts.As == AsNS {
		return n.launchNamespace()
	}
	return n.launchQEMU()
}

// launchQEMU starts QEMU for the node. Serial console, QMP and network card are
// socket pairs that it inherits: no names in the file system, nothing to clean up,
// and nobody else can connect.
func (n *Node) launchQEMU() (*machine, error) {
	var theirs []*os.File
	var ours []net.Conn
	fail := func(err error) (*machine, error) {
		for _, f := range theirs {
			f.Close()
		}
		for _, c := range ours {
			c.Close()
		}
		return nil, err
	}
	for range 3 + len(n.cards) {
		our, their, err := socketPair()
		if err != nil {
			return fail(err)
		}
		ours, theirs = append(ours, our), append(theirs, their)
	}
	out, err := os.Create(filepath.Join(n.dir, logName[AsVM]))
	if err != nil {
		return fail(err)
	}
	defer out.Close()
	a := arch.Of(n.image().Arch)
	cmd := exec.Command(a.QEMU, n.arguments()...)
	cmd.ExtraFiles = theirs
	cmd.Stdout, cmd.Stderr = out, out
	if err := n.lab.spawn.start(cmd); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			err = fmt.Errorf("%s is not on this machine: install %s", a.QEMU, a.Package)
		}
		return fail(err)
	}
	for _, f := range theirs {
		f.Close()
	}
	m := &machine{cmd: cmd, serial: ours[serialAt], shell: ours[shellAt], gone: make(chan struct{})}
	m.qmp = newQMP(ours[qmpAt], n.machineEvent)
	for i, c := range n.cards {
		n.lab.Switch.AttachAt(n.at(c), ours[firstNIC+i], n.isCut(c.on.Name))
	}
	return m, nil
}

// The places of what QEMU inherits among its descriptors, of which os/exec gives the first the number 3;
// behind them, the network cards.
const (
	serialAt = iota
	qmpAt
	shellAt
	firstNIC
	inherited = 3
)

// nicID is what QEMU calls a network card.
func nicID(i int) string { return "lan" + strconv.Itoa(i) }

// image is what the node boots.
func (n *Node) image() image.Set {
	if n.Spec.Image != nil {
		return *n.Spec.Image
	}
	return n.lab.opts.Image
}

// arguments are QEMU's.
func (n *Node) arguments() []string {
	o := n.lab.opts
	accel := []string{"-accel", "tcg,thread=multi"}
	a := arch.Of(n.image().Arch)
	if n.lab.kvm && a.RunsOn(runtime.GOARCH) {
		accel = []string{"-accel", "kvm"}
	}
	args := slices.Concat([]string{"-name", n.Spec.Name}, a.Args, accel, []string{"-smp", strconv.Itoa(max(n.Spec.CPUs, 1)),
		"-m", strconv.Itoa(cmp.Or(n.Spec.Memory, o.Memory)), "-nodefaults", "-no-user-config", "-display", "none"})
	args = append(args,
		"-chardev", fmt.Sprintf("socket,id=serial,fd=%d", inherited+serialAt), "-serial", "chardev:serial",
		"-chardev", fmt.Sprintf("socket,id=shell,fd=%d", inherited+shellAt),
		"-chardev", fmt.Sprintf("socket,id=qmp,fd=%d", inherited+qmpAt), "-mon", "chardev=qmp,mode=control")
	args = slices.Concat(args, a.Port, n.bootArguments(), n.diskArguments())
	for i, file := range o.Drives {
		args = append(args, "-drive", fmt.Sprintf("if=none,id=drive%d,format=raw,file=%s", i, comma(file)))
	}
	for _, c := range o.Chardevs {
		args = append(args, "-chardev", c)
	}
	for _, d := range o.Devices {
		args = append(args, "-device", d)
	}
	if n.Spec.RTC != "" {
		args = append(args, "-rtc", "base="+n.Spec.RTC)
	}
	for i, c := range n.cards {
		args = append(args,
			"-netdev", fmt.Sprintf("stream,id=%s,server=off,addr.type=fd,addr.str=%d", nicID(i), inherited+firstNIC+i),
			"-device", fmt.Sprintf("virtio-net-pci,netdev=%s,romfile=,addr=%x,mac=%s", nicID(i), 6+i, c.mac))
	}
	return args
}

// bootArguments are what it boots.
func (n *Node) bootArguments() []string {
	if disk := n.Spec.BootDisk; disk != "" {
		args := []string{"-drive", "if=none,id=root,format=raw,file=" + comma(disk), "-device", "virtio-blk-pci,drive=root,addr=4,bootindex=0"}
		if n.Spec.Firmware != "" {
			args = append(args, "-bios", n.Spec.Firmware)
		}
		return args
	}
	set := n.image()
	args := []string{"-kernel", set.Kernel.File, "-append", n.cmdline(),
		"-drive", "if=none,id=root,format=raw,readonly=on,file=" + comma(set.Root), "-device", "virtio-blk-pci,drive=root,addr=4"}
	if set.Initramfs != "" {
		args = append(args, "-initrd", set.Initramfs)
	}
	return args
}

// cmdline is all that differs from node to node.
func (n *Node) cmdline() string {
	if n.Spec.Cmdline != "" {
		return n.Spec.Cmdline
	}
	var words []string
	if n.lab.opts.As != AsNS { // there, nobody but beaminit reads them
		// The kernel's own chatter costs time on a serial port, so the log level is low until
		// it starts the init: then the sysctl raises it, and what the release says is shown.
		words = []string{
			"console=" + arch.Of(n.image().Arch).Console,
			"root=/dev/vda", "rootfstype=" + cmp.Or(n.image().RootType, "squashfs"), "ro",
			"panic=5", "loglevel=5", "sysctl.kernel.printk=7", "net.ifnames=0",
		}
	}
	if !n.Spec.Auto {
		words = append(words, n.addressWords()...)
	}
	if n.lab.opts.HealthKey != nil {
		words = append(words, "beaminit.health.key_file=/data/"+healthKey)
	}
	for _, more := range []string{n.lab.opts.Append, n.Spec.Append} {
		if more != "" {
			words = append(words, more)
		}
	}
	return strings.Join(words, " ")
}

// addressWords are those of its network cards. Without one that has ip=, its name is told by itself.
func (n *Node) addressWords() (words []string) {
	cards := n.Spec.cards(n.lab.opts.LANs)
	for _, c := range cards {
		words = append(words, c.words(n.Spec.Name)...)
	}
	if !cards[0].addr.IsValid() {
		words = append(words, "hostname="+n.Spec.Name)
	}
	return words
}

// comma doubles the commas of a file name, as QEMU's options want it.
func comma(s string) string { return strings.ReplaceAll(s, ",", ",,") }

func (n *Node) machineEvent(name, reason string) {
	switch name {
	case "RESET":
		now := time.Now()
		n.mu.Lock()
		again := n.view.JustPowered(now) // QEMU tells it up to three times
		n.view.Powered(true, now)
		n.mu.Unlock()
		if !again {
			n.note("lab: machine reset")
		}
	case "SHUTDOWN":
		if reason == "guest-shutdown" {
			n.note("lab: the node powered itself off")
		}
	}
}

// socketPair gives the two ends of a stream, one for Go and one for a child.
func socketPair() (net.Conn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("socketpair: %w", err)
	}
	our, their := os.NewFile(uintptr(fds[0]), "our end"), os.NewFile(uintptr(fds[1]), "their end")
	defer our.Close() // net.FileConn takes a copy
	conn, err := net.FileConn(our)
	if err != nil {
		their.Close()
		return nil, nil, fmt.Errorf("socketpair: %w", err)
	}
	return conn, their, nil
}
