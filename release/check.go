package release

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// Check looks at what would make a start fail later on. It reads more than the
// boot can spend, so it is for beaminit plan and check. hostname is that of the
// node.
func (r *Release) Check(fsys FS, hostname string) []error {
	var errs []error
	told := ""
	for _, name := range [...]string{"erlexec", "beam.smp", "erl_child_setup"} {
		path := r.ERTSDir + "/bin/" + name
		interp, err := interpreter(fsys, path)
		if err == nil && interp != "" && interp != told {
			if _, missing := fsys.Mode(interp); missing != nil {
				told = interp
				err = fmt.Errorf("needs the interpreter %s: %w; want the C library in the image that the ERTS was built with", interp, missing)
			}
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", path, err))
		}
	}
	if _, err := fsys.Mode(r.ERTSDir + "/bin/inet_gethost"); err != nil && strings.IndexByte(hostname, '.') < 0 {
		errs = append(errs, fmt.Errorf("%s/bin/inet_gethost: %w; the VM halts without it where the host name has no domain; want it, or node.hostname with a domain", r.ERTSDir, err))
	}
	if !isDir(fsys, r.Root+"/lib") {
		errs = append(errs, errors.New(r.Root+"/lib: no such directory; want the applications of the release there"))
	}
	return errs
}

// interpreter is the PT_INTERP of an ELF file (elf(5)), "" for a static one. It
// looks at the first 64 KiB, where every linker puts the program headers and it.
func interpreter(fsys FS, path string) (string, error) {
	b, err := fsys.Read(path, 64<<10)
	if err != nil {
		return "", err
	}
	if len(b) < 52 || string(b[:4]) != "\x7fELF" || b[4] != 1 && b[4] != 2 || b[5] != 1 && b[5] != 2 {
		return "", fmt.Errorf("not an ELF program: %w", unix.ENOEXEC)
	}
	e := elf{b, b[5] == 2}
	wide := b[4] == 2
	phoff, size, count := e.num(28, 4), e.num(42, 2), e.num(44, 2)
	at, length, word := uint64(4), uint64(16), 4 // where p_offset and p_filesz are in a program header
	if wide {
		phoff, size, count = e.num(32, 8), e.num(54, 2), e.num(56, 2)
		at, length, word = 8, 32, 8
	}
	const ptInterp = 3
	for i := uint64(0); i < count; i++ {
		header := phoff + i*size
		if e.num(header, 4) != ptInterp {
			continue
		}
		start, n := e.num(header+at, word), e.num(header+length, word)
		if start > uint64(len(b)) || n > uint64(len(b))-start {
			break
		}
		text, _, _ := bytes.Cut(b[start:start+n], []byte{0})
		return string(text), nil
	}
	return "", nil
}

// elf reads numbers of either byte order; outside of the bytes there are zeros.
type elf struct {
	bytes []byte
	big   bool
}

func (e elf) num(at uint64, size int) (v uint64) {
	if at > uint64(len(e.bytes)) || uint64(size) > uint64(len(e.bytes))-at {
		return 0
	}
	for i := 0; i < size; i++ {
		shift := 8 * i
		if e.big {
			shift = 8 * (size - 1 - i)
		}
		v |= uint64(e.bytes[at+uint64(i)]) << shift
	}
	return v
}
