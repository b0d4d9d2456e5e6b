package lab

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beaminit/beaminit/qemu/lan"
)

// OneWay as a last word makes a fault of a link one of its first direction only.
const OneWay = "--one-way"

// onWord stands before the name of a LAN, behind the nodes: a fault is of that one alone.
const onWord = "on"

// where takes "on LAN" out of a verb's words and gives the LANs that are meant: without it, all.
func (l *Lab) where(words []string) (rest, lans []string, err error) {
	i := slices.Index(words, onWord)
	if i < 0 {
		return words, l.lanNames(), nil
	}
	if i+1 == len(words) {
		return nil, nil, errors.New("on wants the name of a LAN: cut A B on field")
	}
	name := words[i+1]
	if !slices.Contains(l.lanNames(), name) || name == "" {
		return nil, nil, fmt.Errorf("there is no lan %q; there are %s", name, lanNames(l.opts.LANs))
	}
	return slices.Delete(slices.Clone(words), i, i+2), []string{name}, nil
}

// WithoutLAN are a verb's words without the LAN that they name.
func WithoutLAN(words []string) []string {
	if i := slices.Index(words, onWord); i >= 0 {
		return slices.Delete(slices.Clone(words), i, min(i+2, len(words)))
	}
	return words
}

func (l *Lab) lanNames() (names []string) {
	for _, on := range orOnly(l.opts.LANs) {
		names = append(names, on.Name)
	}
	return names
}

// linkVerb is a fault of links: what its value may be, and what it changes.
type linkVerb struct {
	value bool // one stands behind the nodes
	parse func(string) (func(*lan.Fault), error)
}

// linkVerbs are the faults of links by name. A value of nothing ("0%", "0s", "0") takes
// the one fault back.
var linkVerbs = map[string]linkVerb{
	"cut":       {false, func(string) (func(*lan.Fault), error) { return func(f *lan.Fault) { f.Cut = true }, nil }},
	"loss":      {true, share(func(f *lan.Fault, v float64) { f.Loss = v })},
	"duplicate": {true, share(func(f *lan.Fault, v float64) { f.Duplicate = v })},
	"reorder":   {true, share(func(f *lan.Fault, v float64) { f.Reorder = v })},
	"delay":     {true, parseDelay},
	"rate":      {true, parseRate},
}

func share(set func(*lan.Fault, float64)) func(string) (func(*lan.Fault), error) {
	return func(text string) (func(*lan.Fault), error) {
		v, err := strconv.ParseFloat(strings.TrimSuffix(text, "%"), 64)
		if err != nil || !(v >= 0 && v <= 100) {
			return nil, fmt.Errorf("%q is no share: from 0%% to 100%%", text)
		}
		return func(f *lan.Fault) { set(f, v/100) }, nil
	}
}

// parseDelay takes 200ms, 200ms±50ms and 200ms±50, where the second has the unit of the first.
func parseDelay(text string) (func(*lan.Fault), error) {
	first, second, jittery := strings.Cut(strings.Replace(text, "+-", "±", 1), "±")
	delay, err := time.ParseDuration(first)
	var jitter time.Duration
	if err == nil && jittery {
		if strings.Trim(second, "0123456789.") == "" {
			second += strings.TrimLeft(first, "0123456789.")
		}
		jitter, err = time.ParseDuration(second)
	}
	if err != nil || delay < 0 || jitter < 0 || delay > time.Minute || jitter > delay {
		return nil, fmt.Errorf("%q is no delay: such as 200ms or 200ms±50ms, at most a minute, the second no more than the first", text)
	}
	return func(f *lan.Fault) { f.Delay, f.Jitter = delay, jitter }, nil
}

func parseRate(text string) (func(*lan.Fault), error) {
	number, unit := strings.TrimRight(text, "kM"), 1.0
	switch strings.TrimPrefix(text, number) {
	case "k":
		unit = 1e3
	case "M":
		unit = 1e6
	}
	v, err := strconv.ParseFloat(number, 64)
	if err != nil || !(v >= 0 && v*unit <= 1e12) {
		return nil, fmt.Errorf("%q is no rate: bits a second, such as 64k or 1.5M", text)
	}
	return func(f *lan.Fault) { f.Rate = int64(v * unit) }, nil
}

