package lan

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// Tap makes the TAP device name in the network namespace of the calling thread,
// gives it the address (with its prefix length in bits), sets it up, and bridges it to
// conn, a port of a switch. So an ordinary program of that namespace is on the LAN. It
// needs CAP_NET_ADMIN there. The device goes when what is returned is closed, or conn
// ends.
//
// Call it with the thread locked where the namespace is not that of the process.
func Tap(conn net.Conn, name string, address [4]byte, bits int) (io.Closer, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open /dev/net/tun: %w", err)
	}
	ifr, err := unix.NewIfreq(name)
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("tap %s: %w", name, err)
	}
	ifr.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, ifr); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("make tap %s: %w", name, err)
	}
	if err := configure(name, address, bits); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("set up tap %s: %w", name, err)
	}
	dev := os.NewFile(uintptr(fd), "/dev/net/tun "+name)
	go toDevice(dev, conn)
	go fromDevice(dev, conn)
	return closers{dev, conn}, nil
}

type closers []io.Closer

func (c closers) Close() error {
	var errs []error
	for _, one := range c {
		if err := one.Close(); !errors.Is(err, os.ErrClosed) && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func toDevice(dev *os.File, conn net.Conn) {
	defer dev.Close()
	r := bufio.NewReaderSize(conn, 64<<10)
	for {
		frame, err := readFrame(r)
		if err != nil {
			return
		}
		// A frame that the kernel refuses (the device is down) is lost, as on a wire.
		if _, err := dev.Write(frame[4:]); errors.Is(err, os.ErrClosed) {
			return
		}
	}
}

func fromDevice(dev *os.File, conn net.Conn) {
	defer conn.Close()
	buf := make([]byte, 4+maxFrame)
	for {
		n, err := dev.Read(buf[4:])
		if err != nil {
			return
		}
		if n < minFrame {
			continue
		}
		binary.BigEndian.PutUint32(buf, uint32(n))
		if _, err := conn.Write(buf[:4+n]); err != nil {
			return
		}
	}
}

// configure sets the address and brings a link up, by the ioctls of netdevice(7).
func configure(name string, address [4]byte, bits int) error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	var mask [4]byte
	binary.BigEndian.PutUint32(mask[:], ^uint32(0)<<(32-bits))
	for _, set := range []struct {
		req  uint
		addr [4]byte
	}{{unix.SIOCSIFADDR, address}, {unix.SIOCSIFNETMASK, mask}} {
		ifr, err := unix.NewIfreq(name)
		if err != nil {
			return err
		}
		if err := ifr.SetInet4Addr(set.addr[:]); err != nil {
			return err
		}
		if err := unix.IoctlIfreq(s, set.req, ifr); err != nil {
			return err
		}
	}
	ifr, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	ifr.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, ifr)
}
