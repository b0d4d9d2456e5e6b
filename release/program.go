package release

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// program is an ELF file (elf(5)): a program, or a shared library.
type program struct{ *elf.File }

// openProgram reads the headers of a program. The error is that of the system call where
// it cannot be read, and notELF where it is something else. Close has to be called.
func openProgram(fsys FS, path string) (program, io.Closer, error) {
	f, err := fsys.Open(path)
	if err != nil {
		return program{}, nil, err
	}
	e, err := elf.NewFile(f)
	if err != nil {
		f.Close()
		return program{}, nil, errNotELF
	}
	return program{e}, f, nil
}

// errNotELF is what the kernel says of it too, where it is no script.
var errNotELF = fmt.Errorf("not an ELF program: %w", unix.ENOEXEC)

// interpreter is what starts the program (PT_INTERP), "" for a static one.
func (p program) interpreter() string {
	for _, segment := range p.Progs {
		if segment.Type != elf.PT_INTERP {
			continue
		}
		path := make([]byte, min(segment.Filesz, unix.PathMax))
		n, _ := segment.ReadAt(path, 0)
		path, _, _ = bytes.Cut(path[:n], []byte{0})
		return string(path)
	}
	return ""
}

// libraries are the names of the shared libraries that the file wants (DT_NEEDED),
// and the directories in which it wants them looked for first (DT_RPATH, DT_RUNPATH).
func (p program) libraries() (names, dirs []string) {
	names, _ = p.DynString(elf.DT_NEEDED)
	for _, tag := range [...]elf.DynTag{elf.DT_RPATH, elf.DT_RUNPATH} {
		paths, _ := p.DynString(tag)
		for _, path := range paths {
			dirs = append(dirs, strings.Split(path, ":")...)
		}
	}
	return names, dirs
}

// ownMachine is the processor that this program was made for; EM_NONE: not known.
func ownMachine() elf.Machine {
	return map[string]elf.Machine{
		"386": elf.EM_386, "amd64": elf.EM_X86_64, "arm": elf.EM_ARM, "arm64": elf.EM_AARCH64, "riscv64": elf.EM_RISCV,
		"ppc64": elf.EM_PPC64, "ppc64le": elf.EM_PPC64, "loong64": elf.EM_LOONGARCH,
		"mips": elf.EM_MIPS, "mipsle": elf.EM_MIPS, "mips64": elf.EM_MIPS, "mips64le": elf.EM_MIPS,
	}[runtime.GOARCH]
}

// machineName is a processor in words.
func machineName(m elf.Machine) string {
	name := map[elf.Machine]string{
		elf.EM_386: "x86 (32 bits)", elf.EM_X86_64: "x86-64", elf.EM_ARM: "ARM (32 bits)", elf.EM_AARCH64: "ARM (64 bits)",
		elf.EM_RISCV: "RISC-V", elf.EM_PPC64: "POWER", elf.EM_MIPS: "MIPS", elf.EM_LOONGARCH: "LoongArch",
	}[m]
	if name == "" {
		return fmt.Sprintf("another processor (e_machine %d)", uint16(m))
	}
	return name
}

// runsOn says whether the kernel for one processor may run programs for another.
func runsOn(kernel, program elf.Machine) bool {
	return kernel == elf.EM_NONE || kernel == program || kernel == elf.EM_X86_64 && program == elf.EM_386 ||
		kernel == elf.EM_AARCH64 && program == elf.EM_ARM
}

// machineOf is the processor of the node that fsys is the root of. A running node
// has the one that this program runs on; an image has the one of its init.
func machineOf(fsys FS) elf.Machine {
	if fsys == Root("/") || fsys == Root("") {
		return ownMachine()
	}
	p, f, err := openProgram(fsys, "/sbin/init")
	if err != nil {
		return elf.EM_NONE
	}
	defer f.Close()
	return p.Machine
}

// runs says why the kernel of the node cannot start a program. A file that is no ELF
// it leaves to Check.
func runs(fsys FS, path string) error {
	p, f, err := openProgram(fsys, path)
	if errors.Is(err, errNotELF) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	defer f.Close()
	if own := machineOf(fsys); !runsOn(own, p.Machine) {
		return errors.New(path + ": is for " + machineName(p.Machine) + ", the node is " + machineName(own) + "; want the release built for the node")
	}
	if interp := p.interpreter(); interp != "" {
		if _, err := fsys.Mode(interp); err != nil {
			return fmt.Errorf("%s: needs the interpreter %s: %w; want the C library in the image that the ERTS was built with", path, interp, err)
		}
	}
	return nil
}
