// Package watchdog is the room of the machine's hardware watchdog (kernel
// Documentation/watchdog/watchdog-api.rst): a device that resets the machine when
// nobody has petted it for a while. When it is to be petted is not said here, but by
// the supervisor, and on the way down by a time that this may take.
package watchdog

import (
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Device is one watchdog. Its zero value is a machine without one: every method can be
// called and does nothing.
type Device struct {
	Identity string        // as the driver calls itself
	Timeout  time.Duration // from the last pet to the reset; 0: there is none

	fd     int
	device string
	magic  bool        // it can be stopped
	last   *sync.Mutex // held to pet where Cover does, and by Disarm for good
}

// Open opens the device, which starts it, and sets its timeout, in whole seconds; what
// there is to say about it is in notes. An error is one of open(2), or the device is
// no watchdog.
func Open(device string, timeout time.Duration) (d Device, notes []string, err error) {
	fd, err := unix.Open(device, unix.O_WRONLY|unix.O_CLOEXEC|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return d, nil, &os.PathError{Op: "open", Path: device, Err: err}
	}
	d = Device{fd: fd, device: device}
	if err := d.identify(); err != nil { // it is not running either
		unix.Close(fd)
		return Device{}, nil, &os.PathError{Op: "no watchdog:", Path: device, Err: err}
	}
	timeout = (timeout + time.Second - 1).Truncate(time.Second)
	setErr := unix.IoctlSetPointerInt(fd, unix.WDIOC_SETTIMEOUT, int(timeout/time.Second))
	d.readTimeout(timeout)
	if d.Timeout != timeout || setErr != nil {
		note := "the driver has " + d.Timeout.String() + " where " + timeout.String() + " was asked for"
		if setErr != nil {
			note += " (" + setErr.Error() + ")"
		}
		notes = append(notes, note)
	}
	if !d.magic {
		notes = append(notes, "it cannot be stopped (nowayout): a machine that halts is reset")
	}
	status, err := unix.IoctlGetUint32(fd, unix.WDIOC_GETBOOTSTATUS)
	if err == nil && status&unix.WDIOF_CARDRESET != 0 {
		notes = append(notes, "it was the watchdog that reset this machine: the boot before did not end in order")
	}
	d.Pet()
	return d, notes, nil
}

// Adopt takes over an open watchdog from the program that this one replaced by
// execve(2). timeout is what holds where the driver does not tell.
func Adopt(fd int, device string, timeout time.Duration) Device {
	unix.CloseOnExec(fd)
	d := Device{fd: fd, device: device}
	d.identify()
	d.readTimeout(timeout)
	d.Pet()
	return d
}

// identify asks what it is.
func (d *Device) identify() error {
	info, err := unix.IoctlGetWatchdogInfo(d.fd)
	if err != nil {
		return err
	}
	d.Identity = text(info.Identity[:])
	d.magic = info.Options&unix.WDIOF_MAGICCLOSE != 0 && !d.noWayOut()
	return nil
}

func (d *Device) readTimeout(asked time.Duration) {
	d.Timeout = asked
	if has, err := unix.IoctlGetUint32(d.fd, unix.WDIOC_GETTIMEOUT); err == nil && has != 0 {
		d.Timeout = time.Duration(has) * time.Second
	}
}

// FD is its descriptor, for Adopt; 0: there is none.
func (d *Device) FD() int { return d.fd }

// String says what it is: "i6300ESB timer on /dev/watchdog resets the machine 30s after
// the last pet".
func (d *Device) String() string {
	return d.Identity + " on " + d.device + " resets the machine " + d.Timeout.String() + " after the last pet"
}

// Pet gives the machine another Timeout.
func (d *Device) Pet() error {
	if d.Timeout == 0 {
		return nil
	}
	// Each driver takes any byte; KEEPALIVE of ioctl(2) some do not.
	if _, err := unix.Write(d.fd, []byte{0}); err != nil {
		return &os.PathError{Op: "pet", Path: d.device, Err: err}
	}
	return nil
}

// Interval is the time between two pets.
func (d *Device) Interval() time.Duration { return d.Timeout / 3 }

// Cover pets for limit and never again, whatever the caller does meanwhile: if it is
// not done by then, the machine is reset within limit and Timeout.
func (d *Device) Cover(limit time.Duration) {
	if d.Timeout == 0 || d.last != nil { // it is covered already
		return
	}
	d.Pet()
	pause, fd, last := d.Interval(), d.fd, new(sync.Mutex)
	d.last = last
	go func() {
		for left := limit; left > 0; left -= pause {
			time.Sleep(min(pause, left))
			last.Lock()
			unix.Write(fd, []byte{0})
			last.Unlock()
		}
	}()
}

// Disarm stops it, as the last thing before the machine halts or powers off: who does
// not, is reset after Timeout. It says so by the character that stands for it, and
// closes the device. A driver that is built with nowayout does not listen.
func (d *Device) Disarm() {
	if d.Timeout == 0 {
		return
	}
	if d.last != nil {
		d.last.Lock()
	}
	d.Timeout = 0
	if d.magic {
		unix.Write(d.fd, []byte{'V'})
		unix.Close(d.fd)
	}
}

// noWayOut asks the kernel whether closing is of no use (sysfs-class-watchdog).
func (d *Device) noWayOut() bool {
	name := d.device[strings.LastIndexByte(d.device, '/')+1:]
	if name == "watchdog" {
		name = "watchdog0" // the same device
	}
	fd, err := unix.Open("/sys/class/watchdog/"+name+"/nowayout", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	var b [1]byte
	n, _ := unix.Read(fd, b[:])
	return n == 1 && b[0] == '1'
}

func text(b []byte) string {
	for i := range b {
		if b[i] < ' ' || b[i] > '~' {
			b = b[:i]
			break
		}
	}
	return string(b)
}
