package namespace

import (
	"fmt"
	"net"
	"os"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/qemu/lan"
)

// makeDev fills /dev: what is there, a FIFO as the kernel log, and a pty as the second serial port.
func (i *inside) makeDev() error {
	for _, name := range []string{"null", "zero", "full", "random", "urandom", "tty"} {
		if err := i.device("/dev/"+name, name); err != nil {
			return err
		}
	}
	if err := os.Symlink("pts/ptmx", i.in("dev/ptmx")); err != nil {
		return err
	}
	log := i.in("dev/kmsg")
	if err := unix.Mkfifo(log, 0o644); err != nil {
		return fmt.Errorf("make %s: %w", log, err)
	}
	if err := i.keep(log); err != nil {
		return err
	}
	if err := i.keep("/dev/ptmx"); err != nil {
		return err
	}
	pty := int(i.files[1].Fd())
	number, err := unix.IoctlGetInt(pty, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(pty, unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		return fmt.Errorf("make a pty: %w", err)
	}
	tty := fmt.Sprintf("/dev/pts/%d", number)
	if err := i.keep(tty); err != nil {
		return err
	}
	return i.device(tty, "ttyS1")
}

// device shows a device node of this machine in the node's /dev.
func (i *inside) device(from, name string) error {
	path := i.in("dev/" + name)
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		return err
	}
	return bind(from, path, false)
}

// keep opens a file for the lab.
func (i *inside) keep(path string) error {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	i.files = append(i.files, os.NewFile(uintptr(fd), path))
	return nil
}

// makeCards makes the network cards.
func (i *inside) makeCards() error {
	for _, c := range i.Cards {
		mac, err := net.ParseMAC(c.MAC)
		if err != nil {
			return err
		}
		dev, err := lan.NewTap(c.Name)
		if err != nil {
			return err
		}
		i.files = append(i.files, dev)
		link, err := netlink.LinkByName(c.Name)
		if err == nil {
			err = netlink.LinkSetHardwareAddr(link, mac)
		}
		if err != nil {
			return fmt.Errorf("set the MAC of %s to %s: %w", c.Name, c.MAC, err)
		}
	}
	return nil
}
