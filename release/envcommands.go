package release

import "strings"

// unknown is the value of a variable that only a shell could find out.
const unknown = "\x00"

// commands cuts a script of sh(1) at the ends of its lines and at ;, where they are not quoted.
// Comments and here-documents are left out.
func commands(s string) (list []string) {
	s = strings.ReplaceAll(s, "\\\n", "")
	start, here := 0, ""
	for i := 0; i <= len(s); {
		switch {
		case i == len(s) || s[i] == '\n' || s[i] == ';' || s[i] == '#' && (i == start || isBlank(s[i-1])):
			if c := strings.TrimSpace(s[min(start, i):i]); c != "" {
				list = append(list, c)
			}
			if i < len(s) && s[i] == '#' {
				i = endOf([]byte(s), i, '\n')
			}
			if i++; here != "" && i <= len(s) && s[i-1] == '\n' {
				i, here = behindDocument(s, i, here), ""
			}
			start = i
		case strings.HasPrefix(s[i:], "<<") && here == "":
			word, _, _ := strings.Cut(strings.TrimLeft(s[i+2:], "- \t"), "\n")
			word, _, _ = strings.Cut(word, " ")
			here = strings.Trim(word, `'"\`)
			i += 2
		default:
			i = beyond(s, i)
		}
	}
	return list
}

// behindDocument is the index behind the here-document that begins at i and ends with a line.
func behindDocument(s string, i int, end string) int {
	for i < len(s) {
		line, rest, _ := strings.Cut(s[i:], "\n")
		if i = len(s) - len(rest); strings.TrimLeft(line, "\t") == end {
			break
		}
	}
	return i
}

// beyond is the index behind what begins at i: a text in quotes, $(…), ${…}, (…), or a byte.
func beyond(s string, i int) int {
	next := byte(0)
	if i+1 < len(s) {
		next = s[i+1]
	}
	switch c := s[i]; {
	case c == '\\':
		return min(i+2, len(s))
	case c == '\'' || c == '"' || c == '`':
		return closing(s, i+1, c)
	case c == '(':
		return closing(s, i+1, ')')
	case c == '$' && next == '(':
		return closing(s, i+2, ')')
	case c == '$' && next == '{':
		return closing(s, i+2, '}')
	}
	return i + 1
}

// closing is the index behind the byte that ends what has begun before i, or the end.
func closing(s string, i int, end byte) int {
	for i < len(s) && s[i] != end {
		if end == '\'' || end == '"' && (s[i] == '\'' || s[i] == '(') {
			i++
		} else {
			i = beyond(s, i)
		}
	}
	return min(i+1, len(s))
}

// unwrap gives a command without the words of sh(1) around it, and how much deeper in if, case,
// loops, functions and groups it stands than the one before.
func unwrap(c string) (body string, deeper int) {
	for {
		word, rest, _ := strings.Cut(c, " ")
		if name, behind, is := strings.Cut(c, "()"); is && isVariable(strings.TrimSpace(name)) {
			word, rest = "then", behind
		}
		if pattern, behind, is := strings.Cut(c, ")"); is && !strings.ContainsAny(pattern, "( ") { // of case
			word, rest = "then", behind
		}
		switch word {
		case "if", "case", "do", "{":
			deeper++
		case "fi", "esac", "done", "}":
			deeper--
		case "then", "else":
		default:
			if strings.HasSuffix(c, " {") {
				deeper++
			}
			return c, deeper
		}
		c = strings.TrimSpace(rest)
	}
}

// assignments reads a command that sets variables and does nothing else, with or without
// export: NAME=value. ok is false for any other.
func assignments(c string, vars []string) (set []string, ok bool) {
	rest, export := strings.CutPrefix(c, "export")
	export = export && rest != "" && isBlank(rest[0])
	if !export {
		rest = c
	}
	for rest = strings.TrimSpace(rest); rest != ""; rest = strings.TrimSpace(rest) {
		end := 0
		for end < len(rest) && isWord(rest[end]) {
			end++
		}
		name := rest[:end]
		rest = rest[end:]
		switch {
		case !isVariable(name):
			return nil, false
		case strings.HasPrefix(rest, "="):
			known := vars
			if !export { // the words of a builtin are made before it is run
				known = append(vars, set...)
			}
			value, behind, ok := shellValue(rest[1:], known)
			if !ok {
				return ofNode(c, vars)
			}
			set, rest = append(set, name+"="+value), behind
		case !export || rest != "" && !isBlank(rest[0]):
			return nil, false
		}
	}
	return set, true
}

// ofNode reads the part before the @ of RELEASE_NODE, which is all that counts of it: the host
// is the node's own, so $(hostname -f) is as good as left out.
func ofNode(c string, vars []string) (set []string, ok bool) {
	name, host, is := strings.Cut(c, "@")
	if !is || strings.Count(c, "=") != 1 || !strings.HasPrefix(strings.TrimPrefix(c, "export "), mixVars.node+"=") {
		return nil, false
	}
	if strings.Count(name, `"`)%2 == 1 {
		name += `"`
	}
	if set, ok = assignments(name, vars); ok && !strings.Contains(strings.ToLower(host), "hostname") {
		set[0] += "@" + strings.Trim(host, `"`)
	}
	return set, ok
}

// assigned are the names of the variables that a command sets, some of them unless something is
// so.
func assigned(c string) (names []string) {
	sets := true
	for i := 0; i < len(c); i++ {
		start := i
		for i < len(c) && !isBlank(c[i]) {
			i = beyond(c, i)
		}
		word := c[start:min(i, len(c))]
		name, _, is := strings.Cut(word, "=")
		switch {
		case is && sets && isVariable(name):
			names = append(names, name)
		case word != "":
			sets = strings.Contains(" export readonly local declare typeset -x && || then else do { ! ", " "+word+" ")
		}
	}
	return names
}

// saysOnly says whether a command does nothing that would be missed.
func saysOnly(c string) bool {
	word, rest, _ := strings.Cut(c, " ")
	return word == "" || strings.Contains(" set : true echo ", " "+word+" ") && !strings.ContainsAny(rest, ">|&=`(")
}
