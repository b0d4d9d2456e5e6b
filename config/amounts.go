package config

import (
	"net"
	"strconv"
	"strings"

	"github.com/beaminit/beaminit/config/lex"
)

// storeInts takes a list of integers, the good ones of it. Those of the kernel command
// line come as words.
func (k *key) storeInts(p *[]int, v any, from Source) (bool, []fault) {
	list, ok := v.([]any)
	if !ok {
		return false, mistyped(v, from, "a list of integers")
	}
	var faults []fault
	good := make([]int, 0, len(list))
	for _, item := range list {
		i, ok := item.(int64)
		if s, word := item.(string); word && from != TOML {
			n, err := strconv.ParseInt(s, 10, 64)
			i, ok = n, err == nil
		}
		switch {
		case !ok:
			faults = append(faults, mistyped(item, from, "an integer in a list of integers")...)
		case i < k.min || i > k.max:
			faults = append(faults, fault{what: strconv.FormatInt(i, 10) + " is no " + k.noun})
		default:
			good = append(good, int(i))
		}
	}
	if faults != nil && len(good) == 0 {
		return false, faults
	}
	*p = good
	return true, faults
}

// storeCommand takes a path with its arguments as a whole; an empty list is no command.
func (k *key) storeCommand(p *command, v any, from Source) (bool, []fault) {
	var words []string
	ok, faults := k.storeStrings(&words, v, from)
	if !ok || faults != nil {
		return false, faults
	}
	if len(words) > 0 && !isAbs(words[0]) {
		return false, []fault{{what: lex.Quote(words[0]) + " is no absolute path"}}
	}
	*p = words
	return true, nil
}

// storeCommands takes a list of commands, all of them or none: one may need what another
// did before it.
func (k *key) storeCommands(p *commands, v any, from Source) (bool, []fault) {
	list, ok := v.([]any)
	if !ok {
		return false, mistyped(v, from, "a list of commands")
	}
	all := make(commands, 0, len(list))
	for _, item := range list {
		var one command
		ok, faults := k.storeCommand(&one, item, from)
		if !ok {
			return false, faults
		}
		if len(one) == 0 {
			return false, []fault{{what: "a command without a program"}}
		}
		all = append(all, one)
	}
	*p = all
	return true, nil
}

// storeMode takes permission bits in octal, in quotes, for TOML's 0660 is no number and
// its 660 would be another one.
func (k *key) storeMode(p *fileMode, v any, from Source) (bool, []fault) {
	s, ok := v.(string)
	if !ok {
		return false, mistyped(v, from, "permissions in quotes")
	}
	n, err := strconv.ParseUint(s, 8, 16)
	if err != nil || int64(n) < k.min || int64(n) > k.max {
		return false, []fault{{what: lex.Quote(s) + " are no permissions"}}
	}
	*p = fileMode(n)
	return true, nil
}

// storeMAC takes the address of a link of six bytes.
func (k *key) storeMAC(p *mac, v any, from Source) (bool, []fault) {
	s, ok := v.(string)
	if !ok {
		return false, mistyped(v, from, "a string")
	}
	a, err := net.ParseMAC(s)
	if err != nil || len(a) != 6 || a[0]&1 != 0 { // the lowest bit is that of a group
		return false, []fault{{what: lex.Quote(s) + " is no " + k.noun}}
	}
	*p = mac(a.String())
	return true, nil
}

// storeSize takes bytes as an integer, or as text with K, M or G of 1,024 each.
func (k *key) storeSize(p *size, v any, from Source) (bool, []fault) {
	i, ok := v.(int64)
	if s, text := v.(string); text {
		if i, ok = parseSize(s); !ok {
			return false, []fault{{what: lex.Quote(s) + " is no size"}}
		}
	}
	if !ok {
		return false, mistyped(v, from, "a size in quotes")
	}
	if i < k.min || i > k.max {
		return false, []fault{{what: lex.Quote(sizeText(i)) + " is out of range"}}
	}
	*p = size(i)
	return true, nil
}

const units = "KMG"

func parseSize(s string) (int64, bool) {
	shift := 0
	if s != "" {
		if at := strings.IndexByte(units, s[len(s)-1]); at >= 0 {
			s, shift = s[:len(s)-1], 10*(at+1)
		}
	}
	n, err := strconv.ParseInt(s, 10, 32)
	return n << shift, err == nil && lex.IsDigits(s)
}

// sizeText is a size in the largest unit that leaves no rest.
func sizeText(n int64) string {
	unit := ""
	for i := 0; i < len(units) && n != 0 && n%1024 == 0; i++ {
		n, unit = n/1024, units[i:i+1]
	}
	return strconv.FormatInt(n, 10) + unit
}

func numbers(list []int) string {
	words := make([]string, len(list))
	for i, n := range list {
		words[i] = strconv.Itoa(n)
	}
	return "[" + strings.Join(words, ", ") + "]"
}
