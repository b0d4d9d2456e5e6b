package config

import (
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// quote is a string as TOML has it, in ASCII, and cut where it is long: it goes into
// one line of a log.
func quote(s string) string {
	if len(s) > 80 {
		return strconv.QuoteToASCII(s[:72]) + "..."
	}
	return strconv.QuoteToASCII(s)
}

// literal is the value of a field as it would stand in beaminit.toml.
func literal(p any) string {
	switch p := p.(type) {
	case *string:
		return strconv.QuoteToASCII(*p)
	case *int:
		return strconv.Itoa(*p)
	case *bool:
		return strconv.FormatBool(*p)
	case *time.Duration:
		return strconv.Quote(short(*p))
	case backoff:
		return "[" + strconv.Quote(short(*p.first)) + ", " + strconv.Quote(short(*p.longest)) + "]"
	case *[]string:
		return list(*p)
	case *command:
		return list(*p)
	case *[]int:
		return numbers(*p)
	case *size:
		return strconv.Quote(sizeText(int64(*p)))
	case *env:
		return table(*p)
	case *[]netip.Addr:
		return list(addrStrings(*p))
	case *[]netip.Prefix:
		words := make([]string, len(*p))
		for i, a := range *p {
			words[i] = a.String()
		}
		return list(words)
	case *[]Peer:
		words := make([]string, len(*p))
		for i, peer := range *p {
			words[i] = peer.Name + " = " + peer.literal()
		}
		return braces(words)
	case *[]Mount:
		words := make([]string, len(*p))
		for i, m := range *p {
			words[i] = m.literal()
		}
		return "[" + strings.Join(words, ", ") + "]"
	}
	return ""
}

// short is a duration without the zero units of Duration.String: 1m, not 1m0s.
func short(d time.Duration) string {
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

func (p Peer) literal() string {
	text := strconv.Quote(p.Address.String())
	if len(p.Aliases) == 0 && p.Port == 0 {
		return text
	}
	text = "{ address = " + text
	if p.Port != 0 {
		text += ", port = " + strconv.Itoa(p.Port)
	}
	if len(p.Aliases) > 0 {
		text += ", aliases = " + list(p.Aliases)
	}
	return text + " }"
}

func (m Mount) literal() string {
	return "{ source = " + strconv.QuoteToASCII(m.Source) + ", target = " + strconv.QuoteToASCII(m.Target) +
		", type = " + strconv.QuoteToASCII(m.Type) + ", options = " + list(m.Options) + " }"
}

// mistyped says that a value has the wrong type. Words of the kernel command line have
// no type of their own.
func mistyped(v any, from Source, right string) []fault {
	var s string
	switch v := v.(type) {
	case string:
		if from != TOML {
			return []fault{{what: quote(v) + " is not " + right}}
		}
		s = quote(v) + " is a string"
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
