package lab

import (
	"fmt"
	"slices"
	"strings"

	"github.com/beaminit/beaminit/qemu/lan"
)

// WordsError is of words that no lab with these nodes and LANs understands.
type WordsError struct{ error }

// named is what words can name.
type named struct {
	nodes []string
	lans  []LANSpec
}

// CheckWords tells what is wrong with the words of a verb for a lab of these nodes and LANs, before it is there.
func CheckWords(nodes []NodeSpec, lans []LANSpec, words ...string) error {
	_, _, _, err := named{namesOf(nodes), lans}.parse(words)
	return err
}

// CheckName tells that none of these nodes has a name.
func CheckName(nodes []NodeSpec, name string) error { return named{nodes: namesOf(nodes)}.node(name) }

func namesOf(nodes []NodeSpec) (names []string) {
	for _, n := range nodes {
		names = append(names, n.Name)
	}
	return names
}

// parse takes words apart: the verb, what is behind it, and the LANs that are meant. Its errors are of WordsError.
func (k named) parse(words []string) (v Verb, rest, lans []string, err error) {
	wrong := func(err error) (Verb, []string, []string, error) { return Verb{}, nil, nil, &WordsError{err} }
	i := -1
	if len(words) > 0 {
		i = slices.IndexFunc(verbs, func(v Verb) bool { return v.Name == words[0] })
	}
	if i < 0 {
		return wrong(&verbError{strings.Join(words, " ")})
	}
	v = verbs[i]
	rest, lans, err = k.where(words)
	switch {
	case err != nil:
		return wrong(err)
	case len(rest) < len(words) && !v.onLAN():
		return wrong(fmt.Errorf("%s is no fault of a LAN: without on", words[0]))
	case len(rest)-1 < v.Min || len(rest)-1 > v.Max:
		return wrong(fmt.Errorf("usage: %s %s", words[0], v.Args))
	}
	rest = rest[1:]
	if v.check == nil {
		err = k.node(rest[0])
	} else {
		err = v.check(k, rest)
	}
	if err != nil {
		return wrong(err)
	}
	return v, rest, lans, nil
}

// node tells that there is none of that name.
func (k named) node(name string) error {
	if slices.Contains(k.nodes, name) {
		return nil
	}
	const shown = 12
	there := strings.Join(k.nodes[:min(len(k.nodes), shown)], ", ")
	if more := len(k.nodes) - shown; more > 0 {
		there += fmt.Sprintf(" and %d more", more)
	}
	return fmt.Errorf("there is no node %q; there are %s", name, there)
}

// where takes "on LAN" out of a verb's words and gives the LANs that are meant: without it, all.
func (k named) where(words []string) (rest, lans []string, err error) {
	for _, on := range orOnly(k.lans) {
		lans = append(lans, on.Name)
	}
	i := slices.Index(words, onWord)
	if i < 0 {
		return words, lans, nil
	}
	if i+1 == len(words) {
		return nil, nil, fmt.Errorf("on wants the name of a LAN: cut A B on field")
	}
	name := words[i+1]
	switch {
	case lans[0] == "":
		return nil, nil, fmt.Errorf("there is no lan %q: this lab has one LAN, without a name", name)
	case !slices.Contains(lans, name):
		return nil, nil, fmt.Errorf("there is no lan %q; there are %s", name, lanNames(k.lans))
	}
	return slices.Delete(slices.Clone(words), i, i+2), []string{name}, nil
}

// ends gives the nodes on both sides of the links that the words name.
func (k named) ends(words []string) (from, to []string, err error) {
	for _, w := range words {
		if w == allWord {
			continue
		}
		if err := k.node(w); err != nil {
			return nil, nil, err
		}
	}
	side := func(word string) []string {
		if word == allWord {
			return k.nodes
		}
		return []string{word}
	}
	switch {
	case len(words) == 1:
		return side(words[0]), k.nodes, nil
	case len(words) == 2 && words[0] == words[1] && words[0] != allWord:
		return nil, nil, fmt.Errorf("%s has no link to itself", words[0])
	case len(words) == 2:
		return side(words[0]), side(words[1]), nil
	}
	return nil, nil, fmt.Errorf("one node, two, or all: not %q", strings.Join(words, " "))
}

// impairment is what the words behind a fault of links say.
type impairment struct {
	change   func(*lan.Fault)
	from, to []string
	oneWay   bool
}

// impairment reads A B [VALUE], of the link between two nodes, A [VALUE], of all links of one, and
// all [VALUE], of all.
func (k named) impairment(verb string, words []string) (m impairment, err error) {
	v := linkVerbs[verb]
	m.oneWay = slices.Contains(words, OneWay)
	words = slices.DeleteFunc(slices.Clone(words), func(w string) bool { return w == OneWay })
	value := ""
	if v.value && len(words) < 2 {
		return m, fmt.Errorf("%s wants a node and a value, such as \"%s\"", verb, v.such)
	}
	if v.value {
		value, words = words[len(words)-1], words[:len(words)-1]
	}
	if m.change, err = v.parse(value); err != nil {
		return m, fmt.Errorf("%s: %w", verb, err)
	}
	m.from, m.to, err = k.ends(words)
	return m, err
}

// groups are the sides of "A,B / C".
func (k named) groups(words []string) (groups [][]string, err error) {
	for _, g := range strings.Split(strings.Join(words, " "), "/") {
		group := strings.FieldsFunc(g, func(r rune) bool { return r == ',' || r == ' ' })
		for _, name := range group {
			if err := k.node(name); err != nil {
				return nil, err
			}
			for _, before := range groups {
				if slices.Contains(before, name) {
					return nil, fmt.Errorf("split: %s is on both sides", name)
				}
			}
		}
		if len(group) > 0 {
			groups = append(groups, group)
		}
	}
	if len(groups) < 2 {
		return nil, fmt.Errorf("split wants two sides at least: split A,B / C")
	}
	return groups, nil
}

// diskWord checks what a disk is to be.
func (k named) diskWord(words []string) error {
	if err := k.node(words[0]); err != nil {
		return err
	}
	if !slices.Contains([]string{"slow", "readonly", "full", "wipe"}, words[1]) {
		return fmt.Errorf("disk %s %s: it can be slow, readonly, full or wiped (wipe)", words[0], words[1])
	}
	return nil
}
