package config

import "path"

const wantMount = `source, target and type as in fstab(5): "/dev/vdb", "/data", "ext4"`

// mounts takes over the [[mount]] tables. One with a fault is left out: to mount half
// of what was meant, say without nosuid, is worse than a line about it.
func (l *loader) mounts(v any) {
	var tables []any
	switch v := v.(type) {
	case []map[string]any:
		for _, t := range v {
			tables = append(tables, t)
		}
	case []any:
		tables = v
	default:
		f := mistyped(v, TOML, "an array of tables")[0]
		f.want, f.used = "[[mount]]", "no mounts"
		l.problem(TOML, []string{"mount"}, 0, f)
		return
	}
	l.c.Mounts, l.c.mountAt = nil, nil // those of erlinit.config
	for i, v := range tables {
		t, ok := v.(map[string]any)
		if !ok {
			f := mistyped(v, TOML, "a table")[0]
			f.want, f.used = "[[mount]]", "no such mount"
			l.problem(TOML, []string{"mount"}, i, f)
			continue
		}
		l.mount(i, t)
	}
	if len(l.c.Mounts) > 0 {
		l.mark("mount", "", TOML)
	}
}

func (l *loader) mount(nth int, t map[string]any) {
	var m Mount
	bad := func(key string, f fault) {
		f.used = "no such mount"
		l.problem(TOML, []string{"mount", key}, nth, f)
	}
	for _, field := range [...]struct {
		key string
		to  *string
	}{{"source", &m.Source}, {"target", &m.Target}, {"type", &m.Type}} {
		v, there := t[field.key]
		s, ok := v.(string)
		switch {
		case there && !ok:
			f := mistyped(v, TOML, "a string")[0]
			f.want = wantMount
			bad(field.key, f)
			return
		case !printable(s):
			bad(field.key, fault{what: quote(s) + " has control characters or is not UTF-8", want: "printable text"})
			return
		}
		*field.to = s
	}
	bind, ok := l.mountOptions(&m, t["options"], bad)
	if !ok {
		return
	}
	l.unknownIn([]string{"mount"}, nth, t, mountKeys[:]...)
	if key, f := m.fault(bind); key != "" {
		bad(key, f)
		return
	}
	l.c.Mounts = append(l.c.Mounts, m)
	l.c.mountAt = append(l.c.mountAt, nth)
}

// fault says which key of a mount cannot be; empty: none.
func (m *Mount) fault(bind bool) (key string, f fault) {
	switch {
	case m.Source == "":
		return "source", fault{what: "no source", want: wantMount}
	case m.Type == "" && !bind:
		return "type", fault{what: "no type", want: wantMount + `; only with the option "bind" there is none`}
	case !isAbs(m.Target) || path.Clean(m.Target) != m.Target || m.Target == "/":
		return "target", fault{what: quote(m.Target) + " is no place to mount on", want: "an absolute path without . and .. and a / at its end, and not / itself"}
	}
	return "", f
}

// mountOptions reads the options. bind says that there need not be a type.
func (l *loader) mountOptions(m *Mount, v any, bad func(string, fault)) (bind, ok bool) {
	if v == nil {
		return false, true
	}
	items, ok := v.([]any)
	if !ok {
		f := mistyped(v, TOML, "a list of strings")[0]
		f.want = `options = ["noatime", "nosuid"]`
		bad("options", f)
		return false, false
	}
	m.Options = make([]string, 0, len(items))
	for _, item := range items {
		s, ok := item.(string)
		if !ok || s == "" || !printable(s) {
			f := fault{what: quote(s) + " is no mount option"}
			if !ok {
				f = mistyped(item, TOML, "a string in a list of strings")[0]
			}
			f.want = `options = ["noatime", "nosuid"]`
			bad("options", f)
			return false, false
		}
		bind = bind || s == "bind" || s == "rbind"
		m.Options = append(m.Options, s)
	}
	return bind, true
}
