package config

import (
	"slices"
	"strings"

	"github.com/beaminit/beaminit/config/lex"
)

// unknown reports a key that there is none of, with the one that was perhaps meant.
func (l *loader) unknown(from Source, path []string) {
	if len(l.c.Problems) > maxProblems {
		return // to look for the nearest of thousands takes its time
	}
	meant := suggest(path)
	if from == Cmdline { // as people wrote it, and are to write it
		path = append([]string{"beaminit"}, path...)
		if meant != "" && meant[0] != '[' {
			meant = "beaminit." + meant
		}
	}
	l.problem(from, path, fault{what: unknownKey(meant)})
}

func unknownKey(meant string) string {
	if meant == "" {
		return "unknown key, ignored"
	}
	return "unknown key, ignored; did you mean " + meant + "?"
}

// suggest is the key nearest to one that there is none of: one with a name alike in
// this table or another, or for a single word the table; empty: none is near.
func suggest(path []string) string {
	word := path[len(path)-1]
	if k := find(path[0], otherWord(word), false); k != nil && len(path) > 1 {
		return join(append(slices.Clone(path[:len(path)-1]), otherWord(word)))
	}
	best, least := "", 1<<10
	try := func(candidate string, distance int) {
		if distance < least {
			best, least = candidate, distance
		}
	}
	for i := range keys {
		section, last, _ := strings.Cut(keys[i].name, ".")
		full := keys[i].name
		if section == "network" {
			full = "network.IFACE." + last
			if path[0] == section && len(path) > 2 {
				full = "network." + path[1] + "." + last
			}
		}
		try(full, lex.Distance(join(path), full))
		if last != "" {
			d := lex.Distance(word, last)
			if d > 0 && len(word) > 2 && strings.HasPrefix(last, word) {
				d = 1 // cookie for cookie_file
			}
			if len(path) == 1 || path[0] != section {
				d++
			}
			if t := keys[i].table(); t != "" && t != "network" && t != path[0] {
				d++
			}
			try(full, d)
		}
		if len(path) == 1 {
			try("["+section+"]", lex.Distance(word, section))
		}
	}
	if least > 1+len(word)/3 {
		return ""
	}
	return best
}

// otherWords are what other programs call a key of ours.
var otherWords = [...]struct{ theirs, ours string }{
	{"addr", "address"}, {"addresses", "address"}, {"command", "exec"}, {"cmd", "exec"},
	{"device", "source"}, {"environment", "env"}, {"fstype", "type"}, {"ip", "address"},
	{"name_servers", "servers"}, {"nameservers", "servers"}, {"opts", "options"}, {"restart", "on_exit"},
	{"routes", "route"}, {"what", "source"}, {"where", "target"},
}

// otherWord is the key that another program calls by this word; empty: none.
func otherWord(word string) string {
	for _, w := range &otherWords {
		if w.theirs == word {
			return w.ours
		}
	}
	return ""
}

// nearest is the word of a list that is nearest to one, or that another program calls so;
// empty: none is near.
func nearest(word string, list []string) string {
	if other := otherWord(word); slices.Contains(list, other) {
		return other
	}
	return lex.Nearest(word, list)
}
