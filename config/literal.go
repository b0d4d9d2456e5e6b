package config

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/beaminit/beaminit/config/lex"
)

// literal is the value of a field as it would stand in beaminit.toml.
func literal(p any) string {
	switch p := p.(type) {
	case interface{ literal() string }:
		return p.literal()
	case *string:
		return strconv.QuoteToASCII(*p)
	case *int:
		return strconv.Itoa(*p)
	case *bool:
		return strconv.FormatBool(*p)
	case *time.Duration:
		return strconv.Quote(durationText(*p))
	case backoff:
		return "[" + strconv.Quote(durationText(*p.first)) + ", " + strconv.Quote(durationText(*p.longest)) + "]"
	case *[]string:
		return list(*p)
	case *command:
		return list(*p)
	case *cgroup:
		return list(*p)
	case *[]int:
		return numbers(*p)
	case *orOff:
		if *p == 0 {
			return `"off"`
		}
		return strconv.Quote(durationText(time.Duration(*p)))
	case *fileMode:
		return ifSet(*p != 0, "0"+strconv.FormatInt(int64(*p), 8))
	case *mac:
		return strconv.Quote(string(*p))
	case *commands:
		words := make([]string, len(*p))
		for i, c := range *p {
			words[i] = list(c)
		}
		return "[" + strings.Join(words, ", ") + "]"
	case *netip.Addr:
		return ifSet(p.IsValid(), p.String())
	case *netip.Prefix:
		return ifSet(p.IsValid(), p.String())
	case *size:
		return strconv.Quote(sizeText(int64(*p)))
	case *env:
		return table(*p)
	case *[]netip.Addr:
		return list(addrStrings(*p))
	case *[]Peer:
		return peersLiteral(*p)
	}
	return entryLiteral(p)
}

func (a addresses) literal() string {
	var words []string
	for _, prefix := range *a.list {
		words = append(words, prefix.String())
	}
	if *a.linkLocal {
		words = append(words, "link-local")
	}
	return list(words)
}

func (g growth) literal() string {
	if g == GrowFileSystem {
		return strconv.Quote(string(g))
	}
	return strconv.FormatBool(g != "")
}

func peersLiteral(peers []Peer) string {
	words := make([]string, len(peers))
	for i, peer := range peers {
		words[i] = peer.Name + " = " + peer.literal()
	}
	return braces(words)
}

// ifSet is a text in quotes, an empty one where the value is not set.
func ifSet(set bool, text string) string {
	if !set {
		text = ""
	}
	return strconv.Quote(text)
}

// durationText is a duration without the zero units of Duration.String: 1m, not 1m0s.
func durationText(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}

func list(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = strconv.QuoteToASCII(w)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

func table(env []string) string {
	words := make([]string, len(env))
	for i, w := range env {
		name, value, _ := strings.Cut(w, "=")
		words[i] = name + " = " + strconv.QuoteToASCII(value)
	}
	return braces(words)
}

func braces(words []string) string {
	if len(words) == 0 {
		return "{}"
	}
	return "{ " + strings.Join(words, ", ") + " }"
}

func addrStrings(addrs []netip.Addr) []string {
	words := make([]string, len(addrs))
	for i, a := range addrs {
		words[i] = a.String()
	}
	return words
}

// literal of a peer is its address alone where that is all there is to say.
func (p Peer) literal() string {
	text := entryText("peers", place{peer: &p}, place{peer: &Peer{}})
	if only := "{ address = "; strings.HasPrefix(text, only) && !strings.Contains(text, ",") {
		return strings.TrimSuffix(text[len(only):], " }")
	}
	return text
}

// entryLiteral is literal for what lies in a list of tables, and for such a list.
func entryLiteral(p any) string {
	switch p := p.(type) {
	case *Mount:
		fresh := newMount()
		return entryText("mount", place{mount: p}, place{mount: &fresh})
	case *Service:
		fresh := newService()
		return entryText("service", place{service: p}, place{service: &fresh})
	case *Device:
		return entryText("device", place{device: p}, place{device: &Device{}})
	case *Route:
		return entryText("network.route", place{route: p}, place{route: &Route{}})
	case *[]Mount:
		return literals(*p)
	case *[]Service:
		return literals(*p)
	case *[]Device:
		return literals(*p)
	case *[]Route:
		return literals(*p)
	}
	return ""
}

func literals[T any](entries []T) string {
	words := make([]string, len(entries))
	for i := range entries {
		words[i] = literal(&entries[i])
	}
	return "[" + strings.Join(words, ", ") + "]"
}

// entryText is an entry of a table as an inline table, with the keys that are other than
// in a fresh one.
func entryText(table string, at, fresh place) string {
	var words []string
	entryKeys(table, at, fresh, func(name, value string) { words = append(words, name+" = "+value) })
	return braces(words)
}

// entryKeys calls f for the keys of an entry that are other than in a fresh one.
func entryKeys(table string, at, fresh place, f func(name, value string)) {
	for i := range keys {
		if name, ok := keys[i].in(table); ok {
			if value := literal(keys[i].field(at)); value != literal(keys[i].field(fresh)) {
				f(name, value)
			}
		}
	}
}

// mistyped says that a value has the wrong type. Words of the kernel command line have
// no type of their own.
func mistyped(v any, from Source, right string) []fault {
	var s string
	switch v := v.(type) {
	case string:
		if from != TOML {
			return []fault{{what: lex.Quote(v) + " is not " + right}}
		}
		s = lex.Quote(v) + " is a string"
	case int64:
		s = strconv.FormatInt(v, 10) + " is an integer"
	case float64:
		s = strconv.FormatFloat(v, 'g', -1, 64) + " is a float"
	case bool:
		s = strconv.FormatBool(v) + " is a boolean"
	case time.Time:
		s = "a date or time"
	case []any:
		s = "an array"
	case map[string]any:
		s = "a table"
	case []map[string]any:
		s = "an array of tables"
	default:
		s = "no value"
	}
	return []fault{{what: s + ", not " + right}}
}
