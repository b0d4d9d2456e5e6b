package docs

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// manPage has the keys of configuration.md, as their section of a manual.
const manPage = "beaminit.toml.5"

var update = flag.Bool("update", false, "write the keys of "+manPage+" anew, from configuration.md")

// What stands between in the man page is made of the table.
const (
	keysBegin = ".\\\" The keys: go test ./docs -update writes them, from configuration.md.\n"
	keysEnd   = ".\\\" End of the keys.\n"
)

// The keys of the man page say the same as configuration.md.
func TestManPageKeys(t *testing.T) {
	page := read(t, manPage)
	before, rest, begun := strings.Cut(page, keysBegin)
	_, after, ended := strings.Cut(rest, keysEnd)
	if !begun || !ended {
		t.Fatalf("%s: no place for the keys", manPage)
	}
	want := before + keysBegin + manKeys(rows(t)) + keysEnd + after
	if *update {
		if err := os.WriteFile(manPage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if page != want {
		t.Errorf("%s has other keys than configuration.md: go test ./docs -update", manPage)
	}
}

// manKeys is mdoc(7): a subsection a table, an item a key.
func manKeys(list []row) string {
	var b strings.Builder
	last := ""
	for _, r := range list {
		section, _, _ := strings.Cut(r.key, ".")
		if section != last {
			if last != "" {
				b.WriteString(".El\n")
			}
			b.WriteString(".Ss Section " + section + "\n.Bl -tag -width Ds\n")
			last = section
		}
		b.WriteString(".It Cm " + r.key + "\n")
		b.WriteString(manText(r.what))
		b.WriteString(manText("Values: " + r.values))
		if r.byDefault != "–" {
			b.WriteString(manText("Default: " + r.byDefault))
		}
	}
	return b.String() + ".El\n"
}

var (
	link     = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
	sentence = regexp.MustCompile(`([.:;]) ([A-Z0-9"\[])`)
)

// manText makes lines of at most 80 bytes of a cell, each sentence on its own, as
// mandoc -Tlint wants them.
func manText(cell string) string {
	text := link.ReplaceAllString(cell, "$1")
	text = strings.NewReplacer("`", "", `\`, `\e`, "–", `\(en`, "…", "...").Replace(text)
	text = strings.ToUpper(text[:1]) + text[1:]
	if !strings.HasSuffix(text, ".") {
		text += "."
	}
	var b strings.Builder
	for _, s := range strings.Split(sentence.ReplaceAllString(text, "$1\n$2"), "\n") {
		line := ""
		for _, word := range strings.Fields(s) {
			if line != "" && len(line)+1+len(word) > 78 {
				b.WriteString(line + "\n")
				line = ""
			}
			if line != "" {
				line += " "
			} else if strings.ContainsAny(word[:1], ".'") {
				word = `\&` + word // else it is a request
			}
			line += word
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

// mandoc finds nothing to say about the pages but that it does not have the others.
func TestMandoc(t *testing.T) {
	if _, err := exec.LookPath("mandoc"); err != nil {
		t.Skip("no mandoc here: make deps installs it")
	}
	for _, page := range []string{manPage, "beaminit.8"} {
		out, _ := exec.Command("mandoc", "-Tlint", page).CombinedOutput() // the status is another for mere style
		for _, line := range bytes.Split(bytes.TrimSpace(out), []byte("\n")) {
			if len(line) > 0 && !bytes.Contains(line, []byte("referenced manual not found")) && !bytes.Contains(line, []byte("outdated mandoc.db")) {
				t.Errorf("%s", line)
			}
		}
		text, err := exec.Command("mandoc", "-Tascii", page).Output()
		if err != nil || len(text) < 2000 {
			t.Errorf("%s: mandoc renders %d bytes, %v", page, len(text), err)
		}
	}
}

// The commands that the program has are those of command-line.md and of beaminit.8.
// Its help does not tell of what ERTS alone starts.
func TestCommands(t *testing.T) {
	commands := func(path, pattern string) []string {
		var list []string
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(read(t, path), -1) {
			if !slices.Contains(list, m[1]) {
				list = append(list, m[1])
			}
		}
		return list
	}
	help, err := exec.Command("go", "run", "../cmd/init", "help").Output()
	if err != nil {
		t.Fatal(err)
	}
	program := []string{"heart", "sh"}
	for _, m := range regexp.MustCompile(`(?m)^  beaminit ([a-z-]+)`).FindAllSubmatch(help, -1) {
		program = append(program, string(m[1]))
	}
	compare(t, "command-line.md", commands("command-line.md", "(?m)^\\| `(?:beaminit )?([a-z-]+)"), program)
	compare(t, "beaminit.8", commands("beaminit.8", `(?m)^\.It Ic (?:beaminit )?([a-z-]+)`), program)
}
