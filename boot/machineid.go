package boot

import (
	"fmt"
	"math/bits"
	"strings"

	"github.com/beaminit/beaminit/config"
	"golang.org/x/sys/unix"
)

// MachineIDPath is the file that programs read the machine's id from (machine-id(5)).
const (
	MachineIDPath = "/etc/machine-id"
	machineIDRun  = "/run/machine-id"
	machineIDFile = "/machine-id" // in the directory of what outlives a reboot
)

// machineID reads an id: 32 digits of lower case, not all 0, and a line end perhaps.
func machineID(path string) string {
	text, err := readFile(path)
	if id := strings.TrimSuffix(string(text), "\n"); err == nil && config.IsMachineID(id) {
		return id
	}
	return ""
}

// NeedMachineID says whether the image leaves its id to the boot. present says that there
// is a file, which is then empty or says "uninitialized", or a link to nowhere.
func NeedMachineID() (need, present bool) {
	if machineID(MachineIDPath) != "" {
		return false, true
	}
	var st unix.Stat_t
	return true, unix.Lstat(MachineIDPath, &st) == nil
}

// FindMachineID gives the id that this machine has: the one that was saved in dir, else
// one made of what tells one board from another, so that it is the same at each boot;
// else a random one. more is such a thing too, and may be empty.
func FindMachineID(dir, more string) (id, from string) {
	if dir != "" {
		if id := machineID(dir + machineIDFile); id != "" {
			return id, "saved in " + dir + machineIDFile
		}
	}
	h := newHash()
	for _, path := range [...]string{"/sys/class/dmi/id/product_uuid", "/sys/firmware/devicetree/base/serial-number"} {
		if text, err := readFile(path); err == nil {
			h.add(string(text))
		}
	}
	h.add(more)
	if h.none {
		var b [16]byte
		if fd, err := unix.Open("/dev/urandom", unix.O_RDONLY|unix.O_CLOEXEC, 0); err == nil { // never waits
			unix.Read(fd, b[:])
			unix.Close(fd)
		}
		return hexID(b[:]), "random"
	}
	return h.id(), "made of the board's own numbers"
}

// PlaceMachineID writes the id to /run and, where present, shows it as /etc/machine-id
// by a bind mount (or through the link that /etc/machine-id is).
func PlaceMachineID(id string, present bool) error {
	if err := WriteText(machineIDRun, unix.O_CREAT|unix.O_TRUNC, 0o444, id+"\n"); err != nil {
		return err
	}
	if !present || machineID(MachineIDPath) == id {
		return nil
	}
	err := unix.Mount(machineIDRun, MachineIDPath, "", unix.MS_BIND, "")
	if err == nil { // a bind mount takes its flags in a second step only
		err = unix.Mount("", MachineIDPath, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|closed, "")
	}
	if err != nil {
		return fmt.Errorf("bind %s on %s: %w", machineIDRun, MachineIDPath, err)
	}
	return nil
}

// SaveMachineID keeps an id in dir for the next boots, where there is none yet. It may
// hang where the device of dir does.
func SaveMachineID(dir, id string) error {
	path := dir + machineIDFile
	if id == "" || machineID(path) != "" {
		return nil
	}
	unix.Mkdir(dir, 0o700)
	unix.Unlink(path) // cut off by a power cut, or no id
	err := WriteText(path, unix.O_CREAT|unix.O_EXCL, 0o444, id+"\n")
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		return fmt.Errorf("save the machine id: %w", err)
	}
	return nil
}

// hash is FNV-1a of 128 bits (http://www.isthe.com/chongo/tech/comp/fnv/): the id is to
// be even and stable, and no secret hangs on it.
type hash struct {
	high, low uint64
	none      bool // nothing that tells boards apart was added
}

func newHash() *hash { return &hash{0x6c62272e07bb0142, 0x62b821756295c58d, true} }

// add takes a text in; one without letters and digits but 0 and f, as a board without
// a number has it, says nothing.
func (h *hash) add(text string) {
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c > ' ' && c != '0' && c != '-' && c != ':' && c|0x20 != 'f' {
			h.none = false
		}
		h.low ^= uint64(c)
		const primeHigh, primeLow = 1 << 24, 0x13b // the prime is 2^88 + 0x13b
		over, low := bits.Mul64(h.low, primeLow)
		h.high = over + h.low*primeHigh + h.high*primeLow
		h.low = low
	}
}

// id is the sum as a UUID of version 4, as machine-id(5) has it.
func (h *hash) id() string {
	var b [16]byte
	for i := range 8 {
		b[i], b[8+i] = byte(h.high>>(56-8*i)), byte(h.low>>(56-8*i))
	}
	return hexID(b[:])
}

func hexID(b []byte) string {
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	const digits = "0123456789abcdef"
	text := make([]byte, 0, 32)
	for _, c := range b {
		text = append(text, digits[c>>4], digits[c&15])
	}
	return string(text)
}
