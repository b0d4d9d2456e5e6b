package config

import (
	"slices"
	"strconv"
	"strings"
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
		for name, value := range v {
			s, ok := value.(string)
			if i, isInt := value.(int64); isInt && k.value != nil {
				s, ok = strconv.FormatInt(i, 10), true
			}
			if !ok {
				faults = append(faults, mistyped(value, from, "a string, as the value of "+quote(name))...)
				continue
			}
			faults = append(faults, k.addEnv(&good, name, s)...)
		}
	case []any:
		for _, item := range v {
			s, _ := item.(string)
			name, value, found := strings.Cut(s, "=")
			if !found {
				faults = append(faults, fault{what: quote(s) + " has no =", want: "KEY=value,KEY=value"})
				continue
			}
			faults = append(faults, k.addEnv(&good, name, value)...)
		}
	default:
		return false, mistyped(v, from, "a table of strings")
	}
	if faults != nil && len(good) == 0 {
		return false, sorted(faults)
	}
	*p = good
	return true, sorted(faults)
}

// addEnv keeps the list sorted by key, so that it is the same at every boot although
// Go's maps have no order.
func (k *key) addEnv(list *env, name, value string) []fault {
	if f := k.faultOf(name); f != nil {
		return f
	}
	if !printable(value) {
		return []fault{{what: "the value of " + name + " has control characters or is not UTF-8", want: "printable text"}}
	}
	if k.value != nil && !k.value(value) {
		return []fault{{what: quote(value) + " is no limit for " + name}}
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

// sorted gives faults that were found in the order of a Go map the same order always.
func sorted(f []fault) []fault {
	slices.SortFunc(f, func(a, b fault) int { return strings.Compare(a.what, b.what) })
	return f
}
