package config

import (
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/config/brought"
	"github.com/beaminit/beaminit/config/image"
)

// TestHostnameOrder takes the sources of the host name away one by one, the strongest
// first.
func TestHostnameOrder(t *testing.T) {
	f := files{Path: "[node]\nhostname = \"toml\"", EtcHostnamePath: "# comment\n\nEtc\n", macPath: macText}
	words := []string{"ip=::::ip::off", "systemd.hostname=systemd", "hostname=param", "beaminit.node.hostname=ours"}
	want := []struct {
		name, where string
		from        Source
	}{
		{"ours", "kernel command line", Cmdline}, {"param", "kernel command line, hostname=", HostnameParam},
		{"systemd", "kernel command line, systemd.hostname=", SystemdHostname}, {"ip", "kernel command line, ip=", IPParam},
		{"toml", "/etc/beaminit.toml:2", TOML}, {"etc", "/etc/hostname", EtcHostname},
		{"beaminit-abcd06", "derived from the MAC", Derived}, {"beaminit-node", "built in", BuiltIn},
	}
	for i, w := range want {
		n := len(words) - i
		switch i {
		case 5:
			delete(f, Path)
		case 6:
			delete(f, EtcHostnamePath)
		case 7:
			delete(f, macPath)
		}
		c := Load(strings.Join(words[:max(n, 0)], " "), f.read)
		valid(t, c)
		from, where := c.Origin("node.hostname")
		if c.Node.Hostname != w.name || from != w.from || where != w.where {
			t.Errorf("got %s from %v, %s; want %s from %v, %s", c.Node.Hostname, from, where, w.name, w.from, w.where)
		}
		if (len(c.Problems) > 0) != (w.from == BuiltIn) {
			t.Errorf("%s: problems %q", w.name, problems(c))
		}
	}
}

// TestHostnameReadsLittle: files that the name does not need are not opened.
func TestHostnameReadsLittle(t *testing.T) {
	always := []string{fstabPath} // what is looked for whatever the name is
	asked := image.NewFiles(func(path string) ([]byte, error) { always = append(always, path); return nil, fs.ErrNotExist }, nil)
	image.Read(asked)
	brought.Find(asked, brought.Handled{})
	for _, tt := range []struct{ toml, want string }{
		{"[node]\nhostname = \"a\"\nid = \"file:/id\"", ErlinitPath + " " + Path},
		{"[node]\nhostname = \"a-%s\"\nid = \"file:/id\"", ErlinitPath + " " + Path + " /id"},
		{"[node]\nhostname = \"a-%s\"\n[network.eth1]", ErlinitPath + " " + Path + " /sys/class/net/eth1/address"},
		{"", ErlinitPath + " " + Path + " " + EtcHostnamePath + " " + macPath},
	} {
		var got []string
		f := files{Path: tt.toml, "/id": "12", "/sys/class/net/eth1/address": macText, macPath: macText}
		Load("", func(path string) ([]byte, error) {
			if !slices.Contains(always, path) {
				got = append(got, path)
			}
			return f.read(path)
		})
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("%q: read %s, want %s", tt.toml, s, tt.want)
		}
	}
}

// TestPattern has erlinit's cases of hostname patterns (its regression tests 010 and
// 041 to 065), and ours.
func TestPattern(t *testing.T) {
	for _, tt := range []struct {
		pattern, id, want string
		problem           string
	}{
		{"nerves-%.4s", "12345678", "nerves-1234", ""},
		{"nerves-%s", "  4\n888888888\n\n", "nerves-4", ""},
		{"NERVES", "", "nerves", ""},
		{"N__ERVES", "", "nerves", `"N__ERVES" is no host name`},
		{"A-bc-de._g", "", "a-bc-de.g", `"A-bc-de._g" is no host name`},
		{"nerves-%s-", "12345678", "nerves-12345678", ""}, // erlinit keeps the hyphen
		{"nerves-%-.4s", "12345678", "nerves-5678", ""},
		{"nerves-%.10s", "123456789abcdef", "nerves-123456789a", ""},
		{"nerves-%-.10s", "123456789abcdef", "nerves-6789abcdef", ""},
		{"nerves-%d-", "1", "beaminit-abcd06", `"nerves-%d-" is no pattern`},
		{"bird-%.4s", "ab", "bird-ab", ""},
		{"bird-%.4s", "A:B_C", "bird-ab", ""},
		{"bird-%s.lan", "7", "bird-7.lan", ""},
		{"%s", "0\x00", "0", ""}, // files of the device tree end in a NUL
		{"%.2s-%-.2s", "123456", "12-56", ""},
		{"bird-%.4s", "", "bird-5254", "holds no id"},
		{"bird-%s", strings.Repeat("a", 60), "beaminit-abcd06", "gives"},
		{"bird-%", "1", "beaminit-abcd06", "is no pattern"},
		{"bird-%.s", "1", "beaminit-abcd06", "is no pattern"},
		{"bird-%.0s", "1", "beaminit-abcd06", "is no pattern"},
		{"bird-%.123s", "1", "beaminit-abcd06", "is no pattern"},
		{"bird-%-s", "1", "beaminit-abcd06", "is no pattern"},
		{"bird-%-", "1", "beaminit-abcd06", "is no pattern"},
		{"bird-%.4", "1", "beaminit-abcd06", "is no pattern"},
		{"", "1", "beaminit-abcd06", `"" is no host name`},
		{"-._", "1", "beaminit-abcd06", `"-._" is no host name`},
		{"a..b", "1", "beaminit-abcd06", `"a..b" is no host name`},
		{"a-.b", "1", "beaminit-abcd06", `"a-.b" is no host name`},
		{strings.Repeat("a", 64), "1", "beaminit-abcd06", `is no host name`},
		{strings.Repeat("a", 63), "1", strings.Repeat("a", 63), ``},
		{strings.Repeat("a", 32) + "." + strings.Repeat("b", 32), "1", "beaminit-abcd06", `is no host name`},
	} {
		toml := "[node]\nid = \"file:/id\"\nhostname = \"" + tt.pattern + "\""
		c := Load("", files{Path: toml, "/id": tt.id, macPath: macText}.read)
		valid(t, c)
		got := strings.Join(problems(c), "\n")
		if c.Node.Hostname != tt.want || len(c.Problems) > 1 || (got == "") != (tt.problem == "") || !strings.Contains(got, tt.problem) {
			t.Errorf("%s of %q: got %s, %q; want %s, %q", tt.pattern, tt.id, c.Node.Hostname, got, tt.want, tt.problem)
		}
		if got != "" && !strings.HasPrefix(got, "/etc/beaminit.toml:3: node.hostname: ") && !strings.HasPrefix(got, "/etc/beaminit.toml:2: node.id: ") {
			t.Errorf("%s: problem is at %s", tt.pattern, got)
		}
	}
}

