package config

import (
	"strconv"
	"strings"
)

// param is one parameter of the kernel command line.
type param struct {
	name, value string
	bare        bool // it stands without a =
}

// nextParam cuts the first parameter off a command line by the rule of the kernel's
// next_arg (lib/cmdline.c): white space separates; "…" protects it and may stand around
// the whole parameter, around the value, or anywhere within; there are no escapes. line
// has no white space in front (see skipSpace), and rest has none either.
func nextParam(line string) (p param, rest string) {
	quoted := line != "" && line[0] == '"'
	if quoted {
		line = line[1:]
	}
	in, equals, i := quoted, 0, 0
	for ; i < len(line); i++ {
		c := line[i]
		if isSpace(c) && !in {
			break
		}
		if c == '=' && equals == 0 {
			equals = i
		}
		if c == '"' {
			in = !in
		}
	}
	word, rest := line[:i], skipSpace(line[i:])
	whole := word // the kernel writes a NUL over each quote that it takes away at the end
	if equals > 0 && equals+1 < len(word) && word[equals+1] == '"' && word[i-1] == '"' {
		whole = word[:i-1]
	}
	if quoted && i > 0 && len(whole) == i && word[i-1] == '"' {
		whole = word[:i-1]
	}
	if equals == 0 {
		return param{name: whole, bare: true}, rest
	}
	p.name = word[:equals]
	if len(whole) > equals {
		p.value = whole[equals+1:]
	}
	p.value = strings.TrimPrefix(p.value, `"`)
	return p, rest
}

func isSpace(c byte) bool {
	// The kernel's ctype calls Latin-1's no-break space white space too.
	return c == ' ' || c >= '\t' && c <= '\r' || c == 0xa0
}

func skipSpace(s string) string {
	for s != "" && isSpace(s[0]) {
		s = s[1:]
	}
	return s
}

// cmdline takes over what the kernel command line says. First comes everything that is
// weaker than beaminit.*, wherever it stands. What follows a bare -- is for init, not
// configuration of ours; args has it.
func (l *loader) cmdline(line string, args []string) {
	var buf [32]param // the usual line fits: no allocation
	ours := buf[:0]
	for line = skipSpace(line); line != ""; {
		var p param
		p, line = nextParam(line)
		if p.bare && p.name == "--" {
			break
		}
		if strings.HasPrefix(p.name, "beaminit.") {
			ours = append(ours, p)
			continue
		}
		l.kernelParam(p)
	}
	l.erlinitArgs(args)
	for i := range ours {
		l.beaminit(ours[i])
	}
}

// beaminit takes over one parameter beaminit.SECTION.KEY=VALUE.
func (l *loader) beaminit(p param) {
	name := p.name[len("beaminit."):]
	section, rest, dotted := strings.Cut(name, ".")
	switch {
	case section == "peers" && !dotted:
		l.peersParam(p)
		return
	case section == "mount":
		l.problem(Cmdline, []string{name}, 0, fault{what: "mounts have no form on the kernel command line", want: "a [[mount]] table in " + Path})
		return
	case section == "network":
		l.beaminitNetwork(p, rest)
		return
	}
	if k := find(section, rest, true); k != nil {
		l.setText(k, nil, p)
		return
	}
	l.unknown(Cmdline, strings.Split(name, "."))
}

// beaminitNetwork takes over beaminit.network.IFACE.KEY=VALUE. The key is behind the
// last dot, for names of interfaces may have dots (eth0.100).
func (l *loader) beaminitNetwork(p param, rest string) {
	dot := strings.LastIndexByte(rest, '.')
	if dot < 0 {
		l.unknown(Cmdline, strings.Split(p.name, ".")[1:])
		return
	}
	iface, name := rest[:dot], rest[dot+1:]
	k := find("network", name, true)
	switch {
	case k == nil:
		l.unknown(Cmdline, []string{"network", iface, name})
	case !isInterface(iface):
		l.problem(Cmdline, []string{"network", iface}, 0, badInterface(iface))
	default:
		l.setText(k, l.c.network(iface), p)
	}
}

func badInterface(name string) fault {
	return fault{what: quote(name) + " is no name of an interface", want: `1 to 15 bytes without blank, / and :, such as "eth0"`}
}

// setText gives a key the value that stands on the kernel command line.
func (l *loader) setText(k *key, n *Network, p param) {
	field := k.field(l.c, n)
	if _, ok := field.(*bool); p.bare && !ok {
		iface := ""
		if n != nil {
			iface = n.Interface
		}
		l.problem(Cmdline, keyPath(k.name, iface), 0, fault{what: "no value", want: k.want, used: l.used(k, field)})
		return
	}
	l.set(k, n, Cmdline, text(field, p))
}

// text makes of the words of the kernel command line what the TOML parser would have
// made for a field of this type, or leaves them as they are where they do not fit.
func text(field any, p param) any {
	switch field.(type) {
	case *int:
		if i, err := strconv.ParseInt(p.value, 10, 64); err == nil {
			return i
		}
	case *bool:
		switch p.value {
		case "1", "true", "on", "yes":
			return true
		case "0", "false", "off", "no":
			return false
		case "":
			if p.bare {
				return true
			}
		}
	default:
		if isList(field) {
			return items(p.value)
		}
	}
	return p.value
}

// items cuts a list at its commas; no text is an empty list.
func items(s string) []any {
	if s == "" {
		return []any{}
	}
	list := make([]any, 0, 1+strings.Count(s, ","))
	for more := true; more; {
		var item string
		item, s, more = strings.Cut(s, ",")
		list = append(list, item)
	}
	return list
}
