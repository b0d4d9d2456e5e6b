package devices

import (
	"encoding/json"
	"os"
	"slices"

	"github.com/beaminit/beaminit/internal/footprint"
	"github.com/beaminit/beaminit/internal/proc"
	"github.com/beaminit/beaminit/internal/seccomp"
	"golang.org/x/sys/unix"
)

// begin is the beginning of a child of the name, whose argument is its orders as JSON, and
// which needs these calls of the kernel beside those of all.
func begin(name string, args []string, orders any, calls ...uint32) (ok bool) {
	if len(args) != 2 || json.Unmarshal([]byte(args[1]), orders) != nil {
		complain(name + ": is for PID 1 to call")
		return false
	}
	footprint.Small()
	proc.SetName(name)
	_ = seccomp.Apply(seccomp.List{ // PID 1 says where the kernel cannot
		Calls:    slices.Concat(seccomp.Files, seccomp.Sockets, calls, []uint32{unix.SYS_READLINKAT, unix.SYS_FACCESSAT}),
		Families: []uint32{unix.AF_NETLINK},
	})
	return true
}

// complain says a line on the console.
func complain(line string) { os.Stderr.WriteString(line + "\n") }

// Main is the process that sets devices.
func Main(args []string) int {
	var o Orders
	if !begin(ChildName, args, &o, unix.SYS_FCHOWNAT, unix.SYS_FCHMODAT, unix.SYS_SYMLINKAT, unix.SYS_MKDIRAT) {
		return 2
	}
	if o.Disks {
		go follow(&linker{&voice{o.Said, complain}}) // by itself: a dead disk makes it wait
	}
	follow(newSetter(o.Devices, &voice{o.Said, complain}))
	return 1
}

// voice says a line once.
type voice struct {
	said []string
	say  func(line string) // nil: nobody hears it
}

func (v *voice) complain(line string) {
	if slices.Contains(v.said, line) {
		return
	}
	if len(v.said) < 1000 {
		v.said = append(v.said, line)
	}
	if v.say != nil {
		v.say(line)
	}
}

// kernelEvents is the group of the uevents that the kernel sends; that of udev's own is 2
// (netlink(7), NETLINK_KOBJECT_UEVENT).
const kernelEvents = 1

func listen() (fd int, err error) {
	fd, err = unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_KOBJECT_UEVENT)
	if err != nil {
		return -1, err
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 1<<20)
	return fd, unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: kernelEvents})
}

// hearer is told of devices.
type hearer interface {
	take(*event)
	all() // looks at those that are there
}

// follow tells h of the devices that are there, and of each that comes or goes. It ends the
// process where it can hear no more: the next one looks at them all.
func follow(h hearer) {
	fd, err := listen()
	if err == nil {
		h.all() // what came before it listened
		err = hear(fd, h)
	}
	complain("no uevents: " + err.Error() + "; devices that come are not seen")
	os.Exit(1)
}

// hear reads events. Where some were lost, all devices are looked at.
func hear(fd int, h hearer) error {
	var b [maxEvent]byte
	for {
		n, from, err := unix.Recvfrom(fd, b[:], 0)
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.ENOBUFS:
			h.all()
			continue
		case err != nil:
			return err
		}
		if sender, is := from.(*unix.SockaddrNetlink); !is || sender.Pid != 0 { // another process
			continue
		}
		if e, ok := parse(b[:n]); ok {
			h.take(&e)
		}
	}
}
