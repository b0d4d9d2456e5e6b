package boot

import (
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"strings"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/internal/files"
	"golang.org/x/sys/unix"
)

// MachineIDPath is the file that programs read the machine's id from (machine-id(5)).
const (
	MachineIDPath = "/etc/machine-id"
	machineIDRun  = "/run/machine-id"
	machineIDFile = "machine-id" // in the state directory
)

// machineID reads an id: 32 digits of lower case, not all 0, and a line end perhaps.
func machineID(path string) string {
	text, err := files.ReadFile(path)
	if err != nil {
		return ""
	}
	return parseMachineID(text)
}

func parseMachineID(text []byte) string {
	if id := strings.TrimSuffix(string(text), "\n"); config.IsMachineID(id) {
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

// MakeMachineID makes an id of what tells one board from another, so that it is the same
// at each boot; a random one where nothing does. more is such a thing too, and may be
// empty.
func MakeMachineID(more string) (id, from string) {
	sum := fnv.New128a() // even and stable; no secret hangs on it
	numbered := false
	for _, path := range [...]string{"/sys/class/dmi/id/product_uuid", "/sys/firmware/devicetree/base/serial-number"} {
		if text, err := files.ReadFile(path); err == nil {
			sum.Write(text)
			numbered = numbered || tellsApart(string(text))
		}
	}
	io.WriteString(sum, more)
	if numbered || tellsApart(more) {
		return uuid(sum.Sum(nil)), "made of the board's own numbers"
	}
	var b [16]byte
	if f, err := os.Open("/dev/urandom"); err == nil { // never waits
		io.ReadFull(f, b[:])
		f.Close()
	}
	return uuid(b[:]), "random"
}

// tellsApart says that a board's number is one: a board without has all 0 or all f in it.
func tellsApart(text string) bool {
	return strings.Trim(text, " \t\n\x000fF-:") != ""
}

// uuid is 16 bytes as a UUID of version 4, as machine-id(5) has it.
func uuid(b []byte) string {
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return hex.EncodeToString(b)
}

// WriteMachineID writes the id to /run and, where present, shows it as /etc/machine-id
// by a bind mount (or through the link that /etc/machine-id is).
func WriteMachineID(id string, present bool) error {
	if err := files.WriteAtomic(machineIDRun, []byte(id+"\n"), files.How{Mode: 0o444}); err != nil {
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

// savedMachineID is the id in the state directory; empty: none is.
func savedMachineID(state *files.Dir) (string, error) {
	text, err := state.Read(machineIDFile, files.Rule{Limit: 1 << 10})
	if files.Missing(err) {
		err = nil
	}
	return parseMachineID(text), err
}

// saveMachineID keeps an id for the next boots, where there is none yet, or one that was
// cut off.
func saveMachineID(state *files.Dir, id string) error {
	if id == "" {
		return nil
	}
	saved, err := savedMachineID(state)
	if err == nil && saved == "" {
		err = state.WriteAtomic(machineIDFile, []byte(id+"\n"), files.How{Mode: 0o444, Sync: true})
	}
	if err != nil {
		return fmt.Errorf("save the machine id: %w", err)
	}
	return nil
}
