package lab

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/qemu/lan"
)

// What each fault of the LAN does to the links, by the words that name it.
func TestFaultsByName(t *testing.T) {
	for _, tt := range []struct {
		do   string // several, by ";"
		want string // the links, or the error
	}{
		{"cut a b", "[{a b cut} {b a cut}]"},
		{"cut a b --one-way", "[{a b cut}]"},
		{"loss a b 20%", "[{a b loss 20%} {b a loss 20%}]"},
		{"loss a b 20", "[{a b loss 20%} {b a loss 20%}]"},
		{"loss a 5%", "[{a b loss 5%} {a c loss 5%} {b a loss 5%} {c a loss 5%}]"},
		{"loss a 5% --one-way", "[{a b loss 5%} {a c loss 5%}]"},
		{"delay a b 200ms±50 --one-way", "[{a b delay 200ms±50ms}]"},
		{"delay a b 200ms+-50ms --one-way", "[{a b delay 200ms±50ms}]"},
		{"rate a b 64k --one-way", "[{a b rate 64k}]"},
		{"rate a b 1.5M --one-way", "[{a b rate 1.5M}]"},
		{"duplicate a b 5% --one-way", "[{a b duplicate 5%}]"},
		{"reorder a b 5% --one-way", "[{a b reorder 5%}]"},
		{"cut a all --one-way", "[{a b cut} {a c cut}]"},
		{"split a,b / c", "[{a c cut} {b c cut} {c a cut} {c b cut}]"},
		{"split a / b / c", "[{a b cut} {a c cut} {b a cut} {b c cut} {c a cut} {c b cut}]"},
		{"cut a b;loss a b 20% --one-way", "[{a b cut, loss 20%} {b a cut}]"},
		{"loss all 20%;loss a b 0%;loss c 0%", "[]"},
		{"loss all 20%;heal", "[]"},
		{"cut a b;cut b c;heal a b", "[{b c cut} {c b cut}]"},
		{"cut a b;cut b c;heal c", "[{a b cut} {b a cut}]"},

		{"cut a x", `there is no node "x"; there are a, b, c`},
		{"kill x", `there is no node "x"; there are a, b, c`},
		{"disk x slow", `there is no node "x"; there are a, b, c`},
		{"cut a a", "a has no link to itself"},
		{"cut a b on field", `there is no lan "field": this lab has one LAN, without a name`},
		{"loss a b", `loss: "b" is no share: from 0% to 100%`},
		{"loss a b 120%", `loss: "120%" is no share: from 0% to 100%`},
		{"loss a b NaN", `loss: "NaN" is no share: from 0% to 100%`},
		{"loss a", "usage: loss A [B] 20% [--one-way]"},
		{"loss --one-way --one-way", `loss wants a node and a value, such as "20%"`},
		{"loss 20%", "usage: loss A [B] 20% [--one-way]"},
		{"delay a b soon", `delay: "soon" is no delay: such as 200ms or 200ms±50ms, at most a minute, the second no more than the first`},
		{"rate a b -1", `rate: "-1" is no rate: bits a second, such as 64k or 1.5M`},
		{"cut a b c", `one node, two, or all: not "a b c"`},
		{"split a,b", "split wants two sides at least: split A,B / C"},
		{"split a / a", "split: a is on both sides"},
		{"disk a soft", "disk a soft: it can be slow, readonly, full or wiped (wipe)"},
		{"kill", "usage: kill A"},
		{"cut", "usage: cut A [B] [--one-way]"},
		{"reset a", "a is off"},
	} {
		t.Run(tt.do, func(t *testing.T) {
			l := &Lab{Switch: lan.NewSwitch()}
			defer l.Switch.Close()
			for _, name := range []string{"a", "b", "c"} {
				l.nodes = append(l.nodes, &Node{Spec: NodeSpec{Name: name}, lab: l, cards: NodeSpec{}.cards(nil)})
			}
			var err error
			for _, do := range strings.Split(tt.do, ";") {
				if err = l.Do(strings.Fields(do)...); err != nil {
					break
				}
			}
			got := shown(l.Switch.Links())
			if err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("%s\ngives %s\nwant  %s", tt.do, got, tt.want)
			}
			// What is wrong with the words is known before there is a lab; that a node is off, is not.
			var wrong *WordsError
			early := CheckWords([]NodeSpec{{Name: "a"}, {Name: "b"}, {Name: "c"}}, nil, strings.Fields(strings.Split(tt.do, ";")[0])...)
			if isWords := errors.As(err, &wrong); isWords != (early != nil) || isWords && early.Error() != err.Error() {
				t.Errorf("%s: before there is a lab %v, then %v", tt.do, early, err)
			}
		})
	}
	var words []string
	for _, v := range verbs {
		words = append(words, v.Name)
	}
	l := &Lab{Switch: lan.NewSwitch()}
	if err := l.Do("bend", "a"); err == nil || !strings.Contains(err.Error(), strings.Join(words, ", ")) {
		t.Errorf("an unknown word: %v; want all that is known", err)
	}
}

