package boot

import (
	"bytes"
	"slices"
	"strings"
)

// moduleTables are what depmod(8) makes of the modules of a kernel, and the lines of
// modprobe.d(5) that say more: "alias PATTERN MODULE", "softdep MODULE pre: … post: …".
type moduleTables struct {
	dep, alias, softdep, own []byte
}

// aliasPlan are the modules for the devices that call themselves by words (their MODALIAS).
type aliasPlan struct {
	*moduleTables
	barred func(name string) bool
	found  map[string][]string // the modules of a word
	lines  map[string][]byte   // those of modules.dep, of a module by its name
	state  map[string]byte     // of a module: 0, begun or planned
	paths  []string            // in the order to load them
	held   []string            // modules that need one that is barred: "NAME needs NAME"
}

// planAliases gives the files to load for devices, as kmod does: of all modules that have a
// fitting alias those that are not barred, with what they need, and what they like to have
// loaded before or after them. A word that fits none is a device without a driver, or with
// one that is built in. A module that needs one that is barred is not loaded either.
func planAliases(t *moduleTables, words []string, barred func(name string) bool) (paths, held []string) {
	p := &aliasPlan{t, barred, map[string][]string{}, map[string][]byte{}, map[string]byte{}, nil, nil}
	for next, soft := words, false; len(next) > 0; soft = true {
		next = p.resolve(next, soft)
	}
	for _, word := range words {
		p.add(word, false)
	}
	return p.paths, p.held
}

// resolve finds the modules of words, and gives the words of what those like to have beside
// them (soft), of which each can be a module's name too.
func (p *aliasPlan) resolve(words []string, soft bool) (next []string) {
	var names []string
	if soft {
		names = slices.Clip(words)
	}
	for i, line := range depLines(p.dep, names) {
		if line != nil {
			p.found[words[i]] = words[i : i+1]
		}
	}
	for _, table := range [...][]byte{p.own, p.alias} {
		findAliases(table, words, p.found)
	}
	for _, word := range words {
		names = append(names, p.found[word]...)
		if p.found[word] == nil {
			p.found[word] = []string{} // there is none
		}
	}
	for i, line := range depLines(p.dep, names) {
		if line == nil || p.lines[names[i]] != nil {
			continue
		}
		p.lines[names[i]] = line
		for _, path := range needs(line) {
			for _, word := range p.softdeps(moduleName(path)) {
				if word, _ = strings.CutPrefix(word, postMark); p.found[word] == nil {
					next = append(next, word)
				}
			}
		}
	}
	return next
}

// The states of a module: what it likes to have before it is being planned; it is planned.
const (
	begun   = 1
	planned = 2
)

// add plans the modules of a word. One that is only liked (soft) is left out where it needs what
// likes to have it before: nobody can have both.
func (p *aliasPlan) add(word string, soft bool) {
	for _, name := range p.found[word] {
		line := p.lines[name]
		if line == nil || p.isBarred(name, line, soft) {
			continue
		}
		all := needs(line)
		if slices.ContainsFunc(all, func(path string) bool { return p.state[moduleName(path)] == begun }) {
			continue
		}
		for _, path := range all {
			p.addFile(path)
		}
	}
}

// addFile plans one file, once, between what it likes to have before and after it.
func (p *aliasPlan) addFile(path string) {
	name := moduleName(path)
	if p.state[name] != 0 {
		return
	}
	p.state[name] = begun
	soft := p.softdeps(name)
	for _, word := range soft {
		if !strings.HasPrefix(word, postMark) {
			p.add(word, true)
		}
	}
	p.paths = append(p.paths, path)
	p.state[name] = planned
	for _, word := range soft {
		if word, post := strings.CutPrefix(word, postMark); post {
			p.add(word, true)
		}
	}
}

// isBarred says of a module whether it, or one that it needs, is not to be loaded.
func (p *aliasPlan) isBarred(name string, line []byte, soft bool) bool {
	for _, path := range needs(line) {
		if need := moduleName(path); p.barred(need) {
			if !soft && need != moduleName(name) {
				p.held = append(p.held, name+" needs "+need)
			}
			return true
		}
	}
	return false
}

// postMark is in front of the words that are for after the module. No word begins with it.
const postMark = "post:"

// softdeps are the words of a module's lines in modules.softdep, and in modprobe.d: of all of
// them, while kmod heeds the first one alone.
func (p *aliasPlan) softdeps(name string) (words []string) {
	for _, table := range [...][]byte{p.own, p.softdep} {
		for len(table) > 0 {
			var line []byte
			line, table, _ = bytes.Cut(table, []byte{'\n'})
			f := strings.Fields(string(line))
			if len(f) < 3 || f[0] != "softdep" || moduleName(f[1]) != name {
				continue
			}
			mark := "-" // words in front of the first mark are for nothing
			for _, word := range f[2:] {
				switch {
				case word == "pre:":
					mark = ""
				case word == postMark:
					mark = postMark
				case mark != "-":
					words = append(words, mark+word)
				}
			}
		}
	}
	return words
}

// findAliases adds the modules whose pattern one of the words fits, in the order of the table. A
// word that has modules is passed over.
func findAliases(table []byte, words []string, found map[string][]string) {
	var open []string
	for _, word := range words {
		if found[word] == nil {
			open = append(open, word)
		}
	}
	for len(table) > 0 && len(open) > 0 {
		var line []byte
		line, table, _ = bytes.Cut(table, []byte{'\n'})
		rest, is := bytes.CutPrefix(line, []byte("alias "))
		blank := bytes.LastIndexByte(rest, ' ') // a pattern may have one
		if !is || blank < 0 {
			continue
		}
		for _, word := range open {
			if fits(rest[:blank], word) {
				found[word] = append(found[word], string(rest[blank+1:]))
			}
		}
	}
}

// fits is fnmatch(3) without flags; - and _ are the same, as in names of modules.
func fits(pattern []byte, s string) bool {
	star, from := -1, 0
	for p, i := 0, 0; ; {
		switch n := 0; {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, i
			p++
			continue
		case i == len(s):
			return p == len(pattern)
		case p < len(pattern):
			if n = one(pattern[p:], s[i]); n > 0 {
				p, i = p+n, i+1
				continue
			}
		}
		if star < 0 {
			return false
		}
		from++
		p, i = star+1, from
	}
}

// one gives how much of a pattern stands for the character c; 0: none does.
func one(pattern []byte, c byte) int {
	switch pattern[0] {
	case '?':
		return 1
	case '[':
		if end := bytes.IndexByte(pattern[min(2, len(pattern)):], ']'); end >= 0 {
			if inSet(pattern[1:end+2], c) {
				return end + 3
			}
			return 0
		}
	case '\\':
		if len(pattern) > 1 && pattern[1] == c {
			return 2
		}
		return 0
	}
	if underscore(pattern[0]) == underscore(c) {
		return 1
	}
	return 0
}

func underscore(c byte) byte {
	if c == '-' {
		return '_'
	}
	return c
}

// inSet is for what stands between [ and ].
func inSet(set []byte, c byte) bool {
	not := set[0] == '!' || set[0] == '^'
	if not {
		set = set[1:]
	}
	for i := 0; i < len(set); i++ {
		low, high := set[i], set[i]
		if i+2 < len(set) && set[i+1] == '-' {
			high = set[i+2]
			i += 2
		}
		if low <= c && c <= high {
			return !not
		}
	}
	return not
}
