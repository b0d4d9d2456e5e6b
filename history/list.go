package history

import "strings"

// List is a history for people: a line for each entry, newest last, and lines below it
// for what else is known.
func List(entries []Entry) string {
	text := columns("TIME (UTC)", "UP", "BOOT", "", "")
	for i := range entries {
		e := &entries[i]
		what := summary(e) + more(e, "\n"+strings.Repeat(" ", lead))
		text += columns(strings.TrimPrefix(moment(e.At), " "), length(e.Up), hex(e.Boot), string(e.Kind), what)
		// Whether the last boot in it is over cannot be known here.
		over := i+1 < len(entries) && entries[i+1].Boot != e.Boot
		if over && downOf(entries[firstOf(entries, i):i+1]) == nil {
			text += columns("", "", hex(e.Boot), "", uncleanShutdown)
		}
	}
	return text
}

// lead is how many columns stand before what an entry says.
const lead = 21 + 8 + 10 + 6

func columns(at, up, boot, kind, what string) string {
	line := column(at, 21) + column(up, 8) + column(boot, 10) + column(kind, 6) + what
	return strings.TrimRight(line, " ") + "\n"
}

func column(text string, width int) string {
	return text + strings.Repeat(" ", max(width-len(text), 1))
}

// summary is what an entry says.
func summary(e *Entry) string {
	switch e.Kind {
	case Up:
		return "the release is up, " + length(e.Ran) + " after its start"
	case End:
		return strings.TrimPrefix(strings.TrimPrefix(ended(e), ": "), " ")
	}
	return e.Why
}
