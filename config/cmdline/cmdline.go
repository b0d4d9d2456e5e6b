// Package cmdline reads the kernel command line by the rules of the kernel itself
// (lib/cmdline.c and init/main.c): its parameters, and the words that it leaves to init.
package cmdline

import "strings"

// Param is one parameter.
type Param struct {
	Name, Value string
	Written     string // the value with its quotes
	Bare        bool   // it stands without a =
}

// Params are all of a line, those behind a bare -- too.
func Params(line string) (all []Param) {
	for line = skipSpace(line); line != ""; {
		var p Param
		p, line = next(line)
		all = append(all, p)
	}
	return all
}

// Word gives the value of the last parameter of a name; "1" for one that stands without a
// value.
func Word(line, name string) (value string, there bool) {
	for _, p := range Params(line) {
		if p.Name == name {
			value, there = p.Value, true
			if p.Bare {
				value = "1"
			}
		}
	}
	return value, there
}

// InitArgs is what the kernel makes of its command line for its init, without the
// program's name: what follows a bare --, and before it each word without = that is no
// parameter of a module (init/main.c, unknown_bootoption and set_init_arg). The kernel
// leaves out those that it knows itself; none of them begins with a -.
func InitArgs(line string) (args []string) {
	after := false
	for _, p := range Params(line) {
		switch {
		case after && p.Bare:
			args = append(args, p.Name)
		case after:
			args = append(args, p.Name+"="+p.Value)
		case p.Bare && p.Name == "--":
			after = true
		case p.Bare && !strings.Contains(p.Name, "."):
			args = append(args, p.Name)
		}
	}
	return args
}

// next cuts the first parameter off a command line by the rule of the kernel's
// next_arg (lib/cmdline.c): white space separates; "…" protects it and may stand around
// the whole parameter, around the value, or anywhere within; there are no escapes. line
// has no white space in front (see skipSpace), and rest has none either.
func next(line string) (p Param, rest string) {
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
		return Param{Name: whole, Bare: true}, rest
	}
	p.Name, p.Written = word[:equals], word[equals+1:]
	if quoted {
		p.Written = strings.TrimSuffix(p.Written, `"`)
	}
	if len(whole) > equals {
		p.Value = whole[equals+1:]
	}
	p.Value = strings.TrimPrefix(p.Value, `"`)
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

// CutOff cuts the last parameter off a command line that is as long as the limits there
// are (COMMAND_LINE_SIZE of the architecture, or a boot loader's own): what stands there
// may be a part of what was meant. lost is empty where the line is no such one.
func CutOff(line string) (whole, lost string) {
	line = strings.TrimRight(line, "\n")
	size := len(line) + 1 // with its NUL
	if size < 256 || size&(size-1) != 0 || isSpace(line[len(line)-1]) {
		return line, ""
	}
	rest := skipSpace(line)
	for {
		_, next := next(rest)
		if next == "" {
			return line[:len(line)-len(rest)], rest
		}
		rest = next
	}
}