func TestBoardID(t *testing.T) {
	for _, tt := range []struct {
		name, id, line string
		files          files
		want, problem  string
	}{
		{"MAC", "", "", files{macPath: macText}, "b-525400abcd06", ""},
		{"MAC of the first interface", "", "ip=10.0.0.6:::::lan0:off", files{"/sys/class/net/lan0/address": "02:00:00:00:00:07\n"}, "b-020000000007", ""},
		{"no MAC", "", "", files{}, "beaminit-node", `/etc/beaminit.toml:2: node.hostname: "b-%s" needs the board's id, but the MAC of eth0 cannot be read: open /sys/class/net/eth0/address: file does not exist; want node.id = "file:/path", or a plain host name; using "beaminit-node"`},
		{"zero MAC", "", "", files{macPath: "00:00:00:00:00:00\n"}, "beaminit-node", `/etc/beaminit.toml:2: node.hostname: "b-%s" needs the board's id, but eth0 has no MAC; want node.id = "file:/path", or a plain host name; using "beaminit-node"`},
		{"no file", "file:/id", "", files{macPath: macText}, "b-525400abcd06", `/etc/beaminit.toml:3: node.id: the id cannot be read: open /id: file does not exist; want a file that begins with the id; using the MAC, 525400abcd06`},
		{"program", "/usr/bin/board-id -s", "", files{macPath: macText}, "b-00000000", ""},
		{"weaker name", "", "hostname=a_b", files{macPath: macText}, "ab", `kernel command line: node.hostname: "a_b" is no host name; want ` + wantHostname + `; using "ab"`},
		{"weaker name where the stronger is bad", "", "hostname=__", files{macPath: macText}, "b-525400abcd06", `kernel command line: node.hostname: "__" is no host name; want ` + wantHostname + `; using "b-525400abcd06"`},
	} {
		tt.files[Path] = "[node]\nhostname = \"b-%s\"\nid = \"" + tt.id + "\""
		c := Load(tt.line, tt.files.read)
		valid(t, c)
		got := problems(c)
		if c.Node.Hostname != tt.want || len(got) > 0 && got[0] != tt.problem || (len(got) == 0) != (tt.problem == "") {
			t.Errorf("%s: got %s, %q\nwant %s, %q", tt.name, c.Node.Hostname, got, tt.want, tt.problem)
		}
		if isProgram := strings.HasPrefix(tt.id, "/"); isProgram != (len(c.Notes) == 1) {
			t.Errorf("%s: notes %q", tt.name, notes(c))
		}
	}
}

func TestEtcHostname(t *testing.T) {
	for _, tt := range []struct{ text, want, problem string }{
		{"  board7 \n", "board7", ""},
		{"", "beaminit-abcd06", ""},
		{"localhost\n", "beaminit-abcd06", ""},
		{"localhost.localdomain\n", "beaminit-abcd06", ""},
		{"# only a comment", "beaminit-abcd06", ""},
		{"a b", "ab", `/etc/hostname: node.hostname: "a b" is no host name`},
		{"\xff", "beaminit-abcd06", `/etc/hostname: node.hostname: "\xff" is no host name`},
		{"error: input/output error", "beaminit-abcd06", `/etc/hostname: node.hostname: cannot be read: input/output error`},
	} {
		c := Load("", files{EtcHostnamePath: tt.text, macPath: macText}.read)
		valid(t, c)
		got := strings.Join(problems(c), "\n")
		if c.Node.Hostname != tt.want || !strings.HasPrefix(got, tt.problem) || (got == "") != (tt.problem == "") {
			t.Errorf("%q: got %s, %q; want %s, %q", tt.text, c.Node.Hostname, got, tt.want, tt.problem)
		}
	}
}
