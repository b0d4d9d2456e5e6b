package release

import (
	"errors"
	"slices"
	"strconv"
	"strings"
)

// readEnvScript takes the variables out of env.sh of a mix release, which its start script
// has a shell read. There is no shell here: a command that sets variables to a text, in which
// other variables may stand, is understood, and what is more than that is a problem of the
// release. What stands between if and fi, or the like, is more than that.
func (r *Release) readEnvScript(fsys FS, env []string) {
	path := r.Dir + "/env.sh"
	text, err := fsys.Read(path, maxFile)
	if err != nil {
		return // it does no more without
	}
	vars := append(r.baseEnv("", "", 0), "RELEASE_COMMAND=start", "RELEASE_PROG="+r.Name)
	depth, count, first := 0, 0, ""
	var lost []string
	for _, c := range commands(string(text)) {
		body, deeper := unwrap(c)
		depth = max(0, depth+deeper)
		set, ok := assignments(body, append(slices.Clip(vars), env...))
		if ok && depth == 0 {
			r.envScript, vars = append(r.envScript, set...), append(vars, set...)
			continue
		}
		names := assigned(body)
		missing := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return has(env, name) })
		if deeper <= 0 && saysOnly(body) || len(names) > 0 && len(missing) == 0 {
			continue
		}
		for _, name := range missing {
			vars = append(vars, name+"="+unknown)
			if !slices.Contains(lost, name) {
				lost = append(lost, name)
			}
		}
		if first == "" {
			first = c
		}
		if deeper == 0 || len(missing) > 0 {
			count++
		}
	}
	if count > 0 {
		r.notRun(path+": has "+strconv.Quote(first), count-1, lost)
	}
}

// has says whether a variable is in an environment, with a value or without.
func has(env []string, name string) bool {
	return name != "" && slices.ContainsFunc(env, func(v string) bool { return strings.HasPrefix(v, name+"=") })
}

// noteProgram tells of what the release's scripts would run, unless programs are run before it: who wrote
// these down has thought of it.
func (r *Release) noteProgram(text, when string) {
	if !r.preRun {
		r.notes = append(r.notes, text+"release.pre_run"+when)
	}
}

// notRun says of env.sh what is not run, and which variables it would have set: who has them in
// release.env has done what is to be done.
func (r *Release) notRun(text string, more int, lost []string) {
	if more > 0 {
		text += " and " + strconv.Itoa(more) + " more for a shell"
	}
	text += ", and is not run: there is no shell; want "
	if len(lost) == 0 {
		r.noteProgram(text, " where it is needed")
		return
	}
	r.problem(errors.New(text + "what it sets in release.env: " + strings.Join(lost[:min(len(lost), 8)], ", ")))
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
			text, n := variable(s[i:], vars, quote != 0)
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
// 0: it is none that is understood, or a shell would have to find out.
func variable(s string, vars []string, quoted bool) (text string, n int) {
	inner, braces := s[1:], strings.HasPrefix(s, "${")
	if braces {
		if n = closing(s, 2, '}'); s[n-1] != '}' {
			return "", 0
		}
		inner = s[2 : n-1]
	}
	end := 0
	for end < len(inner) && isWord(inner[end]) && inner[end] != '@' {
		end++
	}
	name, rest := inner[:end], inner[end:]
	if text = valueOf(vars, name); !isVariable(name) || text == unknown {
		return "", 0
	}
	if !braces {
		return text, 1 + end
	}
	rest, colon := strings.CutPrefix(rest, ":")
	set := text != "" || !colon && has(vars, name) // with : what is empty is not set
	switch {
	case rest == "":
	case rest[0] == '-' || rest[0] == '=':
		if !set {
			return standIn(rest[1:], vars, quoted, n)
		}
	case rest[0] == '+':
		if set {
			return standIn(rest[1:], vars, quoted, n)
		}
	case text != "" || rest[0] != '#' && rest[0] != '%': // of nothing, a part is nothing
		return "", 0
	}
	return text, n
}

// standIn is the value of the word in ${NAME:-word}, or in "${NAME:-word}", where only a " and a $
// mean something.
func standIn(word string, vars []string, quoted bool, n int) (string, int) {
	if quoted {
		if strings.Contains(word, `"`) {
			return "", 0
		}
		word = `"` + word + `"`
	}
	if text, rest, ok := shellValue(word, vars); ok && rest == "" {
		return text, n
	}
	return "", 0
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
