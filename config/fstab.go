package config

import (
	"slices"
	"strconv"
	"strings"

	"github.com/beaminit/beaminit/config/lex"
)

// fstabPath is the image's fstab(5), the weakest source of mounts: an entry counts where
// no other source has one for its target.
const fstabPath = "/etc/fstab"

// maxMounts is how many entries of it are looked at.
const maxMounts = 256

// ownTargets are mounted by PID 1 itself, whatever an fstab says of them.
var ownTargets = [...]string{"/proc", "/sys", "/dev", "/dev/pts", "/run", "/sys/fs/cgroup", "/sys/fs/pstore"}

// fstab reads the entries; they are added when the other sources have been read.
func (l *loader) fstab() {
	data, err := l.read(fstabPath)
	if err != nil || len(data) > maxText {
		return // an image without one is as good
	}
	for n, line := range strings.Split(string(data), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		l.line = n + 1
		if m, ok := l.fstabEntry(strings.Fields(line)); ok && len(l.fromFstab) < maxMounts {
			l.fromFstab = append(l.fromFstab, m)
			l.fstabLines = append(l.fstabLines, n+1)
		}
	}
	l.line = 0
}

// fstabEntry reads the fields of a line. Entries that PID 1 has itself, and those with
// noauto, are passed over.
func (l *loader) fstabEntry(fields []string) (m Mount, ok bool) {
	if at := slices.IndexFunc(fields, func(f string) bool { return f[0] == '#' }); at > 2 { // as libmount has it
		fields = fields[:at]
	}
	if len(fields) < 3 || len(fields) > 6 || !lex.IsPrintable(strings.Join(fields, "")) {
		l.problem(Fstab, nil, fault{what: strconv.Itoa(len(fields)) + " fields", want: "source, target, type, options and two numbers, as in fstab(5)", used: "no such mount"})
		return m, false
	}
	m = newMount()
	m.Source, m.Target, m.Type = unquoteTag(unescapeFstab(fields[0])), unescapeFstab(fields[1]), fields[2]
	if len(fields) > 3 && fields[3] != "defaults" {
		m.Options = strings.Split(unescapeFstab(fields[3]), ",")
	}
	noauto := false
	for _, option := range m.Options {
		noauto = noauto || option == "noauto"
	}
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
	}
	if m.Target == "/tmp" || m.Target == "/dev/shm" {
		m.exactFlags() // as mount(8) has them, not added to PID 1's own
	}
	m.Check = len(fields) > 5 && fields[5] != "0"
	if f := checkMount(&m, nil); f.what != "" {
		f.used = "no such mount"
		l.problem(Fstab, nil, f)
		return m, false
	}
	return m, true
}

// stockOptions are options that the fstab of an image has for what PID 1 mounts itself, and that
// say nothing new.
const stockOptions = "defaults auto rw suid nosuid dev nodev exec noexec atime noatime relatime strictatime nofail gid=5 mode=0755 mode=755 mode=0620 mode=620 ptmxmode=0666 ptmxmode=666"

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
	others := len(l.c.Mounts)
	if l.rootOptions != nil && !slices.ContainsFunc(l.c.Mounts, func(m Mount) bool { return m.Target == "/" }) {
		l.noteOnce("fstab", "the options of / are without effect; want a [[mount]] with target = \"/\" and options = [\"remount\", \""+strings.Join(l.rootOptions, "\", \"")+"\"]")
	}
next:
	for i, m := range l.fromFstab {
		for _, have := range l.c.Mounts[:others] {
			if have.Target == m.Target && m.Type != "swap" {
				continue next
			}
		}
		l.c.Mounts = append(l.c.Mounts, m)
		l.c.mountAt = append(l.c.mountAt, entryAt{Fstab, l.fstabLines[i]})
	}
}

// FromFstab says that the ith of the mounts stands in the image's fstab alone.
func (c *Config) FromFstab(i int) bool { return c.mountAt[i].from == Fstab }

// unquoteTag takes away the quotes round the value of UUID="…" and its like, which
// mount(8) takes too.
func unquoteTag(s string) string {
	if tag, value, ok := strings.Cut(s, "=\""); ok && !strings.Contains(tag, "/") && strings.HasSuffix(value, "\"") {
		return tag + "=" + strings.TrimSuffix(value, "\"")
	}
	return s
}

// unescapeFstab turns \040 and its like into what they stand for (getmntent(3)).
func unescapeFstab(s string) string {
	for _, e := range [...][2]string{{`\040`, " "}, {`\011`, "\t"}, {`\012`, "\n"}, {`\134`, `\`}} {
		s = strings.ReplaceAll(s, e[0], e[1])
	}
	return s
}
