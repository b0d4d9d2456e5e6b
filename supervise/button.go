package supervise

import (
	"encoding/binary"
	"strings"
	"unsafe"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/health"
	"golang.org/x/sys/unix"
)

// What the kernel says of a key (linux/input-event-codes.h, linux/input.h).
const (
	evKey     = 0x01
	keyPower  = 116
	keyBytes  = 0x2ff/8 + 1
	readKeys  = 2<<30 | keyBytes<<16 | 'E'<<8 | (0x20 + evKey) // EVIOCGBIT(EV_KEY, keyBytes)
	eventSize = 2*unsafe.Sizeof(uintptr(0)) + 8                // struct input_event: the time, type, code, value
)

// watchButton makes a press of the power button what its signal would be: an ACPI or
// GPIO button is an input device (kernel Documentation/input/input.rst). It needs
// CONFIG_INPUT_EVDEV, and CONFIG_ACPI_BUTTON or CONFIG_KEYBOARD_GPIO, or their modules in
// kernel.modules; devices that come later than the release are not seen.
func (l *Loop) watchButton() {
	var sig unix.Signal
	switch l.Down.Button {
	case config.PowerOff:
		sig = unix.SIGUSR2
	case config.Halt:
		sig = unix.SIGUSR1
	case config.Reboot:
		sig = unix.SIGTERM
	default:
		return
	}
	go func() {
		defer l.guard()
		buttons := powerButtons("/dev/input") // to open one may wake a bus up
		for len(buttons) > 0 {
			if _, err := unix.Poll(buttons, -1); err != nil && err != unix.EINTR {
				return
			}
			for i := len(buttons) - 1; i >= 0; i-- {
				if buttons[i].Revents == 0 {
					continue
				}
				pressed, gone := readButton(int(buttons[i].Fd))
				if gone {
					unix.Close(int(buttons[i].Fd))
					buttons = append(buttons[:i], buttons[i+1:]...)
				}
				if pressed {
					l.Console.Say(health.Notice, "the power button was pressed")
					unix.Kill(unix.Getpid(), sig)
				}
			}
		}
	}()
}

// powerButtons opens the devices that have such a key.
func powerButtons(dir string) (found []unix.PollFd) {
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	var room [4096]byte
	n, _ := unix.ReadDirent(fd, room[:]) // more devices than fit no board has
	_, _, names := unix.ParseDirent(room[:max(n, 0)], -1, nil)
	for _, name := range names {
		if !strings.HasPrefix(name, "event") {
			continue
		}
		fd, err := unix.Open(dir+"/"+name, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		if err != nil {
			continue
		}
		var keys [keyBytes]byte
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), readKeys, uintptr(unsafe.Pointer(&keys)))
		if errno != 0 || keys[keyPower/8]&(1<<(keyPower%8)) == 0 {
			unix.Close(fd)
			continue
		}
		found = append(found, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	}
	return found
}

// readButton takes what has happened; gone says that the device has.
func readButton(fd int) (pressed, gone bool) {
	var room [16 * eventSize]byte
	n, err := unix.Read(fd, room[:])
	if err == unix.EAGAIN || err == unix.EINTR {
		return false, false
	}
	if err != nil || n <= 0 {
		return false, true
	}
	return powerPressed(room[:n]), false
}

// powerPressed looks for the press (value 1; 0 is the release, 2 a repetition).
func powerPressed(events []byte) bool {
	for ; len(events) >= int(eventSize); events = events[eventSize:] {
		e := events[eventSize-8:]
		kind, code, value := binary.NativeEndian.Uint16(e), binary.NativeEndian.Uint16(e[2:]), binary.NativeEndian.Uint32(e[4:])
		if kind == evKey && code == keyPower && value == 1 {
			return true
		}
	}
	return false
}