// shown are links in short, each with its LAN where that has a name.
func shown(links []lan.Link) string {
	list := []string{}
	for _, l := range links {
		text := fmt.Sprintf("{%s %s %v}", l.From, l.To, l.Fault)
		if l.LAN != "" {
			text = l.LAN + text
		}
		list = append(list, text)
	}
	return "[" + strings.Join(list, " ") + "]"
}

// Of several LANs, a fault is of all that the nodes have in common, or of the one that is named.
func TestFaultsOnOneLAN(t *testing.T) {
	for _, tt := range []struct {
		do   string // several, by ";"
		want string // the links, and the LANs that a is off; or the error
	}{
		{"cut a b", "[east{a b cut} west{a b cut} east{b a cut} west{b a cut}]"},
		{"cut a b on west", "[west{a b cut} west{b a cut}]"},
		{"cut a b --one-way on west", "[west{a b cut}]"},
		{"loss a b 20% on west --one-way", "[west{a b loss 20%}]"},
		{"cut a c", "[east{a c cut} east{c a cut}]"},
		{"split a / b,c on west", "[west{a b cut} west{b a cut}]"},
		{"cut all on west;heal a b", "[]"},
		{"cut a b;heal a b on east", "[west{a b cut} west{b a cut}]"},
		{"cut a b;loss a c 5%;heal a on east", "[west{a b cut} west{b a cut}]"},
		{"cut a b;heal", "[]"},
		{"isolate a", "[] east west"},
		{"isolate a on west", "[] west"},
		{"cut a on west", "[] west"},
		{"isolate a;heal a on east", "[] west"},
		{"isolate a on west;heal", "[]"},

		{"cut a b on south", `there is no lan "south"; there are "east", "west"`},
		{"cut a b on", "on wants the name of a LAN: cut A B on field"},
		{"cut a c on west", "a and c have no LAN in common there"},
		{"isolate c on west", `c is not on lan "west"`},
		{"kill a on west", "kill is no fault of a LAN: without on"},
	} {
		t.Run(tt.do, func(t *testing.T) {
			l := &Lab{Switch: lan.NewSwitch(), opts: Options{LANs: twoLANs}}
			defer l.Switch.Close()
			for name, nics := range map[string][]NIC{"a": {{LAN: "east"}, {LAN: "west"}}, "b": {{LAN: "west"}, {LAN: "east"}}, "c": {{LAN: "east"}}} {
				l.nodes = append(l.nodes, &Node{Spec: NodeSpec{Name: name}, lab: l, cards: NodeSpec{NICs: nics}.cards(twoLANs)})
			}
			var err error
			for _, do := range strings.Split(tt.do, ";") {
				if err = l.Do(strings.Fields(do)...); err != nil {
					break
				}
			}
			a, _ := l.Node("a")
			got := strings.Join(append([]string{shown(l.Switch.Links())}, slices.Sorted(slices.Values(a.cut))...), " ")
			if err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("%s\ngives %s\nwant  %s", tt.do, got, tt.want)
			}
		})
	}
}

var twoLANs = []LANSpec{{"east", netip.MustParsePrefix("10.1.0.0/24")}, {"west", netip.MustParsePrefix("10.2.0.0/24")}}
