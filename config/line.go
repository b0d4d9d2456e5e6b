package config

import "strings"

// lineOf finds the line of a key in the text of beaminit.toml, for the parser keeps it
// to itself: the line where the key stands, else that of the last key or table header
// on the way to it; 0: it stands nowhere. nth counts the tables of an array of tables
// from 0. It reads headers and keys only: a line inside a multi-line string that looks
// like a key may deceive it, which costs no more than a wrong number in a message.
func lineOf(text string, path []string, nth int) int {
	if len(path) == 0 {
		return 0
	}
	var here []string // the table that the header named
	best, depth, line := 0, 0, 0
	seen := -1 // headers of the array of tables so far
	for text != "" {
		var s string
		s, text, _ = strings.Cut(text, "\n")
		line++
		s = strings.TrimSpace(strings.TrimPrefix(s, "\ufeff"))
		if s == "" || s[0] == '#' {
			continue
		}
		var name []string
		if s[0] == '[' {
			here, _ = dottedKey(strings.TrimLeft(s, "["))
			name = here
			if strings.HasPrefix(s, "[[") && onPath(here, path) {
				seen++
			}
		} else {
			key, ok := dottedKey(s)
			if !ok {
				continue
			}
			name = append(append([]string(nil), here...), key...)
		}
		if best == 0 && len(name) > len(path) && onPath(path, name) {
			best = line // a table of which the header or key names a part only
		}
		if !onPath(name, path) || seen >= 0 && seen != nth {
			continue
		}
		if len(name) > depth {
			best, depth = line, len(name)
		}
	}
	return best
}

// onPath says whether a path leads through a name. Case does not count, for peers are
// known by their names in lower case.
func onPath(name, path []string) bool {
	if len(name) == 0 || len(name) > len(path) {
		return false
	}
	for i := range name {
		if !strings.EqualFold(name[i], path[i]) {
			return false
		}
	}
	return true
}

// dottedKey reads a key up to its = or ]: bare and quoted parts with dots between. ok
// is false where there is none.
func dottedKey(s string) (parts []string, ok bool) {
	for {
		s = strings.TrimLeft(s, " \t")
		var part string
		if s != "" && (s[0] == '"' || s[0] == '\'') {
			end := strings.IndexByte(s[1:], s[0])
			if end < 0 {
				return nil, false
			}
			part, s = s[1:1+end], s[2+end:]
		} else {
			end := strings.IndexAny(s, " \t.=]")
			if end <= 0 {
				return nil, false
			}
			part, s = s[:end], s[end:]
		}
		parts = append(parts, part)
		s = strings.TrimLeft(s, " \t")
		if s == "" || s[0] != '.' {
			return parts, s != "" && (s[0] == '=' || s[0] == ']')
		}
		s = s[1:]
	}
}

// lineStart is the offset of a line, counted from 1.
func lineStart(text string, line int) int {
	at := 0
	for ; line > 1; line-- {
		end := strings.IndexByte(text[at:], '\n')
		if end < 0 {
			return len(text)
		}
		at += end + 1
	}
	return at
}

func lineAt(text string, at int) string {
	line, _, _ := strings.Cut(text[at:], "\n")
	return line
}
