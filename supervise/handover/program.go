package handover

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/beaminit/beaminit/internal/elf"
	"golang.org/x/sys/unix"
)

// ProgramJob is the job that is CheckProgram, and ProgramLimit what it may take: less than the
// tool waits for the other PID 1.
const (
	ProgramJob   = "program"
	ProgramLimit = 5 * time.Second
)

// CheckProgram says why the kernel could not execute the program of that path in the
// place of PID 1. It matters: an execve(2) that fails late ends the process, and with
// PID 1 the node.
func CheckProgram(path string) error {
	if path == "" || path[0] != '/' {
		return errors.New("reexec " + path + ": want the path of a program, from the root on")
	}
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
		return errors.New(path + ": not a file that can be executed")
	}
	var fs unix.Statfs_t
	if st.Mode&0o111 == 0 || unix.Fstatfs(int(f.Fd()), &fs) != nil || fs.Flags&unix.ST_NOEXEC != 0 {
		return errors.New(path + ": cannot be executed: its mode, or that of its mount (noexec), does not allow it")
	}
	program, err := elf.Read(f)
	if err != nil {
		return errors.New(path + ": " + err.Error())
	}
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		return err
	}
	defer self.Close()
	own, err := elf.Read(self)
	if err != nil {
		return err
	}
	if why := unfit(program, own, uint64(st.Size)); why != "" {
		return errors.New(path + ": " + why)
	}
	return nil
}

// unfit says why a program of that size cannot stand in for this one: it has to be for the same
// machine, linked statically, and whole.
func unfit(p, own *elf.File, size uint64) string {
	switch {
	case p.Wide != own.Wide || p.Order != own.Order || p.Machine != own.Machine:
		return fmt.Sprintf("a program for another machine (ELF machine %d, want %d)", p.Machine, own.Machine)
	case p.Type != elf.Exec && p.Type != elf.Dyn:
		return "not a program, but another kind of ELF file"
	}
	loads := 0
	for _, s := range p.Segments {
		switch s.Kind {
		case elf.Interp:
			return "linked dynamically; want a static program"
		case elf.Load:
			loads++
			if s.Offset > size || s.Size > size-s.Offset {
				return fmt.Sprintf("cut off: it has %d bytes and wants more", size)
			}
		}
	}
	if loads == 0 {
		return "a program without anything to load"
	}
	return ""
}
