package lan

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// TapPort is a TAP device (NewTap) as what Attach takes: a node that is a network namespace of
// this machine is on the LAN by it.
type TapPort struct {
	dev    *os.File
	frame  [4 + maxFrame]byte // the last one read, with its length in front
	left   []byte             // of it
	paused atomic.Bool
}

// NewTapPort gives the port of a device; Close closes the device.
func NewTapPort(dev *os.File) *TapPort { return &TapPort{dev: dev} }

// Read gives what the device sends, each frame with its length in front.
func (p *TapPort) Read(b []byte) (int, error) {
	for len(p.left) == 0 {
		n, err := p.dev.Read(p.frame[4:])
		if err != nil {
			return 0, err
		}
		if n >= minFrame && !p.paused.Load() {
			binary.BigEndian.PutUint32(p.frame[:], uint32(n))
			p.left = p.frame[:4+n]
		}
	}
	n := copy(b, p.left)
	p.left = p.left[n:]
	return n, nil
}

// Write gives the device one frame with its length in front. One that the kernel does not take
// (the device is down) is lost, as on a wire.
func (p *TapPort) Write(frame []byte) (int, error) {
	if !p.paused.Load() {
		p.dev.Write(frame[4:])
	}
	return len(frame), nil
}

// Pause makes the port silent: no frame comes through, either way.
func (p *TapPort) Pause(paused bool) { p.paused.Store(paused) }

// Carrier lets the namespace see that the carrier is there, or gone (TUNSETCARRIER).
func (p *TapPort) Carrier(there bool) error {
	value := 0
	if there {
		value = 1
	}
	raw, err := p.dev.SyscallConn()
	if err != nil {
		return err
	}
	failed := raw.Control(func(fd uintptr) { err = unix.IoctlSetPointerInt(int(fd), unix.TUNSETCARRIER, value) })
	if failed != nil || err != nil {
		return fmt.Errorf("carrier of %s: %w", p.dev.Name(), cmp.Or(failed, err))
	}
	return nil
}

// Close closes the device.
func (p *TapPort) Close() error { return p.dev.Close() }
