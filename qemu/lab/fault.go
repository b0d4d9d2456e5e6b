package lab

import (
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

// allWord stands for every node.
const allWord = "all"

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
	such  string // as it may be
}

// linkVerbs are the faults of links by name. A value of nothing ("0%", "0s", "0") takes
// the one fault back.
var linkVerbs = map[string]linkVerb{
	"cut":       {false, func(string) (func(*lan.Fault), error) { return func(f *lan.Fault) { f.Cut = true }, nil }, ""},
	"loss":      {true, share(func(f *lan.Fault, v float64) { f.Loss = v }), "20%"},
	"duplicate": {true, share(func(f *lan.Fault, v float64) { f.Duplicate = v }), "5%"},
	"reorder":   {true, share(func(f *lan.Fault, v float64) { f.Reorder = v }), "5%"},
	"delay":     {true, parseDelay, "200ms"},
	"rate":      {true, parseRate, "64k"},
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

// impair does a fault of links.
func (l *Lab) impair(verb string, words, lans []string) error {
	m, err := l.named().impairment(verb, words)
	if err != nil {
		return err
	}
	if !l.between(lans, m.from, m.to, !m.oneWay, m.change) {
		nodes := slices.DeleteFunc(slices.Clone(words), func(w string) bool { return w == OneWay })
		return fmt.Errorf("%s have no LAN in common there", strings.Join(nodes, " and "))
	}
	return nil
}

// named is what words can name here.
func (l *Lab) named() named { return named{l.names(), l.opts.LANs} }

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
	groups, err := l.named().groups(words)
	if err != nil {
		return err
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
		words = []string{allWord}
	}
	from, to, err := l.named().ends(words)
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
