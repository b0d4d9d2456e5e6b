package release

import "bytes"

// tokenise splits the text of an -args_file into arguments as erlexec does
// (erts/etc/common/erlexec.c, build_args_from_string): blanks separate, quotes of
// either kind and a backslash protect, # starts a comment even in the middle of a
// word, a NUL ends the text, an open quote is closed by the end. A backslash
// within quotes is a backslash. In the variables ERL_FLAGS, ERL_AFLAGS and
// ERL_ZFLAGS there are no comments.
func tokenise(text []byte, comments bool) []string {
	if end := bytes.IndexByte(text, 0); end >= 0 {
		text = text[:end]
	}
	var tokens []string
	var word []byte
	in := false // a word, which may be empty so far
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case isBlank(c) || c == '#' && comments:
			if in {
				tokens = append(tokens, string(word))
				word, in = word[:0], false
			}
			if c == '#' {
				i = endOf(text, i, '\n')
			}
		case c == '\'' || c == '"':
			end := endOf(text, i+1, c)
			word, in = append(word, text[i+1:end]...), true
			i = end
		case c == '\\':
			in = true
			if i++; i < len(text) {
				word = append(word, text[i])
			}
		default:
			word, in = append(word, c), true
		}
	}
	if in {
		tokens = append(tokens, string(word))
	}
	return tokens
}

func isBlank(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// endOf is the index of the first c at or after i, or the end of the text.
func endOf(text []byte, i int, c byte) int {
	if n := bytes.IndexByte(text[i:], c); n >= 0 {
		return i + n
	}
	return len(text)
}

// appendQuoted writes a token so that erlexec reads the same one.
func appendQuoted(b []byte, token string) []byte {
	if plain(token) {
		return append(b, token...)
	}
	b = append(b, '\'')
	for i := 0; i < len(token); i++ {
		if token[i] == '\'' {
			b = append(b, `'\'`...) // nothing escapes a quote within quotes
		}
		b = append(b, token[i])
	}
	return append(b, '\'')
}

// plain says whether a token can stand as it is.
func plain(token string) bool {
	for i := 0; i < len(token); i++ {
		if c := token[i]; isBlank(c) || c == '\'' || c == '"' || c == '\\' || c == '#' {
			return false
		}
	}
	return token != ""
}

// appendArgs writes tokens as the text of an -args_file, one flag with its values
// a line.
func appendArgs(b []byte, tokens []string) []byte {
	for i, t := range tokens {
		if i > 0 {
			if isFlag(t) {
				b = append(b, '\n')
			} else {
				b = append(b, ' ')
			}
		}
		b = appendQuoted(b, t)
	}
	if len(tokens) > 0 {
		b = append(b, '\n')
	}
	return b
}

// isFlag says whether a token ends the values of the flag before it (init(3)).
func isFlag(t string) bool { return t != "" && (t[0] == '-' || t[0] == '+') }
