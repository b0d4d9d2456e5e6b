package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The walks of contributing.md go through functions that there are.
func TestWalks(t *testing.T) {
	_, text, _ := strings.Cut(read(t, "contributing.md"), "\n## Five walks\n")
	text, _, _ = strings.Cut(text, "\n## ")
	steps := regexp.MustCompile("`([a-z/]+)\\.([A-Za-z.]+)`").FindAllStringSubmatch(text, -1)
	if len(steps) < 20 {
		t.Fatalf("%d steps in contributing.md, want the walks", len(steps))
	}
	for _, step := range steps {
		room, name := step[1], step[2]
		if _, err := os.Stat("../" + room); err != nil {
			continue // a type by the name of its package
		}
		declared := "(?m)^(func|type) " + name + `\b`
		if of, method, is := strings.Cut(name, "."); is {
			declared = `(?m)^func \(\w+ \*?` + of + `\) ` + method + `\b`
		}
		if !contains(t, room, regexp.MustCompile(declared)) {
			t.Errorf("contributing.md: there is no %s in %s", name, room)
		}
	}
}

// contains says whether a file of a room has that.
func contains(t *testing.T, room string, what *regexp.Regexp) bool {
	files, err := filepath.Glob("../" + room + "/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if what.Match(text) {
			return true
		}
	}
	return false
}
