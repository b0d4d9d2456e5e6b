package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/internal/machine"
)

// The corpus: images as people have them, written anew in the form of public ones. A case
// is a text of what it is about, and of sections: "cmdline" for the kernel command line,
// "tree" for files of the image (a path a line: DIR/, FILE, FILE: TEXT, or - PATH for one
// that is not there), "plan" for what is other in its plan than in that of the base image,
// and any other for a file of the image; one without a / is a file of the release's version.
type imageCase struct {
	name     string
	sections map[string]string
}

// baseImage is a mix release as nerves_system_* have it, without a vm.args that says
// anything.
const baseImage = `srv/erlang/releases/start_erl.data: 15.2.1 0.1.0
srv/erlang/releases/COOKIE: cookie-of-mix
srv/erlang/releases/0.1.0/start.boot
srv/erlang/releases/0.1.0/start_clean.boot
srv/erlang/releases/0.1.0/shoehorn.boot
srv/erlang/releases/0.1.0/bird.rel
srv/erlang/releases/0.1.0/sys.config: [].
srv/erlang/releases/0.1.0/vm.args
srv/erlang/releases/0.1.0/env.sh
srv/erlang/releases/0.1.0/elixir
srv/erlang/erts-15.2.1/bin/erlexec
srv/erlang/erts-15.2.1/bin/beam.smp
srv/erlang/lib/elixir-1.18.3/ebin/
srv/erlang/lib/iex-1.18.3/ebin/
sys/class/net/eth0/address: 52:54:00:ab:cd:06
etc/passwd: app:x:100:1000::/home/app:
`

func TestCorpus(t *testing.T) {
	t.Parallel()
	names, _ := filepath.Glob("testdata/corpus/*.txt")
	if len(names) < 60 {
		t.Errorf("%d cases, want 60 at least", len(names))
	}
	base := imagePlan(t, &imageCase{})
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		c := imageCase{strings.TrimSuffix(filepath.Base(name), ".txt"), map[string]string{}}
		header := regexp.MustCompile(`(?m)^-- (\S+) --\n`)
		at := header.FindAllStringSubmatchIndex(string(text), -1)
		for i, m := range at {
			end := len(text)
			if i+1 < len(at) {
				end = at[i+1][0]
			}
			c.sections[string(text[m[2]:m[3]])] = string(text[m[1]:end])
		}
		t.Run(c.name, func(t *testing.T) {
			got := planDiff(slices.Clone(base), imagePlan(t, &c))
			if *update {
				before, _, _ := strings.Cut(string(text), "-- plan --\n")
				if err := os.WriteFile(name, []byte(before+"-- plan --\n"+got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != c.sections["plan"] {
				t.Errorf("got\n%swant\n%s", got, c.sections["plan"])
			}
		})
	}
}

// imagePlan is the plan of an image and the problems that check has with it, a line an
// element, with its section in front.
func imagePlan(t *testing.T, c *imageCase) (lines []string) {
	t.Helper()
	root := t.TempDir()
	for _, line := range strings.Split(strings.TrimSpace(baseImage+c.sections["tree"]), "\n") {
		name, text, _ := strings.Cut(line, ": ")
		path := filepath.Join(root, strings.TrimPrefix(name, "- "))
		switch {
		case strings.HasPrefix(name, "- "):
			os.RemoveAll(path)
		case strings.HasSuffix(name, "/"):
			os.MkdirAll(path, 0o755)
		case strings.Contains(name, "/bin/") && text == "": // a static program, to please what looks into it
			os.MkdirAll(filepath.Dir(path), 0o755)
			machine.CopyInit(t, path)
		default:
			machine.WriteFile(t, path, text)
		}
	}
	for name, text := range c.sections {
		switch {
		case name == "cmdline" || name == "tree" || name == "plan":
		case strings.Contains(name, "/"):
			machine.WriteFile(t, filepath.Join(root, name), text)
		default:
			machine.WriteFile(t, filepath.Join(root, "srv/erlang/releases/0.1.0", name), text)
		}
	}
	cmdline := "quiet " + strings.TrimSpace(c.sections["cmdline"])
	out, err := exec.Command(machine.Init(t), "plan", "--root", root, "--cmdline", cmdline).Output()
	if err != nil {
		t.Fatalf("plan: %v\n%s", err, out)
	}
	section := ""
	blanks := regexp.MustCompile(` {2,}#`)
	for _, line := range strings.Split(string(out), "\n") {
		switch {
		case strings.HasPrefix(line, "  "):
			lines = append(lines, section+": "+blanks.ReplaceAllString(line[2:], " #"))
		case line != "":
			section = strings.TrimSuffix(line, ":")
		}
	}
	return lines
}
