package image

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/beaminit/beaminit/qemu/arch"
)

// foreignErlang is what a node of another processor than this machine's has of Debian: ERTS, and
// those applications of OTP that have libraries of their own.
var foreignErlang = []string{"erlang-base", "erlang-asn1", "erlang-crypto", "erlang-os-mon", "erlang-runtime-tools"}

// sysroot gives the directory with Debian's Erlang for the processor, and what it is linked with;
// empty: this machine has it.
func sysroot(a arch.Arch, dir string, say func(string)) (string, error) {
	if a.Name == runtime.GOARCH {
		return "", nil
	}
	return debian(a, filepath.Join(dir, "debian-"+a.Debian), foreignErlang, say)
}

// kernelOf is the kernel named, or Debian's for the processor.
func kernelOf(file string, a arch.Arch, dir string, say func(string)) (Kernel, error) {
	if file != "" || a.Name == runtime.GOARCH {
		return FindKernel(file)
	}
	root, err := debian(a, filepath.Join(dir, "debian-"+a.Debian+"-kernel"), []string{a.Kernel}, say)
	if err != nil {
		return Kernel{}, err
	}
	found, _ := filepath.Glob(filepath.Join(root, "boot/vmlinuz-*"))
	if len(found) == 0 {
		return Kernel{}, fmt.Errorf("no kernel in %s/boot, where %s has been unpacked", root, a.Kernel)
	}
	return FindKernel(slices.MaxFunc(found, compareVersions))
}

// debian unpacks packages of another processor into out, with all that they depend on. They are
// from where apt(8) has this machine's, and nothing is installed.
func debian(a arch.Arch, out string, packages []string, say func(string)) (string, error) {
	for _, t := range []struct{ program, pkg string }{{"apt-get", "apt"}, {"dpkg", "dpkg"}, {tool("depmod"), "kmod"}} {
		if _, err := exec.LookPath(t.program); err != nil {
			return "", fmt.Errorf("%s is not on this machine: what nodes of %s boot is made of Debian's packages, on Debian (%s)",
				t.program, a.Name, t.pkg)
		}
	}
	d := newDigest()
	for _, p := range packages {
		d.text(p)
	}
	sum, err := d.sum()
	if err != nil {
		return "", err
	}
	out, err = filepath.Abs(out)
	if err != nil {
		return "", err
	}
	doing := fmt.Sprintf("fetching %s for %s from Debian, once", packages[0], a.Name)
	return out, makeOnce(out, sum, doing, say, func(tmp string) error {
		work := tmp + ".apt"
		defer os.RemoveAll(work)
		if err := download(a, work, packages); err != nil {
			return err
		}
		return unpackDebs(filepath.Join(work, "cache/archives"), tmp)
	})
}

// download has apt-get fetch packages for a machine with nothing installed (apt.conf(5)).
func download(a arch.Arch, work string, packages []string) error {
	if err := os.RemoveAll(work); err != nil {
		return err
	}
	for _, dir := range []string{"lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(work, dir), 0o755); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(work, "status"), nil, 0o644); err != nil {
		return err
	}
	options := []string{"-qq"}
	for _, o := range []string{
		"APT::Architecture=" + a.Debian, "APT::Architectures=" + a.Debian, "APT::Sandbox::User=root",
		"Acquire::Languages=none", "Acquire::Retries=3",
		"Dir::State::Lists=" + work + "/lists", "Dir::State::status=" + work + "/status", "Dir::Cache=" + work + "/cache",
	} {
		options = append(options, "-o", o)
	}
	// A mirror that fails for one of the lists may have the packages in another.
	updated := run("apt-get", append(slices.Clone(options), "update")...)
	install := append(options, "install", "-y", "--download-only", "--no-install-recommends")
	if err := run("apt-get", append(install, packages...)...); err != nil {
		return errors.Join(updated, err)
	}
	return nil
}

// unpackDebs unpacks all packages in dir into root, leaves away what no node has, and makes the
// list of each kernel's modules, as installing it would.
func unpackDebs(dir, root string) error {
	debs, _ := filepath.Glob(filepath.Join(dir, "*.deb"))
	if len(debs) == 0 {
		return errors.New("apt-get has fetched nothing")
	}
	for _, deb := range debs {
		if err := run("dpkg", "-x", deb, root); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(filepath.Join(root, "usr/share")); err != nil {
		return err
	}
	for _, link := range []string{"lib", "lib64"} { // as base-files has them
		name := filepath.Join(root, link)
		if _, err := os.Lstat(name); err == nil {
			continue
		}
		if err := os.Symlink("usr/"+link, name); err != nil {
			return err
		}
	}
	found, _ := filepath.Glob(filepath.Join(root, "lib/modules/*"))
	for _, modules := range found {
		if err := run(tool("depmod"), "-b", root, filepath.Base(modules)); err != nil {
			return err
		}
	}
	return nil
}
