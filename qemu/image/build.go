package image

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/beaminit/beaminit/qemu/arch"
)

// Spec says what to build.
type Spec struct {
	Dir     string // where it is built and kept
	Debian  string // where packages for other processors are unpacked, for all builds; empty: Dir
	Name    string // of what is kept there, so that several can be; empty: "image"
	Arch    string // processor of the nodes, as package arch has it; empty: arch.Default
	Init    string // the beaminit binary for it, static
	Release string // a release directory or tar.gz, or demo:NAME; empty: demo:eclero
	Kernel  string // a bzImage; empty: Debian's
	Config  []byte // /etc/beaminit.toml of the image

	Modules []string // further modules of the kernel, loaded by the initramfs

	// Autoload has modules loaded by what devices call themselves: those of Modules and those that a
	// node needs are in the initramfs and named nowhere, and those of Drivers are in the root.
	Autoload bool
	Drivers  []string
	Modprobe string // what /etc/modprobe.d has in the root
}

// Set is what a node boots from.
type Set struct {
	Arch      string // as in Spec
	Kernel    Kernel
	Initramfs string // file; empty: the kernel mounts the root by itself
	Root      string // file
	RootType  string // of its file system; empty: squashfs
}

// InputError is of what was named to be built from: it is not there, or not what it has to be.
type InputError struct{ error }

func (e InputError) Unwrap() error { return e.error }

// asInput makes an error that there is one of InputError.
func asInput(err error) error {
	if err == nil {
		return nil
	}
	return InputError{err}
}

// InitFile is where BuildInit puts the beaminit binary for a processor.
func InitFile(root, name string) string {
	file := filepath.Join(root, "build", "init")
	if name = arch.Of(name).Name; name != arch.Default {
		file += "-" + name
	}
	return file
}

// BuildInit builds the beaminit binary for a processor (Spec.Arch) in the repository at root and
// gives its path, as make does. Go's own cache makes it quick where nothing changed.
func BuildInit(root, name string) (string, error) {
	out, err := filepath.Abs(InitFile(root, name))
	if err != nil {
		return "", err
	}
	cmd := exec.Command("make", "-s", "-C", root, "build/init", "OUT="+out)
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+arch.Of(name).Name)
	said, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build the init: %w\n%s", err, strings.TrimSpace(string(said)))
	}
	return out, nil
}

// Build makes what is missing or no longer true of the lab's image. It tells each
// step that takes time with say.
func Build(s Spec, say func(string)) (Set, error) {
	for _, t := range []struct{ program, pkg string }{
		{"mksquashfs", "squashfs-tools"}, {tool("mkfs.ext4"), "e2fsprogs"},
	} {
		if _, err := exec.LookPath(t.program); err != nil {
			return Set{}, errors.New(t.program + " is not on this machine: install " + t.pkg)
		}
	}
	a, err := arch.Find(s.Arch)
	if err != nil {
		return Set{}, err
	}
	kernel, err := kernelOf(s.Kernel, a, cmp.Or(s.Debian, s.Dir), say)
	if err != nil {
		return Set{}, err
	}
	sys, err := sysroot(a, cmp.Or(s.Debian, s.Dir), say)
	if err != nil {
		return Set{}, err
	}
	release, err := s.release(say)
	if err != nil {
		return Set{}, err
	}
	name := s.name()
	set := Set{
		Arch:      a.Name,
		Kernel:    kernel,
		Initramfs: filepath.Join(s.Dir, name+".cpio"),
		Root:      filepath.Join(s.Dir, name+".squashfs"),
	}
	if err := initramfs(set.Initramfs, s, kernel, say); err != nil {
		return Set{}, err
	}
	root := rootfs{
		Arch: a, Sys: sys,
		Init: s.Init, Release: release, Config: s.Config,
		Kernel: kernel, Drivers: s.Drivers, Modprobe: s.Modprobe,
	}
	return set, root.squashfs(set.Root, say)
}

func (s Spec) name() string { return cmp.Or(s.Name, "image") }

// release gives the directory of the release that goes into the root.
func (s Spec) release(say func(string)) (string, error) {
	if demo, is := strings.CutPrefix(cmp.Or(s.Release, "demo:eclero"), "demo:"); is {
		return demoRelease(demo, s.Dir, say)
	}
	dir, err := givenRelease(s.Release, filepath.Join(s.Dir, "unpacked"), say)
	return dir, asInput(err)
}
