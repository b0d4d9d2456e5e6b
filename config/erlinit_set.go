package config

import (
	"errors"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/beaminit/beaminit/config/fstab"
	"github.com/beaminit/beaminit/config/lex"
)

// erlinitOption takes over one option with its value.
func (l *loader) erlinitOption(from Source, o *erlinitOption, value string) {
	l.c.fromErlinit = true
	section, name, _ := strings.Cut(o.key, ".")
	k := find(section, name, false)
	switch {
	case o.how == hMounts:
		l.erlinitMounts(from, value)
	case o.how == hNothing:
		l.idle(o)
	case o.how == hEnv:
		l.erlinitEnv(k, from, value)
	case o.how == hOnce:
		l.erlinitOnce(k, from, o, value)
	case o.how == hLimits:
		l.erlinitLimits(k, from, value)
	default:
		if v := l.erlinitValue(from, o, value); v != nil {
			l.erlinitAgain(from, o, value)
			l.set(k, nil, from, v)
		}
	}
}

// given is an option that counts once, as it was written.
type given struct {
	from          Source
	key           string
	option, value string
	line          int
}

// erlinitAgain names one that stands in front of another of its kind, which has its place: as
// with erlinit the last counts.
func (l *loader) erlinitAgain(from Source, o *erlinitOption, value string) {
	now := given{from, o.key, l.option, value, l.line}
	for i, g := range l.given {
		if g.from != from || g.key != o.key {
			continue
		}
		if g.value != value || g.option != l.option && o.how == hFixed {
			where, last := from.file(), l.option
			if g.line > 0 {
				where, last = where+":"+strconv.Itoa(g.line), last+" in line "+strconv.Itoa(l.line)
			}
			l.noteOnce(where, strings.TrimSpace(g.option+" "+g.value)+" is without effect: of several the last counts, "+last)
		}
		l.given[i] = now
		return
	}
	l.given = append(l.given, now)
}

// idle notes an option that has no effect.
func (l *loader) idle(o *erlinitOption) {
	for i := range erlinitOptions {
		if &erlinitOptions[i] != o {
			continue
		}
		for _, n := range l.c.idle {
			if n == i {
				return
			}
		}
		l.c.idle = append(l.c.idle, i)
	}
}

// erlinitValue makes of an option's value what the TOML parser would make of it for the
// key; nil: it cannot be, which has been said.
func (l *loader) erlinitValue(from Source, o *erlinitOption, value string) any {
	switch o.how {
	case hFixed:
		return o.why
	case hBoot:
		return strings.TrimSuffix(value, ".boot")
	case hPaths:
		return toAny(lex.SplitNonEmpty(value, ":"))
	case hProgram, hID:
		words := l.erlinitProgram(from, o, lex.SplitNonEmpty(value, " "))
		switch {
		case words == nil:
			return nil
		case o.how == hID:
			return strings.Join(words, " ")
		}
		return toAny(words)
	case hNumber, hMillis:
		// strtol(3) with base 0, but for what stands behind the number.
		n, err := strconv.ParseInt(value, 0, 32)
		switch {
		case err != nil || n < 0 && o.how == hNumber:
			l.wrongValue(from, value, " is no number", "a number such as 100", nothingOfIt)
			return nil
		case o.how == hNumber:
			return strconv.FormatInt(n, 10)
		}
		return strconv.FormatInt(max(n, 1), 10) + "ms"
	}
	return value
}

// erlinitOnce adds a program to those that are run once a boot.
func (l *loader) erlinitOnce(k *key, from Source, o *erlinitOption, value string) {
	words := l.erlinitProgram(from, o, lex.SplitNonEmpty(value, " "))
	if words == nil {
		return
	}
	var all []any
	for _, program := range append(slices.Clip(l.c.Release.RunOnce), words) {
		all = append(all, toAny(program))
	}
	l.set(k, nil, from, all)
}

func toAny(list []string) []any {
	a := make([]any, len(list))
	for i, s := range list {
		a[i] = s
	}
	return a
}

// erlinitProgram checks a program with its arguments; nil: it cannot be. Other than a
// wrapper, which erlinit looks for in the ERTS, one without / is looked for as execvp(3)
// does with erlinit's PATH.
func (l *loader) erlinitProgram(from Source, o *erlinitOption, words []string) []string {
	if len(words) == 0 {
		l.wrong(from, "no program", "its path and its arguments", nothingOfIt)
		return nil
	}
	name := words[0]
	if o.key == "release.wrapper" || strings.IndexByte(name, '/') >= 0 {
		return words
	}
	for _, dir := range [...]string{"/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/"} {
		if _, err := l.read(dir + name); !errors.Is(err, fs.ErrNotExist) {
			words[0] = dir + name
			return words
		}
	}
	l.wrongValue(from, name, " is in none of /usr/sbin, /usr/bin, /sbin, /bin", "its path", nothingOfIt)
	return nil
}

