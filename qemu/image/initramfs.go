package image

import (
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/beaminit/beaminit/qemu/arch"
)

// Modules are the kernel modules that a node of the lab needs; one that is built
// into the kernel costs nothing.
var Modules = []string{"virtio_pci", "virtio_blk", "virtio_net", "squashfs", "ext4", "tcp_diag"}

// wanted are Modules, and those of more that the kernel of lib has.
func wanted(lib fs.FS, version string, more []string) []string {
	list := slices.Clone(Modules)
	for _, name := range more {
		if _, err := modules(lib, version, []string{name}); err == nil {
			list = append(list, name)
		}
	}
	return list
}

// initramfs makes the archive that the kernel starts: the init, the modules, and
// a configuration that names them.
func initramfs(out string, s Spec, k Kernel, say func(string)) error {
	data, err := os.ReadFile(s.Init)
	if err != nil {
		return err
	}
	list := []entry{
		{"dev", os.ModeDir | 0o755, nil},
		{"init", 0o755, data},
		{"mnt", os.ModeDir | 0o755, nil},
		{"proc", os.ModeDir | 0o755, nil},
		{"root", os.ModeDir | 0o755, nil},
		{"run", os.ModeDir | 0o755, nil},
		{"sys", os.ModeDir | 0o755, nil},
		{"tmp", os.ModeDir | 0o755, nil},
	}
	config := "# The initramfs of the lab: modules, and nothing else.\n"
	if k.Modules != "" {
		a := arch.Of(s.Arch)
		names := append(wanted(os.DirFS(k.Modules), k.Version, slices.Concat(a.Button, a.Modules)), s.Modules...)
		mods, err := modules(os.DirFS(k.Modules), k.Version, names)
		if err != nil {
			return err
		}
		list = append(list, mods...)
		builtin, err := os.ReadFile(k.Modules + "/modules.builtin")
		if err != nil {
			return err
		}
		if s.Autoload {
			tables, err := aliases(os.DirFS(k.Modules), k.Version)
			if err != nil {
				return err
			}
			list = append(list, tables...)
			config += "[kernel]\nautoload = true\nmodules = [\"tcp_diag\"]\n" // which is no device's
		} else {
			config += fmt.Sprintf("[kernel]\nmodules = [%s]\n", quoted(notBuiltIn(names, string(builtin))))
		}
	}
	list = append(list, entry{"etc/beaminit.toml", 0o644, []byte(config)})

	sum, err := digestOf(list)
	if err != nil {
		return err
	}
	return makeOnce(out, sum, "building the initramfs for kernel "+k.Version, say, func(tmp string) error {
		f, err := os.Create(tmp)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := writeCPIO(f, list); err != nil {
			return err
		}
		return f.Close()
	})
}

func digestOf(list []entry) (string, error) {
	d := newDigest()
	for _, e := range list {
		d.text(e.name)
		d.text(e.mode.String())
		d.text(string(e.data))
	}
	return d.sum()
}

func notBuiltIn(names []string, builtin string) []string {
	var out []string
	in := strings.Fields(builtin)
	for _, name := range names {
		if !slices.ContainsFunc(in, func(f string) bool { return moduleName(f) == name }) {
			out = append(out, name)
		}
	}
	return out
}

// quoted is a list of strings as the inside of a TOML array.
func quoted(list []string) string {
	var b strings.Builder
	for i, s := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q", s)
	}
	return b.String()
}
