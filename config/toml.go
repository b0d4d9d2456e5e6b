package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/beaminit/beaminit/config/lex"

	"github.com/BurntSushi/toml"
)

// maxTOML is how long beaminit.toml may be in bytes: three times a table of 1000 peers
// with aliases, and little enough that nothing in it can exhaust the stack. maxText is the
// same for what the image brings for other inits.
const (
	maxTOML = 256 << 10
	maxText = 64 << 10
)

// toml takes over what beaminit.toml says.
func (l *loader) toml(text string) {
	if len(text) > maxTOML {
		l.problem(TOML, nil, fault{what: strconv.Itoa(len(text)) + " bytes", want: "256 KiB at most", used: "the defaults"})
		return
	}
	text = strings.TrimPrefix(text, "\ufeff")
	l.c.text = text
	tables, names, err := decode(text)
	if err != nil {
		tables, names = l.parsePrefix(text, err)
	}
	for i, name := range names {
		l.tomlKey(tables, names, i, name)
	}
}

// decode parses a TOML text. names is every key and table header of it in the order of
// the text; Go's maps have none.
func decode(text string) (tables map[string]any, names []toml.Key, err error) {
	if what, line := unparsable(text); line > 0 {
		return nil, nil, toml.ParseError{Message: what, Position: toml.Position{Line: line, Start: len(text)}}
	}
	defer func() { // the parser panics where it meets a bug of its own
		if r := recover(); r != nil {
			tables, names, err = nil, nil, fmt.Errorf("the TOML parser: %v", r)
		}
	}()
	var v any // into an any the parser's own maps go as they are, without reflection
	meta, err := toml.Decode(text, &v)
	if err != nil {
		return nil, nil, err
	}
	tables, _ = v.(map[string]any)
	return tables, meta.Keys(), nil
}

// parsePrefix says what is wrong with a text that does not parse, and gives what stands
// before that place, if it parses alone. If not (the error may be the end of something
// that began earlier, such as a string without its second quote), it goes back table by
// table.
func (l *loader) parsePrefix(text string, err error) (map[string]any, []toml.Key) {
	p := Problem{File: Path, What: err.Error(), Want: "TOML 1.0: text in double quotes, lists in [ ]", Used: "the defaults"}
	cut := len(text)
	var at toml.ParseError
	if errors.As(err, &at) && at.Position.Line > 0 {
		p.What = at.Message
		p.Line = at.Position.Line
		if start := at.Position.Start; start >= 0 && start < len(text) {
			// The parser counts an unexpected end of a line as the next line.
			p.Line = min(p.Line, 1+strings.Count(text[:start], "\n"))
		}
		cut = lineStart(text, p.Line)
		p.What += " (" + lex.Quote(strings.TrimSpace(lineAt(text, cut))) + ")"
	}
	for try := 0; try < 64 && cut > 0; try++ {
		tables, names, err := decode(text[:cut])
		if err == nil {
			p.Used = "what stands before line " + strconv.Itoa(1+strings.Count(text[:cut], "\n"))
			l.c.Problems = append(l.c.Problems, p)
			return tables, names
		}
		cut = 1 + strings.LastIndex(text[:cut-1], "\n[")
	}
	l.c.Problems = append(l.c.Problems, p)
	return nil, nil
}

// unparsable finds what the parser must not be given, and its line; 0: nothing. A byte that
// is no UTF-8, or a control character, can make the parser wait for itself for ever;
// and its time for deep nesting grows with the third power of the depth.
func unparsable(text string) (what string, line int) {
	for i := 0; i < len(text); i++ {
		if isControl(text[i]) && !strings.HasPrefix(text[i:], "\r\n") {
			return "control characters", 1 + strings.Count(text[:i], "\n")
		}
	}
	if !utf8.ValidString(text) {
		for i, r := range text {
			if r != utf8.RuneError {
				continue
			}
			if _, n := utf8.DecodeRuneInString(text[i:]); n == 1 {
				return "bytes that are no UTF-8", 1 + strings.Count(text[:i], "\n")
			}
		}
	}
	if strings.Count(text, ".") <= 64 && strings.Count(text, "[")+strings.Count(text, "{") <= 64 {
		return "", 0 // the usual file, and cheap to see; all 64 in one key do no harm
	}
	return "more than 24 levels of keys or brackets", nestingTooDeep(text)
}

// isControl says that TOML has no such byte but in the end of a line (\r\n).
func isControl(c byte) bool { return c < ' ' && c != '\n' && c != '\t' || c == 0x7f }