// erlinitEnv adds variables to those that are there.
func (l *loader) erlinitEnv(k *key, from Source, value string) {
	for _, v := range lex.SplitNonEmpty(value, ";") {
		if name, value, found := strings.Cut(v, "="); found {
			l.erlinitAdd(k, from, name, value)
		} else {
			l.wrongValue(from, name, " has no =, and nothing is taken out of the environment", "NAME=value;NAME=value", "")
		}
	}
}

// erlinitLimits adds limits to those that are there: resource:soft:hard, with ; between
// several. No text is no limit.
func (l *loader) erlinitLimits(k *key, from Source, value string) {
	for _, v := range lex.SplitNonEmpty(value, ";") {
		f := strings.Split(v, ":")
		if len(f) != 3 {
			l.wrongValue(from, v, " has not three fields", "resource:soft:hard, such as nofile:1024:4096", "no such limit")
			continue
		}
		for i := 1; i < 3; i++ {
			if f[i] == "" {
				f[i] = "unlimited"
			}
		}
		l.erlinitAdd(k, from, f[0], f[1]+":"+f[2])
	}
}

// erlinitAdd adds to a key that is a table of strings.
func (l *loader) erlinitAdd(k *key, from Source, name, value string) {
	field := k.field(place{c: l.c}).(*env)
	list := append(env(nil), *field...)
	if f := k.addEnv(&list, name, value); f != nil {
		want := f[0].want
		if want == "" {
			want = k.want
		}
		l.wrong(from, f[0].what, want, nothingOfIt)
		return
	}
	*field = list
	l.mark(k.name, "", from)
}

// erlinitMounts adds mounts to those that are there: source:target:type:flags:data, with
// ; between several.
func (l *loader) erlinitMounts(from Source, value string) {
	for _, v := range lex.SplitNonEmpty(value, ";") {
		f := mountFields(v)
		what, want := "", ""
		m := newMount()
		switch {
		case !lex.IsPrintable(v):
			what, want = " has control characters or is not UTF-8", "printable text"
		case len(f) < 5:
			what, want = " has not five fields", "source:target:type:flags:data, such as /dev/mmcblk0p3:/data:ext4:nodev:"
		default:
			m.Source, m.Target, m.Type = f[0], f[1], f[2]
			l.erlinitMountFlags(&m, from, f[3])
			m.exactFlags()
			m.Options = append(m.Options, lex.SplitNonEmpty(f[4], ",")...)
			if f := checkMount(&m); f.what != "" {
				what, want = ": "+f.what, f.want
			}
		}
		if what != "" {
			l.wrongValue(from, v, what, want, "no such mount")
			continue
		}
		if m.Type == "tmpfs" && m.Target == "/sys/fs/cgroup" { // as for version 1, on every Raspberry Pi with Nerves
			l.noteOnce("mount", lex.Quote(v)+" is without effect: there is the cgroup2 of PID 1, and what is mounted below it has its place in that")
			continue
		}
		l.c.Mounts = append(l.c.Mounts, m)
		l.c.mountAt = append(l.c.mountAt, entryAt{from, l.line})
		l.mark("mount", "", from)
	}
}

// mountFields cuts source:target:type:flags:data at its colons; fewer than five: it has not so
// many. The target is a path, so a source may have colons too: ubi0:NAME, LABEL=a:b.
func mountFields(s string) []string {
	at := strings.Index(s, ":/")
	if at < 0 || strings.Count(s[at+1:], ":") < 3 { // not the target's, which is then told of
		at = strings.Index(s, ":")
	}
	if at < 0 {
		return nil
	}
	return append([]string{fstab.UnquoteTag(s[:at])}, strings.SplitN(s[at+1:], ":", 4)...)
}

func (l *loader) erlinitMountFlags(m *Mount, from Source, flags string) {
	for _, flag := range lex.SplitNonEmpty(flags, ",") {
		if isMountFlag(flag) {
			m.Options = append(m.Options, flag)
		} else {
			const want = "flags of erlinit, such as nodev,noexec; what the file system is to be told stands in the fifth field"
			l.wrongValue(from, flag, " is no flag of a mount", want, "the mount without it")
		}
	}
}

// exactFlags says no to the flags that were not given, where PID 1 has such a mount with
// flags of its own: those of erlinit and fstab(5) are all there are.
func (m *Mount) exactFlags() {
	if !slices.Contains([]string{"proc", "sysfs", "devtmpfs", "devpts", "tmpfs", "cgroup2", "pstore"}, m.Type) {
		return
	}
	for _, flag := range [...]string{"suid", "dev", "exec"} {
		if !slices.Contains(m.Options, "no"+flag) {
			m.Options = append(m.Options, flag)
		}
	}
}

// isMountFlag says whether erlinit knows a flag of a mount.
func isMountFlag(s string) bool {
	switch s {
	case "dirsync", "mand", "noatime", "nodev", "nodiratime", "noexec", "nosuid",
		"ro", "rw", "relatime", "silent", "strictatime", "sync":
		return true
	}
	return false
}
