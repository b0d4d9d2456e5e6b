package image

import (
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/beaminit/beaminit/qemu/arch"
)

// libraryDirs are where the dynamic linker of Debian looks when nothing else is
// said (ld.so(8)); in the image a library has the same path as on this machine, so
// no ld.so.cache is needed there.
func libraryDirs(m elf.Machine) []string {
	triplet := arch.ByMachine(m)
	if a, err := arch.Find(triplet); err == nil {
		triplet = a.Triplet
	}
	return []string{"/lib/" + triplet, "/usr/lib/" + triplet, "/lib64", "/lib", "/usr/lib64", "/usr/lib"}
}

// libraries gives the files of this machine that the ELF files under dir need in
// order to run: their interpreter and, through all levels, their DT_NEEDED. What
// is found under dir itself (a release may bring a library of its own) is not
// among them. The result is sorted. They are looked for in sys, or where that is empty on this machine.
func libraries(dir, sys string) ([]string, error) {
	c := closure{root: dir, sys: sys, found: map[string]bool{}}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		return c.file(name)
	})
	if err != nil {
		return nil, fmt.Errorf("shared libraries of %s: %w", dir, err)
	}
	return c.list, nil
}

// interpreter is what PT_INTERP of an ELF file names; empty for a static one.
func interpreter(f *elf.File) (string, error) {
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			b := make([]byte, p.Filesz)
			if _, err := p.ReadAt(b, 0); err != nil {
				return "", fmt.Errorf("PT_INTERP: %w", err)
			}
			return strings.TrimRight(string(b), "\x00"), nil
		}
	}
	return "", nil
}

type closure struct {
	root  string
	sys   string
	found map[string]bool // by path on this machine
	list  []string
}

// file adds what one file needs; a file that is no ELF file needs nothing.
func (c *closure) file(name string) error {
	f, err := elf.Open(name)
	var notELF *elf.FormatError
	switch {
	case errors.As(err, &notELF):
		return nil
	case err != nil && !isShort(name):
		return err
	case err != nil:
		return nil
	}
	defer f.Close()
	if f.Type != elf.ET_EXEC && f.Type != elf.ET_DYN {
		return nil
	}
	if interp, err := interpreter(f); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	} else if interp != "" {
		interp = c.sys + interp
		if _, err := os.Stat(interp); err != nil {
			return fmt.Errorf("%s needs the interpreter %s, which this machine does not have (was the release built elsewhere?)", name, interp)
		}
		if err := c.add(interp); err != nil {
			return err
		}
	}
	needed, err := f.ImportedLibraries()
	if err != nil {
		return fmt.Errorf("%s: DT_NEEDED: %w", name, err)
	}
	for _, lib := range needed {
		at, err := c.find(f, name, lib)
		if err != nil {
			return err
		}
		if err := c.add(at); err != nil {
			return err
		}
	}
	return nil
}

// isShort tells whether a file is too short for an ELF header: elf.Open says EOF then.
func isShort(name string) bool {
	st, err := os.Stat(name)
	return err == nil && st.Size() < 64
}

func (c *closure) add(at string) error {
	if c.found[at] || strings.HasPrefix(at, c.root+"/") {
		return nil
	}
	c.found[at] = true
	i, _ := slices.BinarySearch(c.list, at)
	c.list = slices.Insert(c.list, i, at)
	return c.file(at)
}

// find gives the path of a library in the order of ld.so(8): the RPATH or RUNPATH
// of who asks, then the linker's own directories.
func (c *closure) find(f *elf.File, asks, lib string) (string, error) {
	if strings.Contains(lib, "/") {
		return c.sys + lib, nil
	}
	var dirs []string
	for _, tag := range []elf.DynTag{elf.DT_RUNPATH, elf.DT_RPATH} {
		paths, err := f.DynString(tag)
		if err != nil {
			return "", fmt.Errorf("%s: %v: %w", asks, tag, err)
		}
		for _, p := range paths {
			for _, d := range filepath.SplitList(p) {
				here := strings.NewReplacer("$ORIGIN", filepath.Dir(asks), "${ORIGIN}", filepath.Dir(asks)).Replace(d)
				if here == d {
					here = c.sys + d
				}
				dirs = append(dirs, here)
			}
		}
	}
	for _, d := range libraryDirs(f.Machine) {
		dirs = append(dirs, c.sys+d)
	}
	for _, dir := range dirs {
		at := filepath.Join(dir, lib)
		g, err := elf.Open(at)
		if err != nil {
			continue
		}
		same := g.Machine == f.Machine && g.Class == f.Class
		g.Close()
		if same {
			return at, nil
		}
	}
	return "", fmt.Errorf("%s needs %s, which is in none of this machine's library directories", asks, lib)
}
