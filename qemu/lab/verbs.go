package lab

import (
	"fmt"
	"slices"
	"strings"
)

// Verb is something that can be done to the lab while it runs.
type Verb struct {
	Name, Args string // its word, and what may follow
	Min, Max   int    // how many words
	Help       string
	do         func(l *Lab, words, lans []string) error
	check      func(k named, words []string) error // what is wrong with the words; nil: one is a node
}

// verbs are all of them, by the names that the command line, the keys and the scenarios
// use.
var verbs = []Verb{
	{"cut", "A [B] [--one-way]", 1, 3, "take a node off the LAN, or cut the link between two", (*Lab).cutWords, linkWords("cut")},
	{"isolate", "A", 1, 1, "take a node off the LAN; its link stays up, as with a dead switch port", isolate, nil},
	{"split", "A,B / C", 1, 99, "cut all links between the sides", (*Lab).split, sideWords},
	linkVerbOf("loss", "A [B] 20% [--one-way]", "lose a share of the frames"),
	linkVerbOf("delay", "A [B] 200ms±50 [--one-way]", "frames take so much longer"),
	linkVerbOf("rate", "A [B] 64k [--one-way]", "so many bits a second and no more"),
	linkVerbOf("duplicate", "A [B] 5% [--one-way]", "a share of the frames comes twice"),
	linkVerbOf("reorder", "A [B] 5% [--one-way]", "a share of the frames is overtaken by others"),
	{"unplug", "A", 1, 1, "pull the cable: the node sees that its carrier is gone", unplug, nil},
	{"disk", "A slow|readonly|full|wipe", 2, 2, "the data disk: slow, or every write fails; full or new, while the node is off",
		(*Lab).diskWords, named.diskWord},
	{"heal", "[A [B]]", 0, 2, "take all faults back, or those of a node or a link", (*Lab).heal, healWords},
	{"kill", "A", 1, 1, "end a node at once, as if its power failed", onNode((*Node).Kill), nil},
	{"start", "A", 1, 1, "start a node that is off", onNode((*Node).Start), nil},
	{"stop", "A", 1, 1, "freeze a node (its processor stands still)", onNode(func(n *Node) error { return n.freeze(true) }), nil},
	{"cont", "A", 1, 1, "let it go on", onNode(func(n *Node) error { return n.freeze(false) }), nil},
	{"reset", "A", 1, 1, "press its reset button",
		onNode(func(n *Node) error { return n.Monitor("system_reset") }), nil},
	{"poweroff", "A", 1, 1, "press its power button (ACPI): the node goes down in order",
		onNode(func(n *Node) error { return n.Monitor("system_powerdown") }), nil},
}

func linkVerbOf(name, args, help string) Verb {
	do := func(l *Lab, words, lans []string) error { return l.impair(name, words, lans) }
	return Verb{name, args, 2, 4, help, do, linkWords(name)}
}

func linkWords(verb string) func(named, []string) error {
	return func(k named, words []string) error {
		_, err := k.impairment(verb, words)
		return err
	}
}

func sideWords(k named, words []string) error {
	_, err := k.groups(words)
	return err
}

func healWords(k named, words []string) error {
	if len(words) == 0 {
		return nil
	}
	_, _, err := k.ends(words)
	return err
}

// Verbs gives all of them, for help and for whoever offers them.
func Verbs() []Verb { return slices.Clone(verbs) }

// Do does what the words say: one of Verbs with its nodes and value. It is in force when
// Do returns, is shown among the events, and stands in the captures.
func (l *Lab) Do(words ...string) error {
	verb, rest, lans, err := l.named().parse(words)
	if err != nil {
		return err
	}
	if err := verb.do(l, rest, lans); err != nil {
		return err
	}
	l.Switch.Comment(strings.Join(words, " "))
	if _, isLink := linkVerbs[words[0]]; isLink || words[0] == "split" || words[0] == "heal" {
		l.event("lan", strings.Join(words, " "))
	}
	return nil
}

// verbError is of a verb that a lab does not know.
type verbError struct{ Verb string }

func (e *verbError) Error() string {
	var names []string
	for _, v := range verbs {
		names = append(names, v.Name)
	}
	return fmt.Sprintf("the lab cannot %q: it knows %s", strings.TrimSpace(e.Verb), strings.Join(names, ", "))
}

// onLAN tells whether it can be of one LAN alone.
func (v Verb) onLAN() bool {
	_, isLink := linkVerbs[v.Name]
	return isLink || slices.Contains([]string{"isolate", "split", "unplug", "heal"}, v.Name)
}

func onNode(do func(*Node) error) func(*Lab, []string, []string) error {
	return func(l *Lab, words, _ []string) error {
		n, err := l.Node(words[0])
		if err != nil {
			return err
		}
		return do(n)
	}
}

// cutWords: one node alone is taken off its LANs with everything that comes later, too.
func (l *Lab) cutWords(words, lans []string) error {
	if len(words) == 1 && words[0] != allWord {
		return isolate(l, words, lans)
	}
	return l.impair("cut", words, lans)
}

// isolate takes a node off some LANs.
func isolate(l *Lab, words, lans []string) error {
	n, err := l.Node(words[0])
	switch {
	case err != nil:
		return err
	case len(lans) == len(l.lanNames()):
		n.Cut(true)
	case !n.on(lans[0]):
		return fmt.Errorf("%s is not on lan %q", words[0], lans[0])
	default:
		n.cutOn(lans[0], true)
	}
	return nil
}

// unplug pulls a node's cables of some LANs.
func unplug(l *Lab, words, lans []string) error {
	n, err := l.Node(words[0])
	if err != nil {
		return err
	}
	return n.unplug(true, lans)
}

func (l *Lab) diskWords(words, _ []string) error {
	n, err := l.Node(words[0])
	if err != nil {
		return err
	}
	switch words[1] {
	case "slow":
		return n.slowDisk(true)
	case "readonly":
		return n.readOnlyDisk(true)
	case "full":
		return n.fillDisk()
	}
	return n.wipeDisk()
}
