package config

import (
	"slices"
	"strconv"
	"strings"

	"github.com/beaminit/beaminit/config/lex"
)

// storeStrings takes a list as a whole or not at all where its strings only make sense
// together (no check: arguments), else the good ones of it.
func (k *key) storeStrings(p *[]string, v any, from Source) (bool, []fault) {
	list, ok := v.([]any)
	if !ok {
		return false, mistyped(v, from, "a list of strings")
	}
	var faults []fault
	good := make([]string, 0, len(list))
	for _, item := range list {
		s, ok := item.(string)
		if !ok {
			return false, mistyped(item, from, "a string in a list of strings")
		}
		if f := k.faultOf(s); f != nil {
			faults = append(faults, f...)
			continue
		}
		good = append(good, s)
	}
	if faults != nil && (len(good) == 0 || k.check == nil) {
		return false, faults
	}
	*p = good
	return true, faults
}

// storeEnv takes a table of strings, or of the kernel command line a list of KEY=value.
func (k *key) storeEnv(p *env, v any, from Source) (bool, []fault) {
	var good env
	var faults []fault
	switch v := v.(type) {
	case map[string]any:
		good = make(env, 0, len(v))
		for _, name := range names(v) {
			value := v[name]
			s, ok := value.(string)
			if i, isInt := value.(int64); isInt && k.value != nil {
				s, ok = strconv.FormatInt(i, 10), true
			}
			if !ok {
				faults = append(faults, mistyped(value, from, "a string, as the value of "+lex.Quote(name))...)
				continue
			}
			faults = append(faults, k.addEnv(&good, name, s)...)
		}
	case []any:
		for _, item := range v {
			s, _ := item.(string)
			name, value, found := strings.Cut(s, "=")
			if !found {
				faults = append(faults, fault{what: lex.Quote(s) + " has no =", want: "KEY=value,KEY=value"})
				continue
			}
			faults = append(faults, k.addEnv(&good, name, value)...)
		}
	default:
		return false, mistyped(v, from, "a table of strings")
	}
	if faults != nil && len(good) == 0 {
		return false, faults
	}
	*p = good
	return true, faults
}

// addEnv keeps the list sorted by key.
func (k *key) addEnv(list *env, name, value string) []fault {
	if f := k.faultOf(name); f != nil {
		return f
	}
	if !lex.IsPrintable(value) {
		return []fault{{what: "the value of " + name + " has control characters or is not UTF-8", want: "printable text"}}
	}
	if k.value != nil && !k.value(value) {
		return []fault{{what: lex.Quote(value) + " is no limit for " + name}}
	}
	i := 0
	for ; i < len(*list); i++ {
		old, _, _ := strings.Cut((*list)[i], "=")
		if old == name {
			(*list)[i] = name + "=" + value
			return nil
		}
		if old > name {
			break
		}
	}
	*list = append(*list, "")
	copy((*list)[i+1:], (*list)[i:])
	(*list)[i] = name + "=" + value
	return nil
}

// names are the keys of a table in an order that is the same at every boot, although Go's
// maps have none.
func names(table map[string]any) []string {
	list := make([]string, 0, len(table))
	for name := range table {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}
