package scenario

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"time"
)

// step reads a line that does or wants something.
func step(words []string) (s Step, err error) {
	s.Verb, words = words[0], words[1:]
	switch s.Verb {
	case "do":
		if len(words) == 0 {
			return s, fmt.Errorf("do wants a verb of the lab, such as do cut eclero6 eclero8")
		}
		s.Words = words
		return s, nil
	case "host":
		if len(words) < 2 {
			return s, fmt.Errorf("host wants an address and a program: host 192.168.7.3 dnsmasq -k")
		}
		if a, err := netip.ParseAddr(words[0]); err != nil || !a.Is4() {
			return s, fmt.Errorf("host %s: want an address of the LAN, such as 192.168.7.3", words[0])
		}
		s.Words = words
		return s, nil
	case "wait":
		s.Limit, err = limit(words)
		return s, err
	case "boot":
		s.Conds = []Cond{{"whole", ""}}
		return s, s.within(words, "within")
	case "expect", "hold":
		word := map[string]string{"expect": "within", "hold": "for"}[s.Verb]
		if len(words) < 2 {
			return s, fmt.Errorf("%s wants nodes, what they are to be, and a time: %s all up %s 10s", s.Verb, s.Verb, word)
		}
		switch words[0] {
		case "all":
		case "any":
			s.Any = true
		default:
			s.Nodes = strings.Split(words[0], ",")
		}
		return s, s.within(words[1:], word)
	}
	return s, fmt.Errorf("there is no step %q; want scenario, nodes, append, lab, host, boot, do, expect, hold, wait, times or end", s.Verb)
}

// within reads conditions, and the time behind the word.
func (s *Step) within(words []string, word string) (err error) {
	for i := 0; i < len(words); i++ {
		name, value, has := strings.Cut(words[i], "=")
		switch {
		case words[i] == word:
			s.Limit, err = limit(words[i+1:])
			if err == nil && len(s.Conds) == 0 {
				err = fmt.Errorf("%s wants something that is to be true", s.Verb)
			}
			return err
		case words[i] == "says" && i+1 < len(words):
			i++
			s.Conds = append(s.Conds, Cond{"says", words[i]})
		case has && values[name] != nil:
			if !values[name].MatchString(value) {
				return fmt.Errorf("%s: want peers=2/2, restarts=1 or missing=NAME", words[i])
			}
			s.Conds = append(s.Conds, Cond{name, value})
		case !has && words[i] == "whole":
			s.Conds = append(s.Conds, Cond{"whole", ""})
		case !has && states[words[i]]:
			s.Conds = append(s.Conds, Cond{"state", words[i]})
		default:
			return fmt.Errorf("%q is no condition; want a state (up, degraded …), "+
				"whole, peers=2/2, restarts=1, missing=NAME or says \"TEXT\"", words[i])
		}
	}
	return fmt.Errorf("%s wants a time at its end: %s 10s", s.Verb, word)
}

// values are what conditions with a value can have.
var values = map[string]*regexp.Regexp{
	"peers": regexp.MustCompile(`^\d+/\d+$`), "restarts": regexp.MustCompile(`^\d+$`), "missing": regexp.MustCompile(`^\S+$`),
}

var states = map[string]bool{
	"booting": true, "starting": true, "up": true, "degraded": true, "hung": true, "down": true, "stopping": true, "rescue": true,
	"off": true, "dead": true,
}

func limit(words []string) (time.Duration, error) {
	if len(words) == 1 {
		if d, err := time.ParseDuration(words[0]); err == nil && d > 0 && d <= 24*time.Hour {
			return d, nil
		}
	}
	return 0, fmt.Errorf("%q is no time; want one such as 10s or 1m30s", strings.Join(words, " "))
}