const deepest = 24

// nestingTooDeep is the number of the first line where keys or brackets are nested deeper than
// that; 0: nowhere. It does not look for strings, so that of a brace in one it may think
// too much; only a multitude of them could deceive it.
func nestingTooDeep(text string) int {
	line, dots, depth := 1, 0, 0
	comment := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\n':
			line, dots, comment = line+1, 0, false
		case comment:
		case c == '#':
			comment = true
		case c == '.':
			dots++
		case c == '[' || c == '{':
			dots, depth = 0, depth+1
		case c == ']' || c == '}':
			depth = max(0, depth-1)
		case c == '=' || c == ',':
			dots = 0
		}
		if dots > deepest || depth > deepest {
			return line
		}
	}
	return 0
}

// tomlKey takes over one key of the file, the ith of names.
func (l *loader) tomlKey(tables map[string]any, names []toml.Key, i int, name toml.Key) {
	section := name[0]
	if k := listKey(section); k != nil {
		if first(names, i, 1) {
			l.set(k, nil, TOML, tables[section])
		}
		return
	}
	if !isSection(section) {
		l.unknown(TOML, name[:1])
		return
	}
	table, ok := l.tomlTable(tables, name[:1], "the defaults")
	switch {
	case !ok || len(name) == 1:
	case section == "network":
		l.tomlNetwork(table, names, i, name)
	case section == "peers":
		if first(names, i, 2) {
			l.peerValue(name[1], table[name[1]])
		}
	default:
		l.tomlIn(section, nil, table, names, i, name, 1)
	}
}

// listKey is the key of a list of tables at the top: [[mount]]; nil: there is none.
func listKey(section string) *key {
	for i := range keys {
		if k := &keys[i]; k.name == section && section != "peers" {
			return k
		}
	}
	return nil
}

// tomlTable is the table that a path leads to, in the table above it.
func (l *loader) tomlTable(above map[string]any, path toml.Key, used string) (table map[string]any, ok bool) {
	v := above[path[len(path)-1]]
	if table, ok = v.(map[string]any); !ok {
		f := mistyped(v, TOML, "a table")[0]
		f.want, f.used = "a table: ["+join(path)+"]", used
		l.problem(TOML, path, f)
	}
	return table, ok
}

// tomlIn takes over the key name[depth] of a table, or what lies in it where it is a table
// itself: [distribution.tls], [network.eth0.vlan].
func (l *loader) tomlIn(section string, n *Network, table map[string]any, names []toml.Key, i int, name toml.Key, depth int) {
	k := find(section, name[depth], false)
	switch inner := section + "." + name[depth]; {
	case k != nil && first(names, i, depth+1):
		l.set(k, n, TOML, table[name[depth]])
	case k != nil:
	case isSection(inner):
		below, ok := l.tomlTable(table, name[:depth+1], "nothing of it")
		if ok && len(name) > depth+1 {
			l.tomlIn(inner, n, below, names, i, name, depth+1)
		}
	case first(names, i, depth+1):
		l.unknown(TOML, name[:depth+1])
	}
}

// tomlNetwork takes over a key of [network.IFACE].
func (l *loader) tomlNetwork(table map[string]any, names []toml.Key, i int, name toml.Key) {
	iface := name[1]
	keys, ok := table[iface].(map[string]any)
	if !ok {
		f := mistyped(table[iface], TOML, "a table")[0]
		f.want, f.used = "a table for each interface: [network.eth0]", "nothing of it"
		l.problem(TOML, name[:2], f)
		return
	}
	if !isInterface(iface) {
		f := badInterface(iface)
		f.used = "nothing of it"
		l.problem(TOML, name[:2], f)
		return
	}
	n := l.c.network(iface)
	if len(name) > 2 {
		l.tomlIn("network", n, keys, names, i, name, 2)
	}
}

// first says whether the ith of names is the first with its first n parts. The parser
// lists a table header, a key in the table, and a dotted key that reaches into it each
// for itself.
func first(names []toml.Key, i, n int) bool {
	name := names[i]
	if len(name) == n && (n > 1 || listKey(name[0]) == nil) {
		return true
	}
	for j := i - 1; j >= 0; j-- { // mostly the one before
		if len(names[j]) >= n && equal(names[j][:n], name[:n]) {
			return false
		}
	}
	return true
}

func equal(a, b []string) bool {
	for i := len(a) - 1; i >= 0; i-- {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
