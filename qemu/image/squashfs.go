package image

import (
	"debug/elf"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/beaminit/beaminit/qemu/arch"
)

// rootfs is what the read-only root of all nodes is made from.
type rootfs struct {
	Arch arch.Arch
	Sys  string // where the libraries and the Erlang for it are; empty: on this machine

	Init    string // the beaminit binary
	Release string // a release directory, copied to /srv/erlang
	Config  []byte // /etc/beaminit.toml

	Kernel   Kernel
	Drivers  []string // modules of it
	Modprobe string   // /etc/modprobe.d/image.conf; empty: there is none
}

// The root has these directories even where nothing is in them: they are mounted on.
var emptyDirs = []string{"data", "dev", "mnt", "proc", "root", "run", "sys", "tmp"}

var etc = map[string]string{
	"hosts":       "", // the real one is made by beaminit and shown over this
	"resolv.conf": "",
	"passwd": "root:x:0:0:root:/root:/nonexistent\n" +
		"nobody:x:65534:65534:nobody:/nonexistent:/nonexistent\n" +
		"app:x:1000:1000:app:/nonexistent:/nonexistent\n",
	"group": "root:x:0:\nnogroup:x:65534:\napp:x:1000:\n",
}

// lay lays out the tree of the root in dir, each time, which is quick, and gives a digest of kind and
// everything in it.
func (r rootfs) lay(dir, kind string) (sum string, err error) {
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	if err := r.stage(dir); err != nil {
		return "", err
	}
	if err := check(dir, r.Arch); err != nil {
		return "", err
	}
	d := newDigest()
	d.text(kind)
	d.tree(dir)
	if sum, err = d.sum(); err != nil {
		return "", fmt.Errorf("read what the root is made of: %w", err)
	}
	return sum, nil
}

// squashfs makes the image out of r.
func (r rootfs) squashfs(out string, say func(string)) error {
	stage := out + ".root"
	defer os.RemoveAll(stage)
	sum, err := r.lay(stage, "squashfs 2") // to be counted up when the options below change
	if err != nil {
		return err
	}
	return makeOnce(out, sum, "building the read-only image of all nodes (mksquashfs)", say, func(tmp string) error {
		// lz4 is unpacked quickest (docs/small-boards.md), and made at once.
		return run("mksquashfs", stage, tmp, "-noappend", "-quiet", "-no-progress",
			"-comp", "lz4", "-b", "128K",
			"-all-root", "-all-time", "0", "-mkfs-time", "0", "-no-xattrs", "-no-exports")
	})
}

// stage lays out the tree of the root in dir.
func (r rootfs) stage(dir string) error {
	for _, d := range emptyDirs {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return err
		}
	}
	if err := copyFile(r.Init, filepath.Join(dir, "sbin/init")); err != nil {
		return err
	}
	for _, name := range []string{"beaminit", "halt", "poweroff", "reboot"} {
		if err := os.Symlink("init", filepath.Join(dir, "sbin", name)); err != nil {
			return err
		}
	}
	srv := filepath.Join(dir, "srv/erlang")
	if err := r.release(srv); err != nil {
		return err
	}
	if r.beats(srv) {
		if err := os.MkdirAll(filepath.Join(dir, "bin"), 0o755); err != nil {
			return err
		}
		if err := os.Symlink(heartShell, filepath.Join(dir, "bin/sh")); err != nil {
			return err
		}
	}
	// Asked of the copy: a program that was left out needs no library.
	if err := addLibraries(dir, srv, r.Sys); err != nil {
		return err
	}
	if err := r.drivers(dir); err != nil {
		return err
	}
	files := map[string]string{"beaminit.toml": string(r.Config)}
	for name, text := range etc {
		files[name] = text
	}
	if err := os.MkdirAll(filepath.Join(dir, "etc"), 0o755); err != nil {
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, "etc", name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// drivers puts the modules of the image in place.
func (r rootfs) drivers(dir string) error {
	files := []entry{{"etc/modprobe.d/image.conf", 0o644, []byte(r.Modprobe)}}
	if len(r.Drivers) > 0 {
		list, err := modules(os.DirFS(r.Kernel.Modules), r.Kernel.Version, r.Drivers)
		if err != nil {
			return err
		}
		tables, err := aliases(os.DirFS(r.Kernel.Modules), r.Kernel.Version)
		if err != nil {
			return err
		}
		files = slices.Concat(files, list, tables)
	}
	for _, f := range files {
		if len(f.data) == 0 {
			continue
		}
		name := filepath.Join(dir, f.name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, f.data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// heartShell is where /bin/sh leads in an image whose release has a heart: ERTS starts
// that by a shell, and the init understands this one call.
const heartShell = "../sbin/init"

var heartFlag = regexp.MustCompile(`(?m)^\s*-heart\s*$`)

// beats tells whether the release in srv has -heart, or the configuration wants one.
func (r rootfs) beats(srv string) bool {
	files, _ := filepath.Glob(filepath.Join(srv, "releases/*/vm.args*"))
	for _, file := range files {
		if data, err := os.ReadFile(file); err == nil && heartFlag.Match(data) {
			return true
		}
	}
	return regexp.MustCompile(`(?m)^\s*criterion\s*=\s*"heart"`).Match(r.Config)
}

// check walks over a root and refuses it if a shell or epmd is in it, or if its
// init is not a static program for its processor: there is nothing that could interpret it.
func check(dir string, a arch.Arch) error {
	init, err := elf.Open(filepath.Join(dir, "sbin/init"))
	if err != nil {
		return fmt.Errorf("/sbin/init: %w", err)
	}
	defer init.Close()
	if interp, err := interpreter(init); err != nil || interp != "" {
		return asInput(fmt.Errorf("/sbin/init is not static (interpreter %q): build it with CGO_ENABLED=0 and without -buildmode=pie", interp))
	}
	if init.Machine != a.Machine {
		return fmt.Errorf("/sbin/init is for %s, and the node is %s: build it with GOARCH=%s", arch.ByMachine(init.Machine), a.Name, a.Name)
	}
	return filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() || !slices.Contains(refused, e.Name()) {
			return nil
		}
		if to, _ := os.Readlink(name); to == heartShell && name == filepath.Join(dir, "bin/sh") {
			return nil
		}
		st, err := e.Info()
		if err == nil && st.Mode()&0o111 != 0 { // a link has all bits, and is refused too
			err = fmt.Errorf("/%s has no place in the image: a node has no shell and no epmd", strings.TrimPrefix(name, dir+"/"))
		}
		return err
	})
}

// Size is the size of a file, or of the files below a directory, for people: 21.4 MB, in millions of bytes.
func Size(file string) string {
	st, err := os.Stat(file)
	if err != nil {
		return "?"
	}
	size := st.Size()
	if st.IsDir() {
		size = bytesBelow(file)
	}
	return strconv.FormatFloat(float64(size)/1e6, 'f', 1, 64) + " MB"
}
