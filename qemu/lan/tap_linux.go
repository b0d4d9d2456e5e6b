package lan

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Tap makes the TAP device name in the network namespace of the calling thread,
// gives it the IPv4 address, sets it up, and bridges it to
// conn, a port of a switch. So an ordinary program of that namespace is on the LAN. It
// needs CAP_NET_ADMIN there. The device goes when what is returned is closed, or conn
// ends.
//
// Call it with the thread locked where the namespace is not that of the process.
func Tap(conn net.Conn, name string, address netip.Prefix) (*Device, error) {
	if !address.Addr().Is4() {
		return nil, fmt.Errorf("tap %s: %v is no IPv4 address", name, address)
	}
	dev, err := NewTap(name)
	if err != nil {
		return nil, err
	}
	if err := configure(name, address); err != nil {
		dev.Close()
		return nil, fmt.Errorf("set up tap %s: %w", name, err)
	}
	d := &Device{dev: dev, conn: conn, gone: make(chan struct{})}
	go d.toDevice()
	go d.fromDevice()
	return d, nil
}

// NewTap makes the TAP device name (kernel Documentation/networking/tuntap.rst) in the network
// namespace of the calling thread. Each read gives one frame and each write takes one; the device
// goes with the file.
func NewTap(name string) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open /dev/net/tun: %w", err)
	}
	ifr, err := unix.NewIfreq(name)
	if err == nil {
		ifr.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, ifr)
	}
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("make tap %s: %w", name, err)
	}
	return os.NewFile(uintptr(fd), "/dev/net/tun "+name), nil
}

// Device is a TAP device and the port that it is bridged to.
type Device struct {
	dev  *os.File
	conn net.Conn
	gone chan struct{} // closed when there is no LAN any more
	last atomic.Int64  // when the device last had a frame, in nanoseconds of the Unix time
}

// A device is closed when it has been quiet for so long, and at the latest after that.
const (
	quiet    = 100 * time.Millisecond
	loudMost = 2 * time.Second
)

// Gone is closed when the LAN has ended.
func (d *Device) Gone() <-chan struct{} { return d.gone }

// Close waits until what programs sent is on the LAN: the kernel sends the end of a
// connection after the program that had it has ended.
func (d *Device) Close() error {
	begun := time.Now()
	for now := begun; now.Sub(begun) < loudMost; now = time.Now() {
		since := now.Sub(begun)
		if last := d.last.Load(); last != 0 {
			since = min(since, now.Sub(time.Unix(0, last)))
		}
		if since >= quiet {
			break
		}
		time.Sleep(quiet - since)
	}
	return closers{d.dev, d.conn}.Close()
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

func (d *Device) toDevice() {
	defer d.dev.Close()
	defer close(d.gone)
	r := bufio.NewReaderSize(d.conn, 64<<10)
	for {
		frame, err := readFrame(r)
		if err != nil {
			return
		}
		// A frame that the kernel refuses (the device is down) is lost, as on a wire.
		if _, err := d.dev.Write(frame[4:]); errors.Is(err, os.ErrClosed) {
			return
		}
	}
}

func (d *Device) fromDevice() {
	defer d.conn.Close()
	buf := make([]byte, 4+maxFrame)
	for {
		n, err := d.dev.Read(buf[4:])
		if err != nil {
			return
		}
		if n < minFrame {
			continue
		}
		d.last.Store(time.Now().UnixNano())
		binary.BigEndian.PutUint32(buf, uint32(n))
		if _, err := d.conn.Write(buf[:4+n]); err != nil {
			return
		}
	}
}

// configure sets the address and brings a link up, by the ioctls of netdevice(7).
func configure(name string, address netip.Prefix) error {
	mask := netip.PrefixFrom(netip.AddrFrom4([4]byte{255, 255, 255, 255}), address.Bits()).Masked().Addr()
	err := ioctl(name, unix.SIOCSIFADDR, func(r *unix.Ifreq) error { return r.SetInet4Addr(address.Addr().AsSlice()) })
	if err == nil {
		err = ioctl(name, unix.SIOCSIFNETMASK, func(r *unix.Ifreq) error { return r.SetInet4Addr(mask.AsSlice()) })
	}
	if err == nil {
		err = LinkUp(name)
	}
	return err
}

// LinkUp sets a link up, in the network namespace of the calling thread.
func LinkUp(name string) error {
	err := ioctl(name, unix.SIOCSIFFLAGS, func(r *unix.Ifreq) error {
		r.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
		return nil
	})
	if err != nil {
		return fmt.Errorf("set %s up: %w", name, err)
	}
	return nil
}

func ioctl(name string, request uint, set func(*unix.Ifreq) error) error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	r, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	if err := set(r); err != nil {
		return err
	}
	return unix.IoctlIfreq(s, request, r)
}
