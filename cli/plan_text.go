package cli

import (
	"encoding/json"
	"strings"
)

// section is one part of a printed plan.
type section struct {
	name  string
	lines []string
}

// texts are the elements of a list as text.
func texts[T interface{ String() string }](list []T) (text []string) {
	for _, t := range list {
		text = append(text, t.String())
	}
	return text
}

func lines(text []byte) []string {
	if len(text) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

func planText(plan []section) string {
	var b strings.Builder
	for _, s := range plan {
		if len(s.lines) == 0 {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(s.name + ":\n")
		for _, l := range s.lines {
			b.WriteString("  " + l + "\n")
		}
	}
	return b.String()
}

// planJSON is an object of arrays of strings.
func planJSON(plan []section) string {
	object := make(map[string][]string, len(plan))
	for _, s := range plan {
		object[s.name] = append([]string{}, s.lines...)
	}
	text, err := json.MarshalIndent(object, "", " ")
	if err != nil { // of strings, none is possible
		panic(err)
	}
	return string(text) + "\n"
}
