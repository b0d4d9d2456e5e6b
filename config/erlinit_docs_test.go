package config

import (
	"os"
	"strings"
	"testing"
)

// The table for people has every option with its key, and no option that there is none of.
func TestErlinitDocs(t *testing.T) {
	text, err := os.ReadFile("../docs/from-erlinit.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "| erlinit | beaminit.toml | |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	rows := map[string][]string{} // cells, by option
	for _, line := range strings.Split(table, "\n")[1:] {
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		for _, option := range strings.Split(cells[0], "`, `") {
			name, _, _ := strings.Cut(strings.Trim(option, "`"), " ")
			rows[name] = cells
		}
	}
	for i := range erlinitOptions {
		o := &erlinitOptions[i]
		names := []string{"--" + o.long}
		if o.short != 0 {
			names = append(names, "-"+string(rune(o.short)))
		}
		for _, name := range names {
			row := rows[name]
			delete(rows, name)
			key := "`" + o.key + "`"
			switch {
			case o.key == "":
				key = "(nothing)"
			case o.key == "mount":
				key = "`[[mount]]`"
			}
			if len(row) < 2 || strings.TrimSpace(row[1]) != key {
				t.Errorf("%s: row %q, want one with %s", name, row, key)
			} else if o.key == "" && !strings.HasPrefix(o.why, strings.TrimRight(row[2], " |")) {
				t.Errorf("%s: row %q, want %q in it", name, row, o.why)
			}
		}
	}
	for name := range rows {
		t.Errorf("%s: erlinit has no such option", name)
	}
}
