package config

import (
	"net/netip"
	"strconv"
	"time"

	"github.com/beaminit/beaminit/config/lex"
)

// set gives a key the value that a source has for it. v is what the TOML parser makes
// of it (string, int64, bool, []any, map[string]any, …); text makes the same of the
// words of the kernel command line. What cannot be is a problem, and the key keeps the
// value it had.
func (l *loader) set(k *key, n *Network, from Source, v any) {
	iface := ""
	if n != nil {
		iface = n.Interface
	}
	p := k.field(place{c: l.c, n: n})
	ok, faults := l.store(k, p, from, v)
	if ok && p != any(&l.c.Node.Hostname) {
		l.mark(k.name, iface, from)
	}
	for _, f := range faults {
		if f.want == "" && !f.ignored {
			f.want = k.want
		}
		if f.used == "" && !f.ignored && p != any(&l.c.Node.Hostname) {
			f.used = literal(p)
		}
		path := keyPath(k.name, iface)
		if f.key != "" {
			path = append(path, f.key)
		}
		l.problem(from, path, f)
	}
}

// used is the value that a key goes on with, for a Problem. The host name's is known
// only at the end (see hostname).
func (l *loader) used(k *key, field any) string {
	if field == any(&l.c.Node.Hostname) {
		return ""
	}
	return literal(field)
}

// store puts a value into its field. ok says that the field has a new value, which may
// be so in spite of faults: of a list of addresses the good ones count.
func (l *loader) store(k *key, p any, from Source, v any) (ok bool, faults []fault) {
	switch p := p.(type) {
	case *string:
		s, ok := v.(string)
		if !ok {
			return false, mistyped(v, from, "a string")
		}
		if p == &l.c.Node.Hostname {
			return l.setHostname(from, s)
		}
		if f := k.faultOf(s); f != nil {
			return false, f
		}
		*p = s
	case *int:
		i, ok := v.(int64)
		if !ok {
			return false, mistyped(v, from, "an integer")
		}
		if i < k.min || i > k.max {
			return false, []fault{{what: strconv.FormatInt(i, 10) + " is no " + k.noun}}
		}
		*p = int(i)
	case *bool:
		b, ok := v.(bool)
		if !ok {
			return false, mistyped(v, from, "a boolean")
		}
		*p = b
	case *time.Duration:
		d, f := k.duration(v, from)
		if f != nil {
			return false, f
		}
		*p = d
	case backoff:
		return k.storeBackoff(p, v, from)
	case *orOff:
		if v == any("off") {
			*p = 0
			return true, nil
		}
		d, f := k.duration(v, from)
		if f != nil {
			return false, f
		}
		*p = orOff(d)
	default:
		return l.storeKind(k, p, from, v)
	}
	return true, nil
}

// storeKind is store for the kinds of values that are more than one word.
func (l *loader) storeKind(k *key, p any, from Source, v any) (ok bool, faults []fault) {
	switch p := p.(type) {
	case *match:
		return storeMatch(p, v, from)
	case *growth:
		return storeGrowth(p, v, from)
	case *fileMode:
		return k.storeMode(p, v, from)
	case *mac:
		return k.storeMAC(p, v, from)
	case *commands:
		return k.storeCommands(p, v, from)
	case addresses:
		return k.storeAddresses(p, v, from)
	case *netip.Addr:
		return k.storeAddr(p, v, from)
	case *netip.Prefix:
		return k.storePrefix(p, v, from)
	case *[]string:
		return k.storeStrings(p, v, from)
	case *[]int:
		return k.storeInts(p, v, from)
	case *command:
		return k.storeCommand(p, v, from)
	case *size:
		return k.storeSize(p, v, from)
	case *env:
		return k.storeEnv(p, v, from)
	case *cgroup:
		return k.storeCgroup(p, v, from)
	case *[]netip.Addr:
		return k.storeAddrs(p, v, from)
	}
	return l.storeEntries(p, v)
}

// faultOf says what is wrong with a string of this key; nil: nothing.
func (k *key) faultOf(s string) []fault {
	switch {
	case !lex.IsPrintable(s):
		return []fault{{what: lex.Quote(s) + " has control characters or is not UTF-8", want: "printable text"}}
	case s == "" && k.empty || k.check == nil || k.check(s):
		return nil
	}
	return []fault{{what: lex.Quote(s) + " is no " + k.noun}}
}

func (k *key) duration(v any, from Source) (time.Duration, []fault) {
	s, ok := v.(string)
	if !ok {
		return 0, mistyped(v, from, "a duration in quotes")
	}
	d, err := time.ParseDuration(s)
	switch {
	case err != nil:
		return 0, []fault{{what: lex.Quote(s) + " is no duration"}}
	case int64(d) < k.min || int64(d) > k.max:
		return 0, []fault{{what: lex.Quote(s) + " is out of range"}}
	}
	return d, nil
}

func (k *key) storeBackoff(p backoff, v any, from Source) (bool, []fault) {
	list, ok := v.([]any)
	if !ok {
		return false, mistyped(v, from, "a list of two durations")
	}
	if len(list) != 2 {
		return false, []fault{{what: "a list of " + strconv.Itoa(len(list)) + ", not of two durations"}}
	}
	first, f := k.duration(list[0], from)
	if f != nil {
		return false, f
	}
	longest, f := k.duration(list[1], from)
	if f != nil {
		return false, f
	}
	if first > longest {
		return false, []fault{{what: "the first pause, " + first.String() + ", is longer than the longest, " + longest.String()}}
	}
	*p.first, *p.longest = first, longest
	return true, nil
}
