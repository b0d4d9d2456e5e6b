package node

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/release"
	"github.com/beaminit/beaminit/supervise"
	"github.com/beaminit/beaminit/supervise/launch"
)

// The places that have another name in docs/security.md than in a sandbox.
var (
	leasesPlace = "its directory of leases"
	ttyPlace    = "the tty"
	allPlace    = "all that"
)

// childCommands are those of the children that are this program, in a node that has all of
// them, by name; peers is with and without discovery.file.
func childCommands(t *testing.T) map[string]*launch.Command {
	t.Helper()
	n := &node{Setup: Setup{StateDir: "/data/beaminit", Release: &release.Release{}, User: &release.User{Name: "app", UID: 1000, GID: 1000}}}
	n.Config = config.Load("ip=dhcp beaminit.console.tty=/dev/null beaminit.discovery.mdns=true beaminit.release.user=app beaminit.kernel.autoload", noFiles)
	n.Setup.Net.Links = append(n.Setup.Net.Links, LoadSetup(t.TempDir(), "ip=dhcp").Net.Links...)
	tty := n.relayCommand()
	all := map[string]*launch.Command{"beaminit-monitor": supervise.MonitorCommand(), "beaminit-net": n.netCommand(), "beaminit-tty": &tty, ReadaheadName: n.readahead("embedded")}
	all["beaminit-peers"], _ = n.discoveryCommand(nil)
	all["beaminit-modules"], _ = n.moduleChild()[0].Command()
	return all
}

// docs/security.md says of each child whose it is, and what it may do: no less, and no more.
func TestChildrenAreDocumented(t *testing.T) {
	b, err := os.ReadFile("../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(b), "## What runs")
	runs, text, _ := strings.Cut(text, "### What holds the children")
	holds, limits, _ := strings.Cut(text, "- Landlock:")
	for name, cmd := range childCommands(t) {
		if cmd.Bounds.Sandbox == nil || os.Geteuid() != 0 {
			t.Skip("under the race detector, and where there is no root, children have not all of their bounds")
		}
		is, held, bounds := rowOf(t, runs, name), rowOf(t, holds, name), cmd.Bounds
		if want := whose(name, bounds); !strings.HasPrefix(is[1], want) {
			t.Errorf("%s: the user is %q, want %q", name, is[1], want)
		}
		if got, want := quoted(is[2]), append(slices.Clone(bounds.Capabilities), "no_new_privs"); !bounds.NoNewPrivs || !slices.Equal(got, want) {
			t.Errorf("%s: the capabilities are %q, want %q", name, got, want)
		}
		if got, want := places(held[1]), reached(bounds.Sandbox); !slices.Equal(got, want) {
			t.Errorf("%s: the files are %q, want %q", name, got, want)
		}
		if connects := strings.Contains(held[2], "to connect"); connects != bounds.Sandbox.Connect || connects == strings.Contains(held[2], "no TCP") {
			t.Errorf("%s: TCP is %q, want it to connect: %v", name, held[2], bounds.Sandbox.Connect)
		}
		for _, l := range bounds.Limits {
			if want, known := limitWords[l]; !known || !strings.Contains(limits, want) {
				t.Errorf("%s: nothing says %s", name, l)
			}
		}
	}
}

// limitWords are what the page says of each limit that there is.
var limitWords = map[string]string{
	"core=0": "no core dump", "fsize=0": "no file", "fsize=1048576": "1 MiB", "nofile=256": "256 descriptors",
	"memlock=0": "no locked memory", "msgqueue=0": "no message queue", "data=268435456": "256 MiB of memory",
}

// TestDeviceBounds: who sets devices has the rights for what is configured, and no others.
func TestDeviceBounds(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("it is root that gives capabilities")
	}
	for toml, want := range map[string]string{
		"": "none",
		"[[device]]\nmatch = \"tty\"\nowner = \"app\"\n":                              "chown fowner",
		"[kernel]\ndisk_links = true\n":                                               "dac_read_search /dev",
		"[kernel]\ndisk_links = true\n[[device]]\nmatch = \"tty\"\nowner = \"app\"\n": "chown fowner dac_read_search /dev",
	} {
		n := &node{}
		n.Config = config.Load("", func(path string) ([]byte, error) {
			if path == "/etc/beaminit.toml" {
				return []byte(toml), nil
			}
			return nil, os.ErrNotExist
		})
		got := "none"
		if o, ok := n.deviceOrders(); ok {
			b := deviceBounds(&o)
			got = strings.Join(b.Capabilities, " ")
			if b.Sandbox != nil && slices.Contains(b.Sandbox.Read, "/dev") || b.Sandbox == nil && o.Disks { // nil: under the race detector
				got += " /dev"
			}
		}
		if got != want {
			t.Errorf("%q: %s, want %s", toml, got, want)
		}
	}
}

// rowOf gives the cells of the row of a table that is about that child.
func rowOf(t *testing.T, table, name string) []string {
	t.Helper()
	for _, line := range strings.Split(table, "\n") {
		if strings.HasPrefix(line, "| `"+name+"`") {
			return strings.Split(strings.Trim(line, "| "), " | ")
		}
	}
	t.Fatalf("docs/security.md: no row for %s", name)
	return nil
}

func whose(name string, b launch.Bounds) string {
	switch {
	case b.User == nil:
		return "root"
	case launch.IsOwnUser(b.User.Uid):
		return fmt.Sprint(b.User.Uid)
	}
	return "the user of the release"
}

func quoted(cell string) (words []string) {
	for _, m := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(cell, -1) {
		words = append(words, m[1])
	}
	return words
}

// places are the files that a cell names, sorted.
func places(cell string) []string {
	cell, _, _ = strings.Cut(cell, "; with `discovery.file`")
	list := regexp.MustCompile(`/[a-z/]+|its directory of leases|the tty|all that`).FindAllString(cell, -1)
	list = slices.DeleteFunc(list, func(p string) bool { return p == "/dev" && strings.Contains(cell, "as long as") })
	slices.Sort(list)
	return slices.Compact(list)
}

// reached are those that a sandbox has, under the names of the page.
func reached(box *launch.Sandbox) []string {
	names := map[string]string{"/proc/self/fd/3": leasesPlace, "/dev/null": ttyPlace, "/": allPlace, "/proc/self/comm": "/proc"}
	var list []string
	for _, p := range slices.Concat(box.Read, box.Write, box.Make) {
		if name, is := names[p]; is {
			p = name
		}
		list = append(list, p)
	}
	if slices.Contains(list, allPlace) { // in which all else is
		return []string{allPlace}
	}
	slices.Sort(list)
	return slices.Compact(list)
}
