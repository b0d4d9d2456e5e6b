// Package brought finds what an image has for other inits and their tools and is without
// effect here: units, init scripts, networks, jobs of cron. It is asked when the
// configuration is known, which may do the same by other means, and says what to write
// where it does not.
package brought

import (
	"path"
	"slices"
	"strings"

	"github.com/beaminit/beaminit/config/image"
	"github.com/beaminit/beaminit/config/lex"
)

// Finding is what an image has of a kind.
type Finding struct {
	Kind  string   // "units of systemd"
	Names []string // of the files, in the order of the alphabet
	Want  string   // what to write in their place
}

// String is the finding in one line.
func (f Finding) String() string {
	return f.Kind + " brought by the image, without effect here: " + lex.Some(f.Names) + "; want " + f.Want
}

// Handled is what the configuration has a word for.
type Handled struct {
	Network bool     // there are interfaces
	Words   []string // of the programs that are run, among which are files of the image
}

// file says whether a program is given a file: as a word of its own, or behind an option
// (-c/etc/wpa_supplicant.conf).
func (h *Handled) file(path string) bool {
	return slices.ContainsFunc(h.Words, func(word string) bool { return strings.HasSuffix(word, path) })
}

// Find names what is in an image, but for what is handled.
func Find(f *image.Files, h Handled) (findings []Finding) {
	add := func(kind string, paths []string, want string, name func(path string) string) {
		var names []string
		for _, p := range paths {
			if !h.file(p) {
				names = append(names, name(p))
			}
		}
		if names != nil {
			slices.Sort(names)
			findings = append(findings, Finding{kind, slices.Compact(names), want})
		}
	}
	whole := func(path string) string { return path }
	add("units of systemd", units(f), "[[service]] or [[mount]]", path.Base)
	add("init scripts", scripts(f), "[[service]], release.pre_run", path.Base)
	if !h.Network {
		add("networks of systemd", networkd(f), wantNetwork, path.Base)
	}
	add("wireless networks", wireless(f), wantWPA, whole)
	for _, d := range &dirs {
		if !d.network || !h.Network {
			add(d.kind, in(f, d.dir, d.ends), d.want, path.Base)
		}
	}
	for _, one := range &files {
		if (!one.network || !h.Network) && slices.ContainsFunc(f.Lines(one.path), one.counts) {
			add(one.kind, []string{one.path}, one.want, whole)
		}
	}
	return findings
}

// Missing is the users and groups that an image is to have (sysusers.d(5)) and has not; nil:
// there are none.
func Missing(users []image.User, read func(path string) ([]byte, error)) *Finding {
	var names []string
	for _, u := range users {
		text, err := read(u.File)
		if err == nil && !strings.Contains("\n"+string(text), "\n"+u.Name+":") {
			names = append(names, u.Name)
		}
	}
	if names == nil {
		return nil
	}
	slices.Sort(names)
	return &Finding{"users of sysusers.d", slices.Compact(names), "them in /etc/passwd and /etc/group of the image"}
}

// in are the paths of the files in a directory whose names end so. (Inlined: 2 KB more.)
//
//go:noinline
func in(f *image.Files, dir string, suffixes ...string) (paths []string) {
	for _, name := range f.Names(dir, suffixes...) {
		paths = append(paths, dir+"/"+name)
	}
	return paths
}

// scripts are those of System V's init, of Buildroot's and of BusyBox's.
func scripts(f *image.Files) (paths []string) {
	for _, dir := range [...]string{"/etc/rcS.d", "/etc/rc2.d", "/etc/rc3.d", "/etc/rc5.d", "/etc/rc.d", "/etc/init.d"} {
		for _, name := range f.Names(dir) {
			if len(name) > 2 && name[0] == 'S' && lex.IsDigits(name[1:3]) {
				paths = append(paths, dir+"/"+name)
			}
		}
	}
	if paths == nil && slices.Contains(f.Names("/etc/init.d"), "rcS") && !f.Exists("/etc/inittab") {
		return []string{"/etc/init.d/rcS"} // what BusyBox's init runs without an inittab
	}
	return paths
}

// wireless are the configurations of wpa_supplicant that have a network.
func wireless(f *image.Files) (paths []string) {
	for _, p := range in(f, "/etc/wpa_supplicant", ".conf") {
		if slices.ContainsFunc(f.Lines(p), isNetworkBlock) {
			paths = append(paths, p)
		}
	}
	return paths
}
