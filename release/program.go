package release

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"

	"github.com/beaminit/beaminit/internal/elf"
	"golang.org/x/sys/unix"
)

// ownMachine is the processor that this program was made for; EM_NONE: not known.
func ownMachine() uint16 {
	return map[string]uint16{
		"386": unix.EM_386, "amd64": unix.EM_X86_64, "arm": unix.EM_ARM, "arm64": unix.EM_AARCH64, "riscv64": unix.EM_RISCV,
		"ppc64": unix.EM_PPC64, "ppc64le": unix.EM_PPC64, "loong64": unix.EM_LOONGARCH,
		"mips": unix.EM_MIPS, "mipsle": unix.EM_MIPS, "mips64": unix.EM_MIPS, "mips64le": unix.EM_MIPS,
	}[runtime.GOARCH]
}

// machineName is a processor in words.
func machineName(m uint16) string {
	name := map[uint16]string{
		unix.EM_386: "x86 (32 bits)", unix.EM_X86_64: "x86-64", unix.EM_ARM: "ARM (32 bits)", unix.EM_AARCH64: "ARM (64 bits)",
		unix.EM_RISCV: "RISC-V", unix.EM_PPC64: "POWER", unix.EM_MIPS: "MIPS", unix.EM_LOONGARCH: "LoongArch",
	}[m]
	if name == "" {
		return fmt.Sprintf("another processor (e_machine %d)", m)
	}
	return name
}

// runsOn says whether the kernel for one processor may run programs for another.
func runsOn(kernel, program uint16) bool {
	switch kernel {
	case unix.EM_NONE, program:
		return true
	case unix.EM_X86_64:
		return program == unix.EM_386
	case unix.EM_AARCH64:
		return program == unix.EM_ARM
	}
	return false
}

// openProgram reads the headers of a program. The error is that of the system call where it cannot be
// read, and elf.ErrNotELF where it is something else. Close has to be called.
func openProgram(fsys FS, path string) (*elf.File, io.Closer, error) {
	f, err := fsys.Open(path)
	if err != nil {
		return nil, nil, err
	}
	p, err := elf.Read(f)
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return p, f, nil
}

// machineOf is the processor of the node that fsys is the root of. A running node
// has the one that this program runs on; an image has the one of its init.
func machineOf(fsys FS) uint16 {
	if fsys == Root("/") || fsys == Root("") {
		return ownMachine()
	}
	p, f, err := openProgram(fsys, "/sbin/init")
	if err != nil {
		return unix.EM_NONE
	}
	defer f.Close()
	return p.Machine
}

// CheckProgram says why the kernel of the node could not execute a file that is to be a program.
func CheckProgram(fsys FS, path string) error {
	mode, err := fsys.Mode(path)
	switch {
	case err != nil:
		return err
	case mode&unix.S_IFMT != unix.S_IFREG:
		return errors.New("it is no file")
	case mode&0o111 == 0:
		return unix.EACCES
	}
	head, err := fsys.Read(path, 256) // as much as the kernel looks at (BINPRM_BUF_SIZE)
	if err != nil {                   // not for who asks
		return nil
	}
	if line, script := strings.CutPrefix(string(head), "#!"); script {
		line, _, _ = strings.Cut(line, "\n")
		if words := strings.Fields(line); len(words) > 0 {
			if _, err := fsys.Mode(words[0]); err != nil {
				return fmt.Errorf("its interpreter %s: %w", words[0], err)
			}
		}
		return nil
	}
	if !strings.HasPrefix(string(head), "\x7fELF") {
		return fmt.Errorf("%w: no #! in its first line", unix.ENOEXEC)
	}
	return runs(fsys, path)
}

// runs says why the kernel of the node cannot start a program. A file that is no ELF
// it leaves to Check.
func runs(fsys FS, path string) error {
	p, f, err := openProgram(fsys, path)
	if errors.Is(err, elf.ErrNotELF) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	defer f.Close()
	if own := machineOf(fsys); !runsOn(own, p.Machine) {
		return errors.New(path + ": is for " + machineName(p.Machine) + ", the node is " + machineName(own) + "; want the release built for the node")
	}
	if interp := p.Interpreter(); interp != "" {
		if _, err := fsys.Mode(interp); err != nil {
			return fmt.Errorf("%s: needs the interpreter %s: %w; want the C library in the image that the ERTS was built with", path, interp, err)
		}
	}
	return nil
}
