package image

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Spec says what to build.
type Spec struct {
	Dir     string // where it is built and kept
	Init    string // the beaminit binary, linux/amd64 and static
	Release string // a release directory or tar.gz; empty: the demo
	Kernel  string // a bzImage; empty: Debian's
	Config  []byte // /etc/beaminit.toml of the image
}

// Set is what a node boots from.
type Set struct {
	Kernel    Kernel
	Initramfs string // file; empty: the kernel mounts the root by itself
	Root      string // file
	RootType  string // of its file system; empty: squashfs
}

// BuildInit builds the beaminit binary in the repository at root and gives its
// path. Go's own cache makes it quick where nothing changed.
func BuildInit(root string) (string, error) {
	out := filepath.Join(root, "build", "init")
	cmd := exec.Command("go", "build", "-trimpath", "-tags=entry", "-ldflags", "-s -w -E main.entry -checklinkname=0", "-o", out, "./cmd/init")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOFLAGS=-buildvcs=false")
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
	kernel, err := FindKernel(s.Kernel)
	if err != nil {
		return Set{}, err
	}
	release := filepath.Join(s.Dir, "release")
	if s.Release == "" {
		err = demoRelease(release, say)
	} else {
		release, err = givenRelease(s.Release, filepath.Join(s.Dir, "unpacked"), say)
	}
	if err != nil {
		return Set{}, err
	}
	set := Set{
		Kernel:    kernel,
		Initramfs: filepath.Join(s.Dir, "initramfs.cpio"),
		Root:      filepath.Join(s.Dir, "image.squashfs"),
	}
	if err := initramfs(set.Initramfs, s.Init, kernel, say); err != nil {
		return Set{}, err
	}
	root := rootfs{Init: s.Init, Release: release, Config: s.Config}
	return set, root.squashfs(set.Root, say)
}
