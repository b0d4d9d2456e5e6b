// Package fstab reads fstab(5): the entries of a file, and which options its fourth field can
// have. What of them is mounted is for others to say.
package fstab

import (
	"slices"
	"strings"

	"github.com/beaminit/beaminit/config/lex"
)

// Entry is one line of a file.
type Entry struct {
	Line                 int  // from 1
	Fields               int  // how many it has
	OK                   bool // it has as many as there can be, and no control characters; else there is no more to it
	Source, Target, Type string
	Options              []string // without the word defaults where it stands alone
	Check                bool     // by fsck(8)
}

// Parse reads the lines of a file that are no comments.
func Parse(text string) (entries []Entry) {
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line != "" && line[0] != '#' {
			e := parseFields(strings.Fields(line))
			e.Line = n + 1
			entries = append(entries, e)
		}
	}
	return entries
}

func parseFields(fields []string) (e Entry) {
	comment := slices.IndexFunc(fields, func(f string) bool { return f[0] == '#' })
	if comment > 2 { // as libmount has it
		fields = fields[:comment]
	}
	e.Fields = len(fields)
	if len(fields) < 3 || len(fields) > 6 || !lex.IsPrintable(strings.Join(fields, "")) {
		return e
	}
	e.OK = true
	e.Source, e.Target, e.Type = UnquoteTag(unescape(fields[0])), unescape(fields[1]), fields[2]
	if len(fields) > 3 && fields[3] != "defaults" {
		e.Options = strings.Split(unescape(fields[3]), ",")
	}
	e.Check = len(fields) > 5 && fields[5] != "0"
	return e
}

// UnquoteTag takes away the quotes round the value of UUID="…" and its like, which
// mount(8) takes too.
func UnquoteTag(s string) string {
	if tag, value, ok := strings.Cut(s, "=\""); ok && !strings.Contains(tag, "/") && strings.HasSuffix(value, "\"") {
		return tag + "=" + strings.TrimSuffix(value, "\"")
	}
	return s
}

// unescape turns \040 and its like into what they stand for (getmntent(3)).
func unescape(s string) string {
	for _, e := range [...][2]string{{`\040`, " "}, {`\011`, "\t"}, {`\012`, "\n"}, {`\134`, `\`}} {
		s = strings.ReplaceAll(s, e[0], e[1])
	}
	return s
}
