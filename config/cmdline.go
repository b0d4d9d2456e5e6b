package config

import (
	"slices"
	"strconv"
	"strings"

	"github.com/beaminit/beaminit/config/cmdline"
	"github.com/beaminit/beaminit/config/lex"
)

// uncut is the command line, and the words for init, without a parameter that was cut off.
func (l *loader) uncut(line string, args []string) (string, []string) {
	whole, lost := cmdline.CutOff(line)
	if lost == "" {
		return line, args
	}
	l.problem(Cmdline, nil, fault{
		what: "its " + strconv.Itoa(len(whole)+len(lost)) + " bytes are all that some kernel or boot loader takes, so that it may be cut off",
		want: "a shorter line, or its beaminit.* in " + Path,
		used: "it without its last word, " + lex.Quote(lost),
	})
	fewer := len(cmdline.InitArgs(line)) - len(cmdline.InitArgs(whole))
	return whole, args[:max(0, len(args)-fewer)]
}

// kernelCmdline takes over what the kernel command line says. First comes everything that is
// weaker than beaminit.*, wherever it stands. What follows a bare -- is for init, not
// configuration of ours; args has it.
func (l *loader) kernelCmdline(line string, args []string) {
	var ours []cmdline.Param
	line, args = l.uncut(line, args)
	for _, p := range cmdline.Params(line) {
		if p.Bare && p.Name == "--" {
			break
		}
		if p.Name == "beaminit.factory_reset" {
			l.c.FactoryReset = p.Bare || p.Value == "1"
			continue
		}
		if strings.HasPrefix(p.Name, "beaminit.") {
			ours = append(ours, p)
			continue
		}
		l.kernelParam(p)
	}
	l.erlinitArgs(args)
	for _, p := range ours {
		l.beaminit(p)
	}
}

// beaminit takes over one parameter beaminit.SECTION.KEY=VALUE.
func (l *loader) beaminit(p cmdline.Param) {
	name := p.Name[len("beaminit."):]
	section, rest, dotted := strings.Cut(name, ".")
	switch {
	case section == "peers" && !dotted:
		l.peersParam(p)
		return
	case section == "peers":
		l.peerParam(p, rest)
		return
	case section == "mount" || section == "service" || section == "device":
		l.problem(Cmdline, []string{name}, fault{
			what: section + "s have no form on the kernel command line",
			want: "a [[" + section + "]] table in " + Path,
		})
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
func (l *loader) addToTable(k *key, name string, p cmdline.Param) {
	field := k.field(place{c: l.c}).(*env)
	if p.Bare {
		l.problem(Cmdline, append(keyPath(k.name, ""), name), fault{what: "no value", want: p.Name + "=VALUE", used: literal(field)})
		return
	}
	list := slices.Clone(*field)
	if faults := k.addEnv(&list, name, p.Value); len(faults) > 0 {
		f := faults[0]
		if f.want == "" {
			f.want = k.want
		}
		f.used = literal(field)
		l.problem(Cmdline, keyPath(k.name, ""), f)
		return
	}
	*field = list
	l.mark(k.name, "", Cmdline)
}

// beaminitNetwork takes over beaminit.network.IFACE.KEY=VALUE.
func (l *loader) beaminitNetwork(p cmdline.Param, rest string) {
	iface, name := cutInterface(rest, true)
	if name == "" {
		l.unknown(Cmdline, strings.Split(p.Name, ".")[1:])
		return
	}
	k := find("network", name, true)
	switch {
	case k == nil:
		l.unknown(Cmdline, []string{"network", iface, name})
	case !isInterface(iface):
		l.problem(Cmdline, []string{"network", iface}, badInterface(iface))
	case k.name == "network.route":
		l.problem(Cmdline, []string{"network", iface, name}, fault{
			what: "routes have no form on the kernel command line",
			want: "network.IFACE.route in " + Path,
		})
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
	return fault{what: lex.Quote(name) + " is no name of an interface", want: `1 to 15 bytes without blank, / and :, such as "eth0"`}
}

// setText gives a key the value that stands on the kernel command line.
func (l *loader) setText(k *key, n *Network, p cmdline.Param) {
	field := k.field(place{c: l.c, n: n})
	if _, ok := field.(*bool); p.Bare && !ok {
		iface := ""
		if n != nil {
			iface = n.Interface
		}
		l.problem(Cmdline, keyPath(k.name, iface), fault{what: "no value", want: k.want, used: l.used(k, field)})
		return
	}
	l.set(k, n, Cmdline, text(field, p))
}

// text makes of the words of the kernel command line what the TOML parser would have
// made for a field of this type, or leaves them as they are where they do not fit.
func text(field any, p cmdline.Param) any {
	switch field.(type) {
	case *int:
		if i, err := strconv.ParseInt(p.Value, 10, 64); err == nil {
			return i
		}
	case *bool:
		switch p.Value {
		case "1", "true", "on", "yes":
			return true
		case "0", "false", "off", "no":
			return false
		case "":
			if p.Bare {
				return true
			}
		}
	default:
		if isList(field) {
			return items(p)
		}
	}
	return p.Value
}

// items makes a list of a value: an array as TOML has it, or words with commas between. A
// comma in "…" is none of those; quotes around the value as a whole are only the kernel's.
func items(p cmdline.Param) []any {
	s := p.Written
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
