package config

import (
	"slices"
	"strconv"
	"strings"

	"github.com/beaminit/beaminit/config/fstab"
)

// fstabPath is the image's fstab(5), the weakest source of mounts: an entry counts where
// no other source has one for its target.
const fstabPath = "/etc/fstab"

// maxMounts is how many entries of it are looked at.
const maxMounts = 256

// ownTargets are mounted by PID 1 itself, whatever an fstab says of them.
var ownTargets = [...]string{"/proc", "/sys", "/dev", "/dev/pts", "/run", "/sys/fs/cgroup", "/sys/fs/pstore"}

// fstabMount is a mount of fstab and the line that it stands in.
type fstabMount struct {
	Mount
	line int
}

// fstab reads the entries; they are added when the other sources have been read.
func (l *loader) fstab() {
	data, err := l.read(fstabPath)
	if err != nil || len(data) > maxText {
		return // an image without one is as good
	}
	for _, e := range fstab.Parse(string(data)) {
		l.line = e.Line
		if m, ok := l.fstabEntry(&e); ok && len(l.fromFstab) < maxMounts {
			l.fromFstab = append(l.fromFstab, fstabMount{m, e.Line})
		}
	}
	l.line = 0
}

// fstabEntry makes a mount of an entry. Those that PID 1 has itself, and those with noauto,
// are passed over.
func (l *loader) fstabEntry(e *fstab.Entry) (m Mount, ok bool) {
	if !e.OK {
		l.problem(Fstab, nil, fault{
			what: strconv.Itoa(e.Fields) + " fields",
			want: "source, target, type, options and two numbers, as in fstab(5)",
			used: "no such mount",
		})
		return m, false
	}
	m = newMount()
	m.Source, m.Target, m.Type, m.Options, m.Check = e.Source, e.Target, e.Type, e.Options, e.Check
	noauto := slices.Contains(m.Options, "noauto")
	if slices.Contains(ownTargets[:], strings.TrimSuffix(m.Target, "/")) { // PID 1's own mount, with what is more than usual
		m.Options = without(stockOptions, m.Options)
		noauto = noauto || m.Options == nil
	}
	switch {
	case noauto:
		return m, false
	case m.Target == "/":
		// ro and rw are the kernel command line's to say, and every stock fstab has one of them.
		l.rootOptions = append(l.rootOptions, without("defaults auto ro rw", m.Options)...)
		return m, false
	case m.Target == "/tmp" || m.Target == "/dev/shm":
		m.exactFlags() // as mount(8) has them, not added to PID 1's own
	}
	if f := checkMount(&m); f.what != "" {
		f.used = "no such mount"
		l.problem(Fstab, nil, f)
		return m, false
	}
	return m, true
}

// stockOptions are options that the fstab of an image has for what PID 1 mounts itself, and that
// say nothing new.
const stockOptions = "defaults auto rw suid nosuid dev nodev exec noexec atime noatime relatime strictatime nofail " +
	"gid=5 mode=0755 mode=755 mode=0620 mode=620 ptmxmode=0666 ptmxmode=666"

// without is a list without some words, and without those for other programs.
func without(words string, list []string) (rest []string) {
	for _, s := range list {
		if !slices.Contains(strings.Fields(words), s) && !strings.HasPrefix(s, "x-") {
			rest = append(rest, s)
		}
	}
	return rest
}

// addFstab adds the entries for whose targets there is no other mount.
func (l *loader) addFstab() {
	others := l.c.Mounts
	if l.rootOptions != nil && mountOn(others, "/") < 0 {
		l.noteOnce("fstab", `the options of / are without effect; want a [[mount]] with target = "/" and options = ["remount", "`+
			strings.Join(l.rootOptions, `", "`)+`"]`)
	}
	for i := range l.fromFstab {
		if m := &l.fromFstab[i]; m.Type == "swap" || mountOn(others, m.Target) < 0 {
			l.c.Mounts = append(l.c.Mounts, m.Mount)
			l.c.mountAt = append(l.c.mountAt, entryAt{Fstab, m.line})
		}
	}
}

// mountOn is which of the mounts is the first one on a target; -1: none is.
func mountOn(mounts []Mount, target string) int {
	for i := range mounts {
		if mounts[i].Target == target {
			return i
		}
	}
	return -1
}

// FromFstab says that the ith of the mounts stands in the image's fstab alone.
func (c *Config) FromFstab(i int) bool { return c.mountAt[i].from == Fstab }
