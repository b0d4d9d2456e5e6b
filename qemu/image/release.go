package image

import (
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/beaminit/beaminit/qemu/arch"
)

// erlangRoot is the directory of this machine's Erlang, the one with erts-* in it.
func erlangRoot() (string, error) {
	bin, err := exec.LookPath("escript")
	if err != nil {
		return "", errors.New("no escript on this machine: install erlang-base")
	}
	if bin, err = filepath.EvalSymlinks(bin); err != nil {
		return "", err
	}
	for dir := filepath.Dir(bin); dir != "/"; dir = filepath.Dir(dir) {
		if erts, _ := filepath.Glob(filepath.Join(dir, "erts-*/bin/erlexec")); len(erts) > 0 {
			return dir, nil
		}
	}
	// It is the stand-in of a version manager, which starts the real one.
	out, err := exec.Command("erl", "-noinput", "-eval", "io:put_chars(code:root_dir()), halt().").Output()
	if err != nil {
		return "", fmt.Errorf("no erts-* above %s, and erl does not tell where it is: %w", bin, err)
	}
	return string(out), nil
}

// givenRelease finds the release that a user named: a directory as relx or mix
// leave it, or the tar.gz of systools, which is unpacked to dir.
func givenRelease(path, dir string, say func(string)) (string, error) {
	st, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("release: %w: build it first (rebar3 as prod release, or MIX_ENV=prod mix release)", err)
	}
	if err != nil {
		return "", fmt.Errorf("release: %w", err)
	}
	root := path
	if !st.IsDir() {
		if !strings.HasSuffix(path, ".gz") && !strings.HasSuffix(path, ".tgz") {
			return "", fmt.Errorf("release: %s is no directory and no tar.gz: %s", path, wantRelease)
		}
		d := newDigest()
		d.file(path)
		sum, err := d.sum()
		if err != nil {
			return "", fmt.Errorf("release: %w", err)
		}
		err = makeOnce(dir, sum, "unpacking "+path, say, func(tmp string) error { return unpack(path, tmp) })
		if err != nil {
			return "", err
		}
		root = dir
	}
	if st, err := os.Stat(filepath.Join(root, "releases")); err != nil || !st.IsDir() {
		err := fmt.Errorf("release: %s has no directory releases: %s", path, wantRelease)
		if near := releasesBelow(root); len(near) > 0 {
			err = fmt.Errorf("%w; there is %s", err, strings.Join(near, " and "))
		}
		return "", err
	}
	return filepath.Abs(root)
}

const wantRelease = "name the directory that has bin, lib and releases in it, such as _build/prod/rel/NAME"

// releasesBelow gives the releases in a directory of releases or in a project of
// rebar3 or mix.
func releasesBelow(dir string) (found []string) {
	for _, below := range []string{"*", "rel/*", "*/rel/*", "_build/*/rel/*"} {
		list, _ := filepath.Glob(filepath.Join(dir, below, "releases"))
		for _, l := range list {
			found = append(found, filepath.Dir(l))
		}
	}
	return found
}

// keptOfERTS are the programs of an erts-VERSION/bin that a node without epmd and
// without a shell can use; what else is there stays out of the image.
var keptOfERTS = []string{"beam.smp", "erl_child_setup", "erlexec", "inet_gethost"}

// refused are programs that must be nowhere in the image: shells, and what needs one
// or epmd.
var refused = []string{
	"ash", "bash", "busybox", "dash", "dyn_erl", "epmd", "erl_call", "run_erl", "sh", "to_erl", "toybox", "zsh",
}

// leaves tells whether a file of a release stays out of the image.
func leaves(rel string) bool {
	dir, base := filepath.Split(rel)
	if dir == "" && strings.HasSuffix(base, ".tar.gz") {
		return true // rebar3 tar leaves the release in itself
	}
	if ok, _ := filepath.Match("erts-*/bin/", dir); ok {
		return !slices.Contains(keptOfERTS, base)
	}
	return dir == "bin/" && slices.Contains(refused, base)
}

// release puts the release in place, for the processor of the node.
func (r rootfs) release(to string) error {
	if r.Sys == "" {
		return copyRelease(r.Release, to, erlangRoot)
	}
	dirs, _ := filepath.Glob(filepath.Join(r.Sys, "usr/lib/erlang/erts-*"))
	if len(dirs) != 1 {
		return fmt.Errorf("no Erlang in %s: remove it to have it fetched again", r.Sys)
	}
	erlang := filepath.Dir(dirs[0])
	if err := copyRelease(r.Release, to, func() (string, error) { return erlang, nil }); err != nil {
		return err
	}
	return translate(to, r.Arch, erlang)
}

// translate takes what a release has of programs and libraries for another processor from the
// same place of an Erlang for this one.
func translate(dir string, a arch.Arch, erlang string) error {
	return filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		f, err := elf.Open(name)
		if err != nil {
			return nil // no program
		}
		machine := f.Machine
		f.Close()
		if machine == a.Machine {
			return nil
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		own := filepath.Join(erlang, rel)
		if _, err := os.Stat(own); err != nil {
			return fmt.Errorf("%s of the release is for %s, and Debian's Erlang for %s has none in its place: name a release that was built for %s",
				rel, arch.ByMachine(machine), a.Name, a.Name)
		}
		if err := os.Remove(name); err != nil {
			return err
		}
		return copyFile(own, name)
	})
}

// copyRelease copies a release into the image's tree; where it has no ERTS of its own it gets
// that in the directory that root gives.
func copyRelease(from, to string, root func() (string, error)) error {
	if err := copyTree(from, to, leaves); err != nil {
		return fmt.Errorf("copy the release: %w", err)
	}
	if own, _ := filepath.Glob(filepath.Join(to, "erts-*/bin/erlexec")); len(own) > 0 {
		return nil
	}
	erlang, err := root()
	if err != nil {
		return fmt.Errorf("the release has no ERTS of its own: %w", err)
	}
	dirs, _ := filepath.Glob(filepath.Join(erlang, "erts-*"))
	erts := dirs[len(dirs)-1]
	// start_erl.data says "ERTS-VERSION RELEASE-VERSION".
	if data, err := os.ReadFile(filepath.Join(from, "releases/start_erl.data")); err == nil {
		if f := strings.Fields(string(data)); len(f) == 2 && "erts-"+f[0] != filepath.Base(erts) {
			return fmt.Errorf("the release was made for ERTS %s and brings none, and here is %s: make it with {include_erts, true}",
				f[0], filepath.Base(erts))
		}
	}
	for _, name := range keptOfERTS {
		dst := filepath.Join(to, filepath.Base(erts), "bin", name)
		if err := copyFile(filepath.Join(erts, "bin", name), dst); err != nil {
			return fmt.Errorf("copy the ERTS in %s: %w", erlang, err)
		}
	}
	return nil
}

// run runs a program; where it fails, the error has what it said.
func run(name string, args ...string) error {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, strings.TrimSpace(string(out)))
	}
	return nil
}
