package boot

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mapped is a device of dm-mod.create= (kernel Documentation/admin-guide/device-mapper/dm-init.rst):
// one that the device mapper makes of others, as dm-verity does.
type mapped struct {
	name, uuid string
	minor      int // of /dev/dm-N; -1: any
	readOnly   bool
	targets    []mapTarget
}

// mapTarget is a part of it; start and length are in sectors of 512 bytes.
type mapTarget struct {
	start, length uint64
	kind, params  string
}

// parseMapped reads the value of dm-mod.create=:
// "NAME,UUID,MINOR,FLAGS,START LENGTH TYPE PARAMS[,…][;…]".
func parseMapped(text string) (list []mapped, err error) {
	for _, one := range strings.Split(text, ";") {
		f := strings.Split(one, ",")
		if len(f) < 5 || f[0] == "" || len(f[0]) > 127 || len(f[1]) > 128 || f[3] != "ro" && f[3] != "rw" {
			return nil, fmt.Errorf("%q is no device; want NAME,UUID,MINOR,ro,TABLE", one)
		}
		m := mapped{name: f[0], uuid: f[1], minor: -1, readOnly: f[3] == "ro"}
		if f[2] != "" {
			n, err := strconv.ParseUint(f[2], 10, 20)
			if err != nil {
				return nil, fmt.Errorf("%q is no minor number", f[2])
			}
			m.minor = int(n)
		}
		for _, row := range f[4:] {
			w := strings.SplitN(strings.TrimSpace(row), " ", 4)
			if len(w) < 3 || len(w[2]) > 15 {
				return nil, fmt.Errorf("%q is no line of a table; want START LENGTH TYPE PARAMS", row)
			}
			t := mapTarget{kind: w[2], params: strings.Join(w[3:], "")}
			var errs [2]error
			t.start, errs[0] = strconv.ParseUint(w[0], 10, 64)
			t.length, errs[1] = strconv.ParseUint(w[1], 10, 64)
			if errs != [2]error{} {
				return nil, fmt.Errorf("%q: %s %s are no sectors", row, w[0], w[1])
			}
			m.targets = append(m.targets, t)
		}
		list = append(list, m)
	}
	return list, nil
}

// mapDevices makes the devices of dm-mod.create=, as a kernel does by itself that has
// CONFIG_DM_INIT: those that are there already are left alone. What they are made of may be
// named as root= names devices, and is waited for, for limit at most.
func mapDevices(text string, limit time.Duration, interrupted func() bool) error {
	list, err := parseMapped(text)
	if err != nil {
		return err
	}
	control, err := unix.Open("/dev/mapper/control", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open /dev/mapper/control: %w; "+
			"want dm_mod, and the modules of its targets such as dm_verity, in kernel.modules", err)
	}
	defer unix.Close(control)
	for i := range list {
		m := &list[i]
		for j := range m.targets {
			if err := m.targets[j].resolve(limit, interrupted); err != nil {
				return err
			}
		}
		if err := m.make(control); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	return nil
}

// resolve has the nodes of devices in the place of their names.
func (t *mapTarget) resolve(limit time.Duration, interrupted func() bool) error {
	words := strings.Split(t.params, " ")
	for i, word := range words {
		if !strings.ContainsAny(word, "=:/") || knownForm(word) != nil {
			continue
		}
		node, err := waitDevice(word, limit, interrupted)
		if err != nil {
			return err
		}
		words[i] = node
	}
	t.params = strings.Join(words, " ")
	return nil
}

// mapHeader is struct dm_ioctl (linux/dm-ioctl.h), mapSpec struct dm_target_spec, which a
// target's parameters follow.
type mapHeader struct {
	version              [3]uint32
	size, start          uint32
	targets              uint32
	open                 int32
	flags, event, unused uint32
	dev                  uint64
	name                 [128]byte
	uuid                 [129]byte
	_                    [7]byte
}

type mapSpec struct {
	Start, Length uint64
	Status        int32
	Next          uint32
	Kind          [16]byte
}

// The requests, of which each has the header, and two flags.
const (
	dmCreate  = 0xc138fd03
	dmRemove  = 0xc138fd04
	dmSuspend = 0xc138fd06 // or resume
	dmStatus  = 0xc138fd07
	dmLoad    = 0xc138fd09

	dmReadOnly   = 1 << 0
	dmPersistent = 1 << 3 // the minor number is that of dev
)

// make makes the device; one of that name is left alone.
func (m *mapped) make(control int) error {
	var flags uint32
	var dev uint64
	if m.minor >= 0 {
		flags, dev = dmPersistent, uint64(m.minor)&0xff|uint64(m.minor)>>8<<20
	}
	if m.ask(control, dmStatus, 0, 0, nil) == nil { // by the kernel, or an attempt before
		return nil
	}
	if err := m.ask(control, dmCreate, flags, dev, nil); err != nil {
		return fmt.Errorf("create: %w", err)
	}
	flags = 0
	if m.readOnly {
		flags = dmReadOnly
	}
	err := m.ask(control, dmLoad, flags, 0, m.table())
	if err == nil {
		err = m.ask(control, dmSuspend, 0, 0, nil)
	}
	if err != nil {
		m.ask(control, dmRemove, 0, 0, nil)
		return fmt.Errorf("load its table: %w (the kernel's log has more; want the modules of its targets in kernel.modules)", err)
	}
	return nil
}

func (m *mapped) table() []byte {
	var b bytes.Buffer
	for _, t := range m.targets {
		size := (40 + len(t.params) + 1 + 7) &^ 7
		spec := mapSpec{Start: t.start, Length: t.length, Next: uint32(size)}
		copy(spec.Kind[:], t.kind)
		binary.Write(&b, binary.NativeEndian, &spec)
		b.WriteString(t.params)
		b.Write(make([]byte, size-40-len(t.params)))
	}
	return b.Bytes()
}

// ask makes a request, with data behind the header.
func (m *mapped) ask(control int, request uintptr, flags uint32, dev uint64, data []byte) error {
	const size = unsafe.Sizeof(mapHeader{})
	buf := make([]uint64, (int(size)+len(data)+7)/8) // aligned
	h := (*mapHeader)(unsafe.Pointer(&buf[0]))
	h.version, h.size, h.start = [3]uint32{4}, uint32(len(buf)*8), uint32(size)
	h.flags, h.dev, h.targets = flags, dev, 0
	copy(h.name[:], m.name)
	if request == dmCreate {
		copy(h.uuid[:], m.uuid)
	}
	if data != nil {
		h.targets = uint32(len(m.targets))
		copy(unsafe.Slice((*byte)(unsafe.Pointer(&buf[0])), len(buf)*8)[size:], data)
	}
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(control), request, uintptr(unsafe.Pointer(h))); errno != 0 {
		return errno
	}
	return nil
}
