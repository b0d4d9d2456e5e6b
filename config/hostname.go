package config

import (
	"errors"
	"io/fs"
	"strings"

	"github.com/beaminit/beaminit/config/lex"
)

// setHostname takes a host name, or a pattern for one, as what a source wants. ok says
// that it can be used; it may be so with a fault, where bytes have to be left out.
func (l *loader) setHostname(from Source, s string) (ok bool, faults []fault) {
	switch {
	case !lex.IsPrintable(s) || s == "":
		return false, []fault{{what: lex.Quote(s) + " is no host name", want: wantHostname}}
	case isLocalhost(s):
		return false, []fault{{what: lex.Quote(s) + " names no node: every one has it", want: wantHostname}}
	case !strings.Contains(s, "%"):
		name := clean(s)
		if !isHostname(name) {
			return false, []fault{{what: lex.Quote(s) + " is no host name", want: wantHostname}}
		}
		if name != strings.ToLower(s) {
			faults = []fault{{what: lex.Quote(s) + " is no host name", want: wantHostname}}
		}
	default:
		if _, ok := fill(s, ""); !ok {
			return false, []fault{{what: lex.Quote(s) + " is no pattern", want: "%s, %.4s (the first four of the board's id) or %-.4s (the last four)"}}
		}
	}
	l.hosts[from] = wantedHost{s, l.line}
	return true, faults
}

// hostnameProblem is a problem of node.hostname.
func (l *loader) hostnameProblem(from Source, f fault) {
	l.problem(from, []string{"node", "hostname"}, f)
}

// isLocalhost has the names of every node, by RFC 6761 (6.3) and by use.
func isLocalhost(s string) bool {
	label, _, _ := strings.Cut(strings.ToLower(s), ".")
	return label == "localhost" || label == "localhost4" || label == "localhost6" || s == "(none)"
}

// hostname settles the host name: the strongest source with a valid one has it. The
// board's id, /etc/hostname and the MAC are read only where they are needed.
func (l *loader) hostname(s Sources) {
	name := &l.c.Node.Hostname
	for from := Cmdline; from >= Erlinit && *name == ""; from-- {
		wanted := l.hosts[from]
		l.line, l.option = wanted.line, ""
		if wanted.pattern != "" && l.expand(name, from, wanted.pattern) {
			l.mark("node.hostname", "", from)
		}
	}
	l.line = 0
	l.c.wanted = l.hosts[ErlinitArgs].pattern
	for from := TOML; from >= Erlinit && l.c.wanted == ""; from-- {
		l.c.wanted = l.hosts[from].pattern
	}
	if *name == "" && s.Environment != nil && isHostname(s.Hostname) {
		*name = s.Hostname
		l.mark("node.hostname", "", Environment)
	}
	if *name == "" && l.etcHostname(name) {
		l.mark("node.hostname", "", EtcHostname)
	}
	if *name == "" {
		l.deriveHostname(name)
	}
	for i := range l.c.Problems {
		if p := &l.c.Problems[i]; (p.Key == "node.hostname" || p.Key == "-n" || p.Key == "--hostname-pattern") && p.Used == "" {
			p.Used = lex.Quote(*name)
		}
	}
}

// expand makes the host name of a pattern. The result is in lower case and only of
// [a-z0-9.-], as erlinit has it; other than there, hyphens and dots at its ends go too,
// because RFC 1123 has no such names.
func (l *loader) expand(name *string, from Source, pattern string) bool {
	if !strings.Contains(pattern, "%") {
		*name = clean(pattern)
		return true
	}
	id, why := l.boardID()
	if id == "" {
		l.hostnameProblem(from, fault{
			what: lex.Quote(pattern) + " needs the board's id, but " + why,
			want: `node.id = "file:/path", or a plain host name`,
		})
		return false
	}
	s, _ := fill(pattern, id)
	s = clean(s)
	if !isHostname(s) {
		l.hostnameProblem(from, fault{
			what: lex.Quote(pattern) + " gives " + lex.Quote(s) + ", which is no host name",
			want: wantHostname,
		})
		return false
	}
	*name = s
	return true
}

// fill puts an id in the place of %s, its first N bytes in that of %.Ns, its last N in
// that of %-.Ns. ok is false where a % begins none of these.
func fill(pattern, id string) (s string, ok bool) {
	b := make([]byte, 0, 64)
	for i := 0; i < len(pattern); i++ {
		if pattern[i] != '%' {
			b = append(b, pattern[i])
			continue
		}
		rest := pattern[i+1:]
		last := strings.HasPrefix(rest, "-.")
		verb := strings.TrimPrefix(rest, "-")
		n := len(id)
		if strings.HasPrefix(verb, ".") {
			digits := 1
			n = 0
			for digits < len(verb) && digits < 3 && verb[digits] >= '0' && verb[digits] <= '9' {
				n = n*10 + int(verb[digits]-'0')
				digits++
			}
			if n == 0 {
				return "", false
			}
			verb = verb[digits:]
		} else if len(verb) != len(rest) {
			return "", false
		}
		if !strings.HasPrefix(verb, "s") {
			return "", false
		}
		n = min(n, len(id))
		if last {
			b = append(b, id[len(id)-n:]...)
		} else {
			b = append(b, id[:n]...)
		}
		i = len(pattern) - len(verb)
	}
	return string(b), true
}

// clean leaves of a host name what may be in one.
func clean(s string) string {
	b := make([]byte, 0, 64)
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if lex.IsAlnum(c) || c == '-' || c == '.' {
			b = append(b, c)
		}
	}
	return strings.Trim(string(b), "-.")
}

// etcHostname reads /etc/hostname by the rule of hostname(5): one name, comments begin
// with #.
func (l *loader) etcHostname(name *string) bool {
	data, err := l.read(EtcHostnamePath)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			l.hostnameProblem(EtcHostname, fault{what: "cannot be read: " + err.Error()})
		}
		return false
	}
	for rest, line := string(data), ""; rest != ""; {
		line, rest, _ = strings.Cut(rest, "\n")
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if isLocalhost(line) { // what an image has that nobody gave a name
			return false
		}
		_, faults := l.setHostname(EtcHostname, line)
		for _, f := range faults {
			l.hostnameProblem(EtcHostname, f)
		}
		return l.hosts[EtcHostname].pattern != "" && l.expand(name, EtcHostname, line)
	}
	return false
}

// deriveHostname is the last resort: a name from the MAC, which differs from node to
// node and is the same at each boot.
func (l *loader) deriveHostname(name *string) {
	id, why := l.mac()
	if id != "" {
		*name = clean("beaminit-" + id[len(id)-6:])
		l.mark("node.hostname", "", Derived)
		return
	}
	*name = "beaminit-node"
	l.hostnameProblem(Derived, fault{
		what: "nothing names this node, and " + why,
		want: "node.hostname in " + Path + " or hostname= on the " + cmdlineName,
	})
}

// Domain is that of this node and of peers that are named without one: that of
// node.hostname, else node.domain, else the first of dns.search; empty: there is none.
func (c *Config) Domain() string {
	if _, domain, ok := strings.Cut(c.Node.Hostname, "."); ok {
		return domain
	}
	if c.Node.Domain == "" && len(c.DNS.Search) > 0 {
		return c.DNS.Search[0]
	}
	return c.Node.Domain
}
