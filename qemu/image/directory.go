package image

import (
	"io/fs"
	"os"
	"path/filepath"

	"github.com/beaminit/beaminit/qemu/arch"
	"golang.org/x/sys/unix"
)

// Directory makes what nodes boot from that are namespaces of this machine: its kernel is the only one, and
// their root is a directory. The fields of s that are about a kernel do not count.
func Directory(s Spec, say func(string)) (Set, error) {
	release, err := s.release(say)
	if err != nil {
		return Set{}, err
	}
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return Set{}, err
	}
	set := Set{Root: filepath.Join(s.Dir, s.name()+".root"), RootType: rootDirectory}
	set.Kernel.Version = unix.ByteSliceToString(u.Release[:])
	root := rootfs{Arch: arch.Of(s.Arch), Init: s.Init, Release: release, Config: s.Config}
	return set, root.directory(set.Root, say)
}

// rootDirectory is the type of a root that is no file system of its own.
const rootDirectory = "directory"

// directory lays out the tree of the root in out, with the same in it as the image has.
func (r rootfs) directory(out string, say func(string)) error {
	stage := out + ".stage"
	defer os.RemoveAll(stage)
	sum, err := r.lay(stage, rootDirectory)
	if err != nil {
		return err
	}
	return makeOnce(out, sum, "laying out the root of all nodes", say, func(tmp string) error { return os.Rename(stage, tmp) })
}

// DataDir makes the /data of one node with its secrets in it, files with mode 0400, as DataDisk makes a disk.
func DataDir(dir string, secrets map[string]string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, text := range secrets {
		path := filepath.Join(dir, name)
		if was, err := os.ReadFile(path); err == nil && string(was) == text {
			continue
		}
		if err := os.RemoveAll(path); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o400); err != nil {
			return err
		}
	}
	return nil
}

// bytesBelow sums the files below dir.
func bytesBelow(dir string) (sum int64) {
	filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			if info, err := e.Info(); err == nil {
				sum += info.Size()
			}
		}
		return nil
	})
	return sum
}
