package config

import (
	"path"
	"strings"

	"github.com/beaminit/beaminit/config/lex"
)

// match is which devices a [[device]] is about.
type match []string

const wantMatch = `a name in /dev such as "ttyUSB*", or a table such as { subsystem = "tty", idVendor = "0403" }`

// DevName is the name in a match that stands for that of the node in /dev, as the kernel's
// uevents have it; Subsystem is that of the device itself. All others are attributes.
const (
	DevName   = "devname"
	Subsystem = "subsystem"
)

// storeMatch takes the name of a node, or a table of what has to be so.
func storeMatch(p *match, v any, from Source) (bool, []fault) {
	var good match
	switch v := v.(type) {
	case string:
		good = match{DevName + "=" + v}
	case map[string]any:
		for _, name := range names(v) {
			s, ok := v[name].(string)
			if !ok {
				return false, mistyped(v[name], from, "a string, as the value of "+lex.Quote(name))
			}
			good = append(good, name+"="+s)
		}
	default:
		return false, mistyped(v, from, "a string or a table of strings")
	}
	if what := good.fault(); what != "" {
		return false, []fault{{what: what}}
	}
	*p = good
	return true, nil
}

// fault says what is wrong with it; empty: nothing.
func (m match) fault() string {
	if len(m) == 0 {
		return "an empty table"
	}
	for _, word := range m {
		name, pattern, _ := strings.Cut(word, "=")
		_, err := path.Match(pattern, "")
		switch {
		case !lex.IsMadeOf(name, "_-./") || path.Clean("/"+name) != "/"+name, name == strings.ToUpper(name): // KERNEL, ATTRS: a word of udev's
			return lex.Quote(name) + " is no attribute of sysfs"
		case err != nil || pattern == "" || !lex.IsPrintable(pattern):
			return lex.Quote(pattern) + " is no pattern"
		case name == DevName && path.Clean("/"+pattern) != "/"+pattern:
			return lex.Quote(pattern) + " is no name below /dev"
		}
	}
	return ""
}

func (m match) literal() string {
	if len(m) == 1 {
		if name, is := strings.CutPrefix(m[0], DevName+"="); is {
			return literal(&name)
		}
	}
	words := make([]string, len(m))
	for i, word := range m {
		name, pattern, _ := strings.Cut(word, "=")
		words[i] = quoteKey(name) + " = " + literal(&pattern)
	}
	return braces(words)
}

// Which is the device's match, as beaminit.toml has it.
func (d *Device) Which() string { return match(d.Match).literal() }