// impair does a fault of links: VERB A B [VALUE] is of the link between two nodes, VERB A
// [VALUE] of all links of one, VERB all [VALUE] of all.
func (l *Lab) impair(verb string, words, lans []string) error {
	v := linkVerbs[verb]
	one := slices.Contains(words, OneWay)
	words = slices.DeleteFunc(slices.Clone(words), func(w string) bool { return w == OneWay })
	value := ""
	if v.value && len(words) < 2 {
		return fmt.Errorf("%s wants a node and a value, such as \"20%%\"", verb)
	}
	if v.value {
		value, words = words[len(words)-1], words[:len(words)-1]
	}
	change, err := v.parse(value)
	if err != nil {
		return fmt.Errorf("%s: %w", verb, err)
	}
	from, to, err := l.ends(words)
	if err != nil {
		return err
	}
	if !l.between(lans, from, to, !one, change) {
		return fmt.Errorf("%s have no LAN in common there", strings.Join(words, " and "))
	}
	return nil
}

// ends gives the nodes on both sides of the links that the words name.
func (l *Lab) ends(words []string) (from, to []string, err error) {
	for _, w := range words {
		if w == "all" {
			continue
		}
		if _, err := l.Node(w); err != nil {
			return nil, nil, err
		}
	}
	switch {
	case len(words) == 1 && words[0] == "all":
		return l.names(), l.names(), nil
	case len(words) == 1:
		return words, l.names(), nil
	case len(words) == 2:
		from, to = words[:1], words[1:]
		if words[0] == "all" {
			from = l.names()
		}
		if words[1] == "all" {
			to = l.names()
		}
		return from, to, nil
	}
	return nil, nil, fmt.Errorf("one node, two, or all: not %q", strings.Join(words, " "))
}

func (l *Lab) names() (names []string) {
	for _, n := range l.nodes {
		names = append(names, n.Spec.Name)
	}
	return names
}

// between changes all links between two sides on some LANs, and tells whether there are any.
func (l *Lab) between(lans, from, to []string, bothWays bool, change func(*lan.Fault)) (any bool) {
	for _, on := range lans {
		for _, a := range from {
			for _, b := range to {
				if a == b || !l.both(on, a, b) {
					continue
				}
				any = true
				l.Switch.Impair(on, a, b, change)
				if bothWays {
					l.Switch.Impair(on, b, a, change)
				}
			}
		}
	}
	return any
}

// both tells whether both nodes are on a LAN.
func (l *Lab) both(on, a, b string) bool {
	for _, name := range []string{a, b} {
		if n, err := l.Node(name); err != nil || !n.on(on) {
			return false
		}
	}
	return true
}

// split cuts the links between the groups of "A,B / C": within a group all is well.
func (l *Lab) split(words, lans []string) error {
	var groups [][]string
	for _, g := range strings.Split(strings.Join(words, " "), "/") {
		group := strings.FieldsFunc(g, func(r rune) bool { return r == ',' || r == ' ' })
		for _, name := range group {
			if _, err := l.Node(name); err != nil {
				return err
			}
			for _, before := range groups {
				if slices.Contains(before, name) {
					return fmt.Errorf("split: %s is on both sides", name)
				}
			}
		}
		if len(group) > 0 {
			groups = append(groups, group)
		}
	}
	if len(groups) < 2 {
		return fmt.Errorf("split wants two sides at least: split A,B / C")
	}
	for i, a := range groups {
		for _, b := range groups[i+1:] {
			l.between(lans, a, b, true, func(f *lan.Fault) { f.Cut = true })
		}
	}
	return nil
}

// heal takes back what was done: to all, to the links and the cable of one node, or to
// the link between two. A machine that was ended stays so.
func (l *Lab) heal(words, lans []string) error {
	if len(words) == 0 {
		words = []string{"all"}
	}
	from, to, err := l.ends(words)
	if err != nil {
		return err
	}
	l.between(lans, from, to, true, func(f *lan.Fault) { *f = lan.Fault{} })
	if len(words) == 2 {
		return nil
	}
	for _, name := range from {
		n, err := l.Node(name)
		if err == nil {
			err = n.healOn(lans, len(lans) == len(l.lanNames()))
		}
		if err != nil {
			return err
		}
	}
	return nil
}
