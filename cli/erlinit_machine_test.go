package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/config/cmdline"
	"github.com/beaminit/beaminit/internal/machine"
	"github.com/beaminit/beaminit/internal/nstest"

	"golang.org/x/sys/unix"
)

// The behaviour that erlinit's users rely on, in the numbers of erlinit 1.15.1's own 71
// tests, in testdata/erlinit. A case is a text of what it is about, with "other than
// erlinit: …" where a node does something else on purpose, and of sections:
//
//	-- cmdline --         words on the kernel command line after --
//	-- erlinit.config --
//	-- tree --            of the image, a path a line: DIR/, FILE, FILE: TEXT, or - PATH
//	                      for one that is not there
//	-- plan --            golden: what is other in the plan than in that of the base image
//	-- erlexec --         script in the place of erlexec; such a case is run, in namespaces
//	-- opt/NAME --        another script of the image
//	-- console --         what the console says: parts of lines, in this order, but that
//	                      of the release and that of PID 1 each for itself
//	-- ended --           reboot, or off
type erlinitCase struct {
	name, about string
	sections    map[string]string
}

func erlinitCases(t *testing.T) (cases []erlinitCase) {
	t.Helper()
	names, _ := filepath.Glob("testdata/erlinit/[0-9]*.txt")
	if len(names) != 71 {
		t.Errorf("%d cases, want 71", len(names))
	}
	header := regexp.MustCompile(`(?m)^-- (\S+) --\n`)
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		c := erlinitCase{name: strings.TrimSuffix(filepath.Base(name), ".txt"), sections: map[string]string{}}
		at := header.FindAllStringSubmatchIndex(string(text), -1)
		if len(at) == 0 {
			t.Fatalf("%s: no sections", name)
		}
		c.about = string(text[:at[0][0]])
		for i, m := range at {
			end := len(text)
			if i+1 < len(at) {
				end = at[i+1][0]
			}
			c.sections[string(text[m[2]:m[3]])] = string(text[m[1]:end])
		}
		cases = append(cases, c)
	}
	return cases
}

// args is what the kernel would give its init.
func (c *erlinitCase) args() []string { return cmdline.InitArgs("-- " + c.sections["cmdline"]) }

func TestErlinit(t *testing.T) {
	t.Parallel()
	base := erlinitPlan(t, &erlinitCase{})
	for _, c := range erlinitCases(t) {
		_, planned := c.sections["plan"]
		_, run := c.sections["erlexec"]
		if !planned && !run {
			t.Errorf("%s: neither a plan nor a run", c.name)
		}
		if planned {
			t.Run(c.name+"/plan", func(t *testing.T) {
				got := planDiff(base, erlinitPlan(t, &c))
				if *update {
					c.update(t, got)
				} else if got != c.sections["plan"] {
					t.Errorf("got\n%swant\n%s", got, c.sections["plan"])
				}
			})
		}
		if run {
			t.Run(c.name+"/run", func(t *testing.T) {
				t.Parallel()
				c.run(t)
			})
		}
	}
}

// update writes the golden plan, which is the last section, anew.
func (c *erlinitCase) update(t *testing.T, plan string) {
	name := "testdata/erlinit/" + c.name + ".txt"
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	before, _, _ := strings.Cut(string(text), "-- plan --\n")
	if err := os.WriteFile(name, []byte(before+"-- plan --\n"+plan), 0o644); err != nil {
		t.Fatal(err)
	}
}

// baseTree is the image that the trees of the cases change.
const baseTree = `srv/erlang/releases/0.0.1/test.boot
srv/erlang/releases/0.0.1/sys.config
srv/erlang/releases/0.0.1/vm.args
usr/lib/erlang/erts-13.1.5/bin/erlexec
usr/lib/erlang/erts-13.1.5/bin/beam.smp
sys/class/net/eth0/address: 52:54:00:ab:cd:06
etc/passwd: app:x:100:1000::/home/app:
data/cookie: cookie
`

