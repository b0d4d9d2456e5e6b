package config

import (
	"errors"
	"io/fs"
	"strconv"
	"strings"
)

// erlinitOption takes over one option with its value.
func (l *loader) erlinitOption(from Source, o *erlinitOption, value string) {
	l.c.foreign = true
	if o.how == hRefused {
		l.problem(from, nil, 0, fault{what: o.why})
		return
	}
	section, name, _ := strings.Cut(o.key, ".")
	k := find(section, name, false)
	switch {
	case o.how == hMounts:
		l.erlinitMounts(from, value)
	case o.how == hNothing:
		l.idle(o)
	case o.how == hEnv:
		l.erlinitEnv(k, from, value)
	case k == nil: // a key that there is none of yet
		l.idle(o)
	default:
		if v := l.erlinitValue(from, o, value); v != nil {
			l.set(k, nil, from, v)
		}
	}
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
		return pieces(value, ":")
	case hProgram, hID:
		return l.erlinitProgram(from, o, value)
	case hNumber, hMillis:
		// strtol(3) with base 0, but for what stands behind the number.
		n, err := strconv.ParseInt(value, 0, 32)
		if err != nil || n < 0 && o.how == hNumber {
			l.problem(from, nil, 0, fault{what: quote(value) + " is no number", want: "a number such as 100", used: "nothing of it"})
			return nil
		}
		if o.how == hNumber {
			return strconv.FormatInt(n, 10)
		}
		return strconv.FormatInt(max(n, 1), 10) + "ms"
	case hLimits:
		return l.erlinitLimits(from, value)
	}
	return value
}

// pieces cuts a list and leaves out what is empty.
func pieces(s, at string) []any {
	var list []any
	for more := true; more; {
		var piece string
		piece, s, more = strings.Cut(s, at)
		if piece != "" {
			list = append(list, piece)
		}
	}
	return list
}

// erlinitProgram is a program with its arguments. Other than a wrapper, which erlinit
// looks for in the ERTS, one without / is looked for as execvp(3) does with erlinit's
// PATH.
func (l *loader) erlinitProgram(from Source, o *erlinitOption, value string) any {
	words := pieces(value, " ")
	if len(words) == 0 {
		l.problem(from, nil, 0, fault{what: "no program", want: "its path and its arguments", used: "nothing of it"})
		return nil
	}
	if name := words[0].(string); o.key != "release.wrapper" && strings.IndexByte(name, '/') < 0 {
		path := ""
		for _, dir := range [...]string{"/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/"} {
			if _, err := l.read(dir + name); path == "" && !errors.Is(err, fs.ErrNotExist) {
				path = dir + name
			}
		}
		if path == "" {
			l.problem(from, nil, 0, fault{what: quote(name) + " is in none of /usr/sbin, /usr/bin, /sbin, /bin", want: "its path", used: "nothing of it"})
			return nil
		}
		words[0] = path
	}
	if o.how == hProgram {
		return words
	}
	command := ""
	for i, w := range words {
		if i > 0 {
			command += " "
		}
		command += w.(string)
	}
	return command
}

// erlinitEnv adds variables to those that are there.
func (l *loader) erlinitEnv(k *key, from Source, value string) {
	list := append(env(nil), l.c.Release.Env...)
	for _, v := range pieces(value, ";") {
		name, value, found := strings.Cut(v.(string), "=")
		faults := []fault{{what: quote(name) + " has no =, and nothing is taken out of the environment", want: "NAME=value;NAME=value"}}
		if found {
			faults = k.addEnv(&list, name, value)
		}
		for _, f := range faults {
			if f.want == "" {
				f.want = k.want
			}
			l.problem(from, nil, 0, f)
		}
		if len(faults) == 0 {
			l.c.Release.Env = list
			l.mark(k.name, "", from)
		}
	}
}

// erlinitMounts adds mounts to those that are there: source:target:type:flags:data, with
// ; between several.
func (l *loader) erlinitMounts(from Source, value string) {
	for _, v := range pieces(value, ";") {
		f := strings.SplitN(v.(string), ":", 5)
		if len(f) < 5 {
			l.problem(from, nil, 0, fault{what: quote(v.(string)) + " has not five fields", want: "source:target:type:flags:data, such as /dev/mmcblk0p3:/data:ext4:nodev:", used: "no such mount"})
			continue
		}
		m := Mount{Source: f[0], Target: f[1], Type: f[2], Options: []string{}}
		for _, flag := range pieces(f[3], ",") {
			m.Options = append(m.Options, flag.(string))
			if !isMountFlag(flag.(string)) {
				l.problem(from, nil, 0, fault{what: quote(flag.(string)) + " is no flag of a mount", want: "flags of erlinit, such as nodev,noexec; what the file system is to be told stands in the fifth field", used: "the mount without it"})
				m.Options = m.Options[:len(m.Options)-1]
			}
		}
		for _, word := range pieces(f[4], ",") {
			m.Options = append(m.Options, word.(string))
		}
		key, fault := m.fault(false)
		if key == "" && !printable(v.(string)) {
			key, fault.what, fault.want = "source", quote(v.(string))+" has control characters or is not UTF-8", "printable text"
		}
		if key != "" {
			fault.used = "no such mount"
			l.problem(from, nil, 0, fault)
			continue
		}
		l.c.Mounts = append(l.c.Mounts, m)
		l.c.mountAt = append(l.c.mountAt, -1-l.line)
		l.mark("mount", "", from)
	}
}

// whereMount is where the ith mount came from.
func (c *Config) whereMount(i int) string {
	switch at := c.mountAt[i]; {
	case at == -1:
		return ErlinitArgs.String()
	case at < 0:
		return ErlinitPath + ":" + strconv.Itoa(-1-at)
	default:
		if line := lineOf(c.text, []string{"mount"}, at); line > 0 {
			return Path + ":" + strconv.Itoa(line)
		}
	}
	return Path
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

// erlinitLimits adds limits to those of erlinit before: resource:soft:hard, with ;
// between several. No text is no limit.
func (l *loader) erlinitLimits(from Source, value string) any {
	all := make(map[string]any, 4)
	for name, limit := range l.limits {
		all[name] = limit
	}
	for _, v := range pieces(value, ";") {
		f := strings.Split(v.(string), ":")
		if len(f) != 3 {
			l.problem(from, nil, 0, fault{what: quote(v.(string)) + " has not three fields", want: "resource:soft:hard, such as nofile:1024:4096", used: "no such limit"})
			continue
		}
		for i := 1; i < 3; i++ {
			if f[i] == "" {
				f[i] = "unlimited"
			}
		}
		all[f[0]] = f[1] + ":" + f[2]
	}
	l.limits = all
	return all
}
