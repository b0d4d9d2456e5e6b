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
}

// verbs are all of them, by the names that the command line, the keys and the scenarios
// use.
var verbs = []Verb{
	{"cut", "A [B] [--one-way]", 1, 3, "take a node off the LAN, or cut the link between two", (*Lab).cutWords},
	{"isolate", "A", 1, 1, "take a node off the LAN; its link stays up, as with a dead switch port", isolate},
	{"split", "A,B / C", 1, 99, "cut all links between the sides", (*Lab).split},
	{"loss", "A [B] 20% [--one-way]", 2, 4, "lose a share of the frames", linkVerbNamed("loss")},
	{"delay", "A [B] 200ms±50 [--one-way]", 2, 4, "frames take so much longer", linkVerbNamed("delay")},
	{"rate", "A [B] 64k [--one-way]", 2, 4, "so many bits a second and no more", linkVerbNamed("rate")},
	{"duplicate", "A [B] 5% [--one-way]", 2, 4, "a share of the frames comes twice", linkVerbNamed("duplicate")},
	{"reorder", "A [B] 5% [--one-way]", 2, 4, "a share of the frames is overtaken by others", linkVerbNamed("reorder")},
	{"unplug", "A", 1, 1, "pull the cable: the node sees that its carrier is gone", unplug},
	{"disk", "A slow|readonly|full|wipe", 2, 2, "the data disk: slow, or every write fails; full or new, while the node is off", (*Lab).diskWords},
	{"heal", "[A [B]]", 0, 2, "take all faults back, or those of a node or a link", (*Lab).heal},
	{"kill", "A", 1, 1, "end a node at once, as if its power failed", onNode((*Node).Kill)},
	{"start", "A", 1, 1, "start a node that is off", onNode((*Node).Start)},
	{"stop", "A", 1, 1, "freeze a node (its processor stands still)", onNode(func(n *Node) error { return n.Freeze(true) })},
	{"cont", "A", 1, 1, "let it go on", onNode(func(n *Node) error { return n.Freeze(false) })},
	{"reset", "A", 1, 1, "press its reset button", onNode(func(n *Node) error { return n.Monitor("system_reset") })},
	{"poweroff", "A", 1, 1, "press its power button (ACPI): the node goes down in order", onNode(func(n *Node) error { return n.Monitor("system_powerdown") })},
}

// Verbs gives all of them, for help and for whoever offers them.
func Verbs() []Verb { return slices.Clone(verbs) }

// Do does what the words say: one of Verbs with its nodes and value. It is in force when
// Do returns, is shown among the events, and stands in the captures.
func (l *Lab) Do(words ...string) error {
	i := -1
	if len(words) > 0 {
		i = slices.IndexFunc(verbs, func(v Verb) bool { return v.Name == words[0] })
	}
	if i < 0 {
		return &VerbError{strings.Join(words, " ")}
	}
	rest, lans, err := l.where(words)
	if err != nil {
		return err
	}
	if len(rest) < len(words) && !verbs[i].onLAN() {
		return fmt.Errorf("%s is no fault of a LAN: without on", words[0])
	}
	if n := len(rest) - 1; n < verbs[i].Min || n > verbs[i].Max {
		return fmt.Errorf("usage: %s %s", words[0], verbs[i].Args)
	}
	if err := verbs[i].do(l, rest[1:], lans); err != nil {
		return err
	}
	l.Switch.Comment(strings.Join(words, " "))
	if _, isLink := linkVerbs[words[0]]; isLink || words[0] == "split" || words[0] == "heal" {
		l.event("lan", strings.Join(words, " "))
	}
	return nil
}

// VerbError is of a verb that a lab does not know.
type VerbError struct{ Verb string }

func (e *VerbError) Error() string {
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

func linkVerbNamed(name string) func(*Lab, []string, []string) error {
	return func(l *Lab, words, lans []string) error { return l.impair(name, words, lans) }
}

// cutWords: one node alone is taken off its LANs with everything that comes later, too.
func (l *Lab) cutWords(words, lans []string) error {
	if len(words) == 1 && words[0] != "all" {
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
		n.CutOn(lans[0], true)
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
	do := map[string]func() error{
		"slow":     func() error { return n.SlowDisk(true) },
		"readonly": func() error { return n.ReadOnlyDisk(true) },
		"full":     n.FillDisk,
		"wipe":     n.WipeDisk,
	}[words[1]]
	if do == nil {
		return fmt.Errorf("disk %s %s: it can be slow, readonly, full or wiped (wipe)", words[0], words[1])
	}
	return do()
}
