package config

import (
	"slices"
	"strconv"
	"strings"
)

// param is one parameter of the kernel command line.
type param struct {
	name, value string
	written     string // the value with its quotes
	bare        bool   // it stands without a =
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
	p.name, p.written = word[:equals], word[equals+1:]
	if quoted {
		p.written = strings.TrimSuffix(p.written, `"`)
	}
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

// cutOff cuts the last parameter off a command line that is as long as the limits there
// are (COMMAND_LINE_SIZE of the architecture, or a boot loader's own): what stands there
// may be a part of what was meant. lost is empty where the line is no such one.
func cutOff(line string) (whole, lost string) {
	line = strings.TrimRight(line, "\n")
	size := len(line) + 1 // with its NUL
	if size < 256 || size&(size-1) != 0 || isSpace(line[len(line)-1]) {
		return line, ""
	}
	rest := skipSpace(line)
	for {
		_, next := nextParam(rest)
		if next == "" {
			return line[:len(line)-len(rest)], rest
		}
		rest = next
	}
}

// uncut is the command line, and the words for init, without a parameter that was cut off.
func (l *loader) uncut(line string, args []string) (string, []string) {
	whole, lost := cutOff(line)
	if lost == "" {
		return line, args
	}
	l.problem(Cmdline, nil, 0, fault{what: "its " + strconv.Itoa(len(whole)+len(lost)) + " bytes are all that some kernel or boot loader takes, so that it may be cut off",
		want: "a shorter line, or its beaminit.* in " + Path, used: "it without its last word, " + quote(lost)})
	fewer := len(InitArgs(line)) - len(InitArgs(whole))
	return whole, args[:max(0, len(args)-fewer)]
}

// cmdline takes over what the kernel command line says. First comes everything that is
// weaker than beaminit.*, wherever it stands. What follows a bare -- is for init, not
// configuration of ours; args has it.
func (l *loader) cmdline(line string, args []string) {
	var buf [32]param // the usual line fits: no allocation
	ours := buf[:0]
	line, args = l.uncut(line, args)
	for line = skipSpace(line); line != ""; {
		var p param
		p, line = nextParam(line)
		if p.bare && p.name == "--" {
			break
		}
		if p.name == "beaminit.factory_reset" {
			l.c.FactoryReset = p.bare || p.value == "1"
			continue
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
	case section == "peers":
		l.peerParam(p, rest)
		return
	case section == "mount" || section == "service" || section == "device":
		l.problem(Cmdline, []string{name}, 0, fault{what: section + "s have no form on the kernel command line", want: "a [[" + section + "]] table in " + Path})
		return
	case section == "network":
		l.beaminitNetwork(p, rest)
		return
	}
	if k := find(section, rest, true); k != nil {
		l.setText(k, nil, p)
		return
	}
	if k, inner := findTable(section, rest); k != nil {
		l.addToTable(k, inner, p)
		return
	}
	l.unknown(Cmdline, strings.Split(name, "."))
}

// findTable finds the key that is a table of strings and the name of one in it:
// release.env.NAME.
func findTable(section, rest string) (k *key, inner string) {
	name, inner, _ := strings.Cut(rest, ".")
	k = find(section, name, true)
	if k == nil || inner == "" {
		return nil, ""
	}
	if _, ok := k.field(place{c: &Config{}}).(*env); !ok {
		return nil, ""
	}
	return k, inner
}

// addToTable adds one string to a table of strings, or changes it. The value is not cut at
// commas.
func (l *loader) addToTable(k *key, name string, p param) {
	field := k.field(place{c: l.c}).(*env)
	if p.bare {
		l.problem(Cmdline, append(keyPath(k.name, ""), name), 0, fault{what: "no value", want: p.name + "=VALUE", used: literal(field)})
		return
	}
	list := slices.Clone(*field)
	if faults := k.addEnv(&list, name, p.value); len(faults) > 0 {
		f := faults[0]
		if f.want == "" {
			f.want = k.want
		}
		f.used = literal(field)
		l.problem(Cmdline, keyPath(k.name, ""), 0, f)
		return
	}
	*field = list
	l.mark(k.name, "", Cmdline)
}

// beaminitNetwork takes over beaminit.network.IFACE.KEY=VALUE.
func (l *loader) beaminitNetwork(p param, rest string) {
	iface, name := cutInterface(rest, true)
	if name == "" {
		l.unknown(Cmdline, strings.Split(p.name, ".")[1:])
		return
	}
	k := find("network", name, true)
	switch {
	case k == nil:
		l.unknown(Cmdline, []string{"network", iface, name})
	case !isInterface(iface):
		l.problem(Cmdline, []string{"network", iface}, 0, badInterface(iface))
	case k.name == "network.route":
		l.problem(Cmdline, []string{"network", iface, name}, 0, fault{what: "routes have no form on the kernel command line", want: "network.IFACE.route in " + Path})
	default:
		l.setText(k, l.c.network(iface), p)
	}
}

// cutInterface cuts IFACE.KEY. The key is behind the last dot, or the last but one where
// that makes a key of a table within (vlan.id), for names of interfaces may have dots
// (eth0.100). name is empty where there is no dot.
func cutInterface(s string, loose bool) (iface, name string) {
	dot := strings.LastIndexByte(s, '.')
	if dot < 0 {
		return s, ""
	}
	if inner := strings.LastIndexByte(s[:dot], '.'); inner >= 0 && find("network", s[inner+1:], loose) != nil {
		dot = inner
	}
	return s[:dot], s[dot+1:]
}

func badInterface(name string) fault {
	return fault{what: quote(name) + " is no name of an interface", want: `1 to 15 bytes without blank, / and :, such as "eth0"`}
}

// setText gives a key the value that stands on the kernel command line.
func (l *loader) setText(k *key, n *Network, p param) {
	field := k.field(place{c: l.c, n: n})
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
			return items(p)
		}
	}
	return p.value
}

// items makes a list of a value: an array as TOML has it, or words with commas between. A
// comma in "…" is none of those; quotes around the value as a whole are only the kernel's.
func items(p param) []any {
	s := p.written
	if inner := strings.Trim(s, `"`); len(s) > 1 && s == `"`+inner+`"` && !strings.Contains(inner, `"`) {
		s = inner
	}
	if strings.HasPrefix(s, "[") {
		if tables, _, err := decode("list = " + s); err == nil {
			if list, ok := tables["list"].([]any); ok && len(tables) == 1 {
				return list
			}
		}
	}
	list := []any{}
	for more := s != ""; more; {
		end, quoted := 0, false
		for ; end < len(s) && (s[end] != ',' || quoted); end++ {
			quoted = quoted != (s[end] == '"')
		}
		list = append(list, strings.ReplaceAll(s[:end], `"`, ""))
		if more = end < len(s); more {
			s = s[end+1:]
		}
	}
	return list
}
