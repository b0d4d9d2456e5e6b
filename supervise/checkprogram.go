package supervise

import (
	"encoding/binary"
	"errors"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// ProgramJob is the job that is CheckProgram, and programCheckLimit what it may take: less than the
// tool waits for the other PID 1.
const (
	ProgramJob        = "program"
	programCheckLimit = 5 * time.Second
)

// CheckProgram says why the kernel could not execute the program of that path in the
// place of PID 1. It matters: an execve(2) that fails late ends the process, and with
// PID 1 the node.
func CheckProgram(path string) error {
	if path == "" || path[0] != '/' {
		return errors.New("reexec " + path + ": want the path of a program, from the root on")
	}
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return errors.New(path + ": " + err.Error())
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
		return errors.New(path + ": not a file that can be executed")
	}
	var fs unix.Statfs_t
	if st.Mode&0o111 == 0 || unix.Fstatfs(fd, &fs) != nil || fs.Flags&unix.ST_NOEXEC != 0 {
		return errors.New(path + ": cannot be executed: its mode, or that of its mount (noexec), does not allow it")
	}
	var room [4 << 10]byte
	n, err := unix.Pread(fd, room[:], 0)
	if err != nil {
		return errors.New(path + ": " + err.Error())
	}
	if why := checkELF(string(room[:n]), readStart("/proc/self/exe"), uint64(st.Size)); why != "" {
		return errors.New(path + ": " + why)
	}
	return nil
}

// readStart gives the first 2 KiB of a file of the kernel's or of this program, or less where
// there is none.
func readStart(path string) string {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	defer unix.Close(fd)
	var b [2048]byte
	n, _ := unix.Read(fd, b[:])
	return string(b[:max(n, 0)])
}

// checkELF says what is wrong with the beginning of a program of that size (elf(5)):
// it has to be for the same machine as this one, linked statically, and whole.
func checkELF(head, own string, size uint64) string {
	const (
		ident, machine   = 6, 18 // class and byte order; e_machine, behind e_type
		etExec, etDyn    = 2, 3
		ptLoad, ptInterp = 1, 3
	)
	if len(head) < 64 || head[:4] != "\x7fELF" {
		return "not a program (ELF)"
	}
	if len(own) < 64 || head[:ident] != own[:ident] || head[machine:machine+2] != own[machine:machine+2] {
		return "a program for another machine (ELF machine " + strconv.Itoa(int(half(head, machine))) +
			", want " + strconv.Itoa(int(half(own, machine))) + ")"
	}
	if kind := half(head, machine-2); kind != etExec && kind != etDyn {
		return "not a program, but another kind of ELF file"
	}
	f := fields64
	if head[4] == 1 { // ELFCLASS32
		f = fields32
	}
	at, each, count := f.word(head, f.phoff), uint64(half(head, f.phentsize)), uint64(half(head, f.phentsize+2))
	if each < uint64(f.filesz+f.width) || count == 0 || at > uint64(len(head)) || at+each*count > uint64(len(head)) {
		return "a program whose parts cannot be told"
	}
	loads := 0
	for ; count > 0; at, count = at+each, count-1 {
		part := head[at:]
		switch binary.NativeEndian.Uint32([]byte(part[:4])) {
		case ptInterp:
			return "linked dynamically; want a static program"
		case ptLoad:
			loads++
			offset, length := f.word(part, f.offset), f.word(part, f.filesz)
			if offset > size || length > size-offset {
				return "cut off: it has " + strconv.FormatUint(size, 10) + " bytes and wants more"
			}
		}
	}
	if loads == 0 {
		return "a program without anything to load"
	}
	return ""
}

// layout is where the fields of an ELF file's headers are, in bytes.
type layout struct{ width, phoff, phentsize, offset, filesz int }

var (
	fields64 = layout{8, 32, 54, 8, 32}
	fields32 = layout{4, 28, 42, 4, 16}
)

func (f layout) word(s string, at int) uint64 {
	if f.width == 4 {
		return uint64(binary.NativeEndian.Uint32([]byte(s[at : at+4])))
	}
	return binary.NativeEndian.Uint64([]byte(s[at : at+8]))
}

func half(s string, at int) uint16 { return binary.NativeEndian.Uint16([]byte(s[at : at+2])) }
