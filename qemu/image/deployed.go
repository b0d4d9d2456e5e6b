package image

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/beaminit/beaminit/qemu/arch"
)

// rootTypes are the kinds of root file system that the lab boots, best first: what
// their files end in, behind which .zst may stand, and the kernel's name for them.
var rootTypes = []struct{ suffix, fs string }{
	{".squashfs-zst", "squashfs"}, {".squashfs-xz", "squashfs"}, {".squashfs-lz4", "squashfs"},
	{".squashfs-lzo", "squashfs"}, {".squashfs", "squashfs"}, {".ext4", "ext4"},
}

// Deployed gives what a node boots from where BitBake built it: path is its directory
// tmp/deploy/images/MACHINE, or the file of a root file system in it. The kernel is s.Kernel, or
// where that is empty the one beside the root, as its makefile calls it (bzImage, Image). A kernel
// that brings what it needs starts the root at once; for one whose modules are on this machine
// there is an initramfs with them and s.Init. What has to be made for it is kept in s.Dir.
func Deployed(path string, s Spec, say func(string)) (Set, error) {
	a, err := arch.Find(s.Arch)
	if err != nil {
		return Set{}, err
	}
	root, fs, err := deployedRoot(path)
	if err != nil {
		return Set{}, asInput(fmt.Errorf("image: %w", err))
	}
	k, err := FindKernel(cmp.Or(s.Kernel, filepath.Join(filepath.Dir(root), a.KernelFile)))
	if err != nil {
		return Set{}, err
	}
	set := Set{Arch: a.Name, Kernel: k, Root: root, RootType: fs}
	if strings.HasSuffix(root, ".zst") {
		if set.Root, err = unzstd(root, filepath.Join(s.Dir, "image."+fs), say); err != nil {
			return Set{}, err
		}
	}
	if k.Modules != "" {
		set.Initramfs = filepath.Join(s.Dir, "initramfs.cpio")
		err = initramfs(set.Initramfs, Spec{Arch: s.Arch, Init: s.Init}, k, say)
	}
	return set, err
}

// deployedRoot finds the root file system that path means, and its type.
func deployedRoot(path string) (file, fs string, err error) {
	st, err := os.Stat(path)
	if err != nil {
		return "", "", err
	}
	if !st.IsDir() {
		if fs = rootType(path); fs == "" {
			return "", "", fmt.Errorf("%s is no root file system that the lab can boot: want squashfs or ext4", path)
		}
		return path, fs, nil
	}
	// BitBake's links, IMAGE-MACHINE.rootfs.TYPE, lead to the newest build of each image.
	links, err := filepath.Glob(filepath.Join(path, "*.rootfs.*"))
	if err != nil {
		return "", "", err
	}
	best := map[string]string{} // by the image's name
	for _, link := range links {
		st, err := os.Lstat(link)
		if err != nil || st.Mode()&os.ModeSymlink == 0 || rootType(link) == "" {
			continue
		}
		name, _, _ := strings.Cut(filepath.Base(link), ".rootfs.")
		if old, have := best[name]; !have || rank(link) < rank(old) {
			best[name] = link
		}
	}
	var names []string
	for _, link := range best {
		names, file = append(names, filepath.Base(link)), link
	}
	switch slices.Sort(names); len(names) {
	case 0:
		return "", "", fmt.Errorf("no root file system in %s: want IMAGE-MACHINE.rootfs.ext4 or .squashfs, "+
			"as bitbake leaves it in tmp/deploy/images/MACHINE", path)
	case 1:
		return file, rootType(file), nil
	}
	return "", "", errors.New(path + " has more than one image: name the file: " + strings.Join(names, " or "))
}

func rootType(file string) string {
	if r := rank(file); r < 2*len(rootTypes) {
		return rootTypes[r/2].fs
	}
	return ""
}

// rank orders root file systems; what is compressed as a whole comes after the same
// without.
func rank(file string) int {
	plain, packed := strings.CutSuffix(file, ".zst")
	for i, t := range rootTypes {
		if strings.HasSuffix(plain, t.suffix) {
			if packed {
				return 2*i + 1
			}
			return 2 * i
		}
	}
	return 2 * len(rootTypes)
}

func unzstd(file, out string, say func(string)) (string, error) {
	d := newDigest()
	d.file(file)
	sum, err := d.sum()
	if err != nil {
		return "", err
	}
	return out, makeOnce(out, sum, "unpacking "+filepath.Base(file), say, func(tmp string) error {
		return run("zstd", "-q", "-d", "-o", tmp, file)
	})
}
