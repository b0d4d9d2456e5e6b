package history

import "strings"

// List is a history for people: a line for each entry, newest last, and lines below it
// for what else is known.
func List(entries []Entry) string {
	var b strings.Builder
	row := func(c ...string) {
		line := ""
		for i, width := range [...]int{21, 8, 10, 6} {
			line += c[i] + strings.Repeat(" ", max(width-len(c[i]), 1))
		}
		b.WriteString(strings.TrimRight(line+c[4], " ") + "\n")
	}
	row("TIME (UTC)", "UP", "BOOT", "", "")
	for i, e := range entries {
		row(strings.TrimPrefix(moment(e.At), " "), length(e.Up), hex(e.Boot), string(e.Kind), told(e))
		for _, more := range e.evidence() {
			if more.text != "" {
				row("", "", "", "", more.name+": "+more.text)
			}
		}
		// Whether the last boot in it is over cannot be known here.
		over := i+1 < len(entries) && entries[i+1].Boot != e.Boot
		if over && downOf(entries[firstOf(entries, i):i+1]) == nil {
			row("", "", hex(e.Boot), "", wordless)
		}
	}
	return b.String()
}

// told is what an entry says.
func told(e Entry) string {
	switch e.Kind {
	case Up:
		return "the release answers, " + length(e.Ran) + " after its start"
	case End:
		return strings.TrimPrefix(strings.TrimPrefix(ended(e), ": "), " ")
	}
	return e.Why
}
