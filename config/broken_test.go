package config

import (
	"os"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/config/cmdline"
)

// TestBroken has what people write wrong, and every line that they are told. Each input in
// testdata/broken.txt begins with its kind and a > ("toml>", "cmdline>", "erlinit>",
// "fstab>", "hostname>"), \n is the end of a line in it; the lines of the answer follow,
// indented. Read them as somebody who does not know the code.
func TestBroken(t *testing.T) {
	text, err := os.ReadFile("testdata/broken.txt")
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	inputs := 0
	for _, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		kind, input, isInput := strings.Cut(line, "> ")
		if strings.HasPrefix(line, "  ") || !isInput {
			if !strings.HasPrefix(line, "  ") { // a comment
				got.WriteString(line + "\n")
			}
			continue
		}
		inputs++
		got.WriteString(line + "\n" + answer(t, kind, strings.NewReplacer(`\n`, "\n", `\t`, "\t").Replace(input)))
	}
	if inputs < 100 {
		t.Errorf("%d inputs, want 100", inputs)
	}
	golden(t, "broken.txt", got.String())
}

// answer is what is said about one input.
func answer(t *testing.T, kind, input string) string {
	t.Helper()
	f, line := files{macPath: macText}, ""
	switch kind {
	case "toml":
		f[Path] = input
	case "cmdline":
		line = input
	case "erlinit":
		f[ErlinitPath] = input
	case "fstab":
		f[fstabPath] = input
	case "hostname":
		f[EtcHostnamePath] = input
	default:
		t.Fatalf("no such kind: %s", kind)
	}
	c := Sources{Cmdline: line, Args: cmdline.InitArgs(line), Read: f.read, List: f.list}.Load()
	valid(t, c)
	text := ""
	for _, p := range c.Problems {
		text += "  " + p.String() + "\n"
	}
	for _, n := range c.Notes {
		if n.Key != "erlinit" { // it tells what is other than with erlinit, at any input
			text += "  note: " + n.String() + "\n"
		}
	}
	if text == "" {
		t.Errorf("%s> %s: nothing is said", kind, input)
	}
	return text
}