// erlinitPlan is the plan of a case, a line an element, with its section in front.
func erlinitPlan(t *testing.T, c *erlinitCase) (lines []string) {
	t.Helper()
	root := t.TempDir()
	for _, line := range strings.Split(strings.TrimSpace(baseTree+c.sections["tree"]), "\n") {
		name, text, _ := strings.Cut(line, ": ")
		path := filepath.Join(root, strings.TrimPrefix(name, "- "))
		switch {
		case strings.HasPrefix(name, "- "):
			if err := os.RemoveAll(path); err != nil {
				t.Fatal(err)
			}
		case strings.HasSuffix(name, "/"):
			if err := os.MkdirAll(path, 0o755); err != nil {
				t.Fatal(err)
			}
		case strings.Contains(name, "/bin/"): // a static program, to please what looks into it
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			machine.CopyInit(t, path)
		default:
			machine.WriteFile(t, path, text)
		}
	}
	for name := range c.sections {
		if strings.HasPrefix(name, "opt/") {
			if err := os.MkdirAll(filepath.Join(root, "opt"), 0o755); err != nil {
				t.Fatal(err)
			}
			machine.CopyInit(t, filepath.Join(root, name))
		}
	}
	if text, there := c.sections["erlinit.config"]; there {
		machine.WriteFile(t, filepath.Join(root, config.ErlinitPath), text)
	}
	cmdline := "console=ttyS0 quiet"
	if words, there := c.sections["cmdline"]; there {
		cmdline += " -- " + words
	}
	out, err := exec.Command(machine.Init(t), "plan", "--all", "--root", root, "--cmdline", cmdline).Output()
	if err != nil {
		t.Fatal(err)
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

// planDiff is what is other in a plan: + and - before a line, and one - for a section
// that is not there at all.
func planDiff(base, plan []string) string {
	count, sections := map[string]int{}, map[string]bool{}
	for _, line := range plan {
		count[line]++
		sections[line[:strings.Index(line, ": ")]] = true
	}
	var b strings.Builder
	gone := map[string]bool{}
	for _, line := range base {
		section := line[:strings.Index(line, ": ")]
		switch {
		case count[line] > 0:
			count[line]--
		case sections[section]:
			b.WriteString("- " + line + "\n")
		case !gone[section]:
			gone[section] = true
			b.WriteString("- " + section + "\n")
		}
	}
	for i := len(plan) - 1; i >= 0; i-- { // of equal lines the last are the new ones
		if line := plan[i]; count[line] > 0 {
			count[line]--
			plan[i] = "+ " + line
		}
	}
	for _, line := range plan {
		if strings.HasPrefix(line, "+ ") {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}

// run boots a case in namespaces of its own, with the programs of the machine that tests
// and a script in the place of erlexec.
func (c *erlinitCase) run(t *testing.T) {
	dir, opt := t.TempDir(), t.TempDir()
	const shell = "#!/bin/sh\n"
	for name, text := range map[string]string{
		"releases/0.0.1/test.boot": "", "releases/0.0.1/sys.config": "", "releases/0.0.1/vm.args": "", "lib/": "",
		"erts-13.1.5/bin/erlexec": shell + c.sections["erlexec"], "erts-13.1.5/bin/beam.smp": "",
	} {
		if strings.HasSuffix(name, "/") {
			if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		machine.WriteFile(t, filepath.Join(dir, name), text)
	}
	for name, text := range c.sections {
		if name, isOpt := strings.CutPrefix(name, "opt/"); isOpt {
			machine.WriteFile(t, filepath.Join(opt, name), shell+text)
		}
	}
	os.Chmod(dir, 0o755) // for the release's user
	s := machine.Spec{
		Cmdline: "quiet", Args: c.args(), Files: map[string]string{"etc/passwd": "app:x:100:1000::/:\n"},
		Bind: map[string]string{"srv/erlang": dir, "opt": opt, "bin": "/usr/bin", "usr": "/usr", "lib": "/usr/lib", "lib64": "/usr/lib64"},
	}
	if text, there := c.sections["erlinit.config"]; there {
		s.Files["etc/erlinit.config"] = text
	}
	m := machine.Start(t, s)
	next := map[string]int{} // of the lines of each program, and of PID 1's own
	for _, want := range strings.Split(strings.TrimSpace(c.sections["console"]), "\n") {
		who, _, _ := strings.Cut(want, ": ")
		if who != "release" && who != "run_once" {
			who = ""
		}
		m.Await("line with "+want+", after line "+strconv.Itoa(next[who]), nstest.Patience, func() bool {
			lines := m.Lines()
			i := slices.IndexFunc(lines[next[who]:], func(line string) bool { return strings.Contains(line, want) })
			next[who] += i + 1
			return i >= 0
		})
	}
	want, there := map[string]syscall.Signal{"reboot": unix.SIGHUP, "off": unix.SIGINT}[strings.TrimSpace(c.sections["ended"])]
	if there {
		if got := m.Ended(); got != want {
			t.Errorf("the kernel ended it with %v, want %v\n%s", got, want, m.Tail())
		}
	}
}
