package config

import (
	"slices"
	"strings"

	"github.com/beaminit/beaminit/config/lex"
)

// entry is one table of a list of tables, such as [[mount]].
type entry struct {
	at    place
	wrong func() fault // what is wrong with it as a whole, beside those kept before it; no what: nothing
	keep  func()
}

// entries reads a list of tables by the keys of one of them; each goes into a fresh entry.
// One with a fault is not kept, for half of what was meant (a mount without its nosuid, a
// service without its user) is worse than a line about it; nth says which are.
func (l *loader) entries(table string, v any, fresh func() entry) (nth []int, faults []fault) {
	noun := table[strings.LastIndexByte(table, '.')+1:]
	list, ok := tablesOf(v)
	if !ok {
		f := mistyped(v, TOML, "a list of tables")[0]
		f.want, f.used = "[["+noun+"]]", "none of it"
		return nil, []fault{f}
	}
	for i, v := range list {
		t, ok := v.(map[string]any)
		if !ok {
			f := mistyped(v, TOML, "a table")[0]
			f.want, f.used, f.nth = "[["+noun+"]]", "no such "+noun, i
			faults = append(faults, f)
			continue
		}
		one := fresh()
		f, whole := l.entry(table, one.at, t)
		if wrong := one.wrong(); whole && wrong.what != "" {
			f, whole = append(f, wrong), false
		}
		for j := range f {
			f[j].nth = i
			if !f[j].ignored {
				f[j].used = "no such " + noun
			}
		}
		faults = append(faults, f...)
		if whole {
			one.keep()
			nth = append(nth, i)
		}
	}
	return nth, faults
}

// tablesOf is a list of tables in either way that TOML writes it.
func tablesOf(v any) (list []any, ok bool) {
	switch v := v.(type) {
	case []map[string]any:
		for _, t := range v {
			list = append(list, t)
		}
		return list, true
	case []any:
		return v, true
	}
	return nil, false
}

// entry reads the keys of one entry. whole says that nothing is wrong with it but a key
// that there is none of, which has no effect.
func (l *loader) entry(table string, at place, t map[string]any) (faults []fault, whole bool) {
	whole = true
	var known []string
	for i := range keys {
		k := &keys[i]
		name, ok := k.in(table)
		if !ok {
			continue
		}
		known = append(known, name)
		v, there := t[name]
		var f []fault
		switch {
		case there:
			_, f = l.store(k, k.field(at), TOML, v)
		case k.name == "mount.target" && t["type"] == "swap": // it is mounted nowhere
			at.mount.Target = "none"
		case k.required:
			f = []fault{{what: "missing"}}
		}
		for _, f := range f {
			f.key = name
			if f.want == "" {
				f.want = k.want
			}
			faults, whole = append(faults, f), false
		}
	}
	for _, name := range names(t) {
		if !slices.Contains(known, name) {
			faults = append(faults, fault{key: name, what: unknownKey(nearest(name, known)), ignored: true})
		}
	}
	return faults, whole
}

// storeEntries puts the good entries of a list of tables into their field.
func (l *loader) storeEntries(field any, v any) (bool, []fault) {
	switch p := field.(type) {
	case *[]Mount:
		var good []Mount
		nth, faults := l.entries("mount", v, func() entry {
			m := newMount()
			return entry{place{mount: &m}, func() fault { return checkMount(&m) }, func() { good = append(good, m) }}
		})
		*p, l.c.mountAt = good, nil // those of weaker sources are gone
		for _, n := range nth {
			l.c.mountAt = append(l.c.mountAt, entryAt{TOML, n})
		}
		return len(good) > 0, faults
	case *[]Service:
		var good []Service
		_, faults := l.entries("service", v, func() entry {
			s := newService()
			return entry{place{service: &s}, func() fault { return checkService(&s, good) }, func() { good = append(good, s) }}
		})
		*p = good
		return len(good) > 0, faults
	case *[]Device:
		var good []Device
		_, faults := l.entries("device", v, func() entry {
			d := new(Device)
			return entry{place{device: d}, func() fault { return checkDevice(d) }, func() { good = append(good, *d) }}
		})
		*p = good
		return len(good) > 0, faults
	case *[]Route:
		var good []Route
		_, faults := l.entries("network.route", v, func() entry {
			r := new(Route)
			return entry{place{route: r}, func() fault { return checkRoute(r) }, func() { good = append(good, *r) }}
		})
		*p = good
		return len(good) > 0, faults
	}
	return false, nil
}

func checkService(s *Service, before []Service) (f fault) {
	for i := range before {
		if before[i].Name == s.Name {
			return fault{key: "name", what: lex.Quote(s.Name) + " is there twice", want: "each name once"}
		}
	}
	if len(s.Exec) == 0 {
		return fault{key: "exec", what: "no program", want: find("service", "exec", false).want}
	}
	return f
}

// checkServices says what of a service does not go together, and works as it stands.
func (l *loader) checkServices() {
	for i := range l.c.Services {
		if s := &l.c.Services[i]; s.Ready == Exit && s.Restart == Always {
			l.noteOnce("service.restart", s.Name+" is ready when it has ended, and then run again and again; want \"once\" or \"on-failure\"")
		}
	}
}

func checkDevice(d *Device) (f fault) {
	if d.Owner == "" && d.Group == "" && d.Mode == 0 && d.Link == "" {
		f = fault{key: "match", what: "nothing is said about " + d.Which(), want: "owner, group, mode or link"}
	}
	return f
}

func checkRoute(r *Route) (f fault) {
	switch {
	case r.Via.IsValid() && r.Via.Is4() != r.To.Addr().Is4():
		return fault{key: "via", what: r.Via.String() + " is no gateway for " + r.To.String(), want: "one of the same family"}
	case r.OnLink && !r.Via.IsValid():
		return fault{key: "onlink", what: "there is no gateway that it could be for", want: "via"}
	}
	return f
}
