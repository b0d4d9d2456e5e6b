package release

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
)

// readEnvScript takes the variables out of env.sh of a mix release, which its start script
// has a shell read. There is no shell here: a line that sets a variable to a text, in which
// other variables may stand, is understood, and what is more than that is a problem of the
// release. What stands between if and fi, or the like, is more than that.
func (r *Release) readEnvScript(fsys FS, env []string) {
	path := r.Dir + "/env.sh"
	text, err := fsys.Read(path, maxFile)
	if err != nil {
		return // it does no more without
	}
	vars := append(r.baseEnv("", "", 0), "RELEASE_COMMAND=start", "RELEASE_PROG="+r.Name)
	depth, unknown := 0, ""
	for len(text) > 0 {
		var line []byte
		line, text, _ = bytes.Cut(text, []byte{'\n'})
		l := strings.TrimSpace(string(line))
		word, _, _ := strings.Cut(l, " ")
		switch word {
		case "if", "case", "for", "while", "until":
			depth++
		case "fi", "esac", "done":
			depth--
			continue
		}
		if l == "" || l[0] == '#' || word == "set" {
			continue
		}
		v, ok := assignment(l, append(append([]string(nil), vars...), env...))
		switch {
		case ok && depth == 0 && v != "":
			r.envScript, vars = append(r.envScript, v), append(vars, v)
		case unknown == "" && (!ok || depth > 0):
			unknown = l
		}
	}
	if unknown != "" {
		r.problem(errors.New(path + ": has " + strconv.Quote(unknown) + ", and is not run: there is no shell; want what it sets in release.env"))
	}
}

// assignment reads a line of a shell script that sets a variable, with or without export:
// NAME=value, from the end of which a comment is cut. ok is false for any other line; one
// that exports what is set already gives no variable.
func assignment(line string, vars []string) (v string, ok bool) {
	line, export := strings.CutPrefix(line, "export ")
	name, rest, is := strings.Cut(strings.TrimSpace(line), "=")
	if !isVariable(name) {
		return "", false
	}
	if !is {
		return "", export
	}
	value, rest, ok := shellValue(rest, vars)
	rest = strings.TrimSpace(rest)
	if !ok || rest != "" && rest[0] != '#' {
		return "", false
	}
	return name + "=" + value, true
}

// shellValue reads a word of sh(1): quotes of either kind, backslashes, and variables as
// $NAME, ${NAME} and ${NAME:-standing in}. ok is false where a shell would do more.
func shellValue(s string, vars []string) (value, rest string, ok bool) {
	var b []byte
	quote := byte(0)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quote == 0 && (c == ' ' || c == '\t'):
			return string(b), s[i:], true
		case c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote == '\'':
			b = append(b, c)
		case c == '\\' && i+1 == len(s), c == '~' && quote == 0 && (len(b) == 0 || b[len(b)-1] == ':'):
			return "", "", false // the next line belongs to it; a home
		case c == '\\':
			i++
			if quote == '"' && strings.IndexByte("$`\"\\", s[i]) < 0 { // there it protects no other
				b = append(b, c)
			}
			b = append(b, s[i])
		case c == '`', quote == 0 && strings.IndexByte(";&|<>()", c) >= 0:
			return "", "", false
		case c == '$':
			text, n := variable(s[i:], vars)
			if n == 0 {
				return "", "", false
			}
			b = append(b, text...)
			i += n - 1
		default:
			b = append(b, c)
		}
	}
	return string(b), "", quote == 0
}

// variable gives what stands for the variable at the beginning of s, and how long that is;
// 0: it is none that is understood.
func variable(s string, vars []string) (text string, n int) {
	if inner, found := strings.CutPrefix(s, "${"); found {
		inner, _, closed := strings.Cut(inner, "}")
		name, standIn, has := strings.Cut(inner, ":-")
		if !closed || !isVariable(name) || has && strings.ContainsAny(standIn, "$`\"'\\") {
			return "", 0
		}
		if text = valueOf(vars, name); text == "" {
			text = standIn
		}
		return text, len("${") + len(inner) + len("}")
	}
	for n = 1; n < len(s) && isWord(s[n]) && s[n] != '@'; n++ {
	}
	if !isVariable(s[1:n]) {
		return "", 0
	}
	return valueOf(vars, s[1:n]), n
}

// isVariable says whether a text is a name of a variable of sh(1).
func isVariable(s string) bool {
	for i := 0; i < len(s); i++ {
		if !isWord(s[i]) || s[i] == '@' {
			return false
		}
	}
	return s != "" && !isDigit(s[0])
}
