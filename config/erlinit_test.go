package config

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestErlinitWords(t *testing.T) {
	tests := []struct {
		text string
		want []word
	}{
		{"", nil},
		{"# all of it\n  \t\r\n", nil},
		{"-v\n\n-t", []word{{text: "-v", line: 1}, {text: "-t", line: 3}}},
		{"-s \"/usr/bin/strace -f\" # why", []word{{text: "-s", line: 1}, {text: "/usr/bin/strace -f", line: 1}}},
		{"-n a#b -v\n-t", []word{{text: "-n", line: 1}, {text: "a", line: 1}, {text: "-t", line: 2}}},
		{`-e A="b c"`, []word{{text: "-e", line: 1}, {text: `A="b`, line: 1}, {text: `c"`, line: 1}}},
		{`"a"b ""`, []word{{text: "a", line: 1}, {text: "b", line: 1}, {text: "", line: 1}}},
		{"\"a # b\n-v", []word{{text: "a # b", line: 1, open: true}, {text: "-v", line: 2}}},
		{`-e A=1;B="2"`, []word{{text: "-e", line: 1}, {text: `A=1;B="2"`, line: 1}}},
	}
	for _, tt := range tests {
		if got := erlinitWords(tt.text); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%q: got %+v, want %+v", tt.text, got, tt.want)
		}
	}
}

// erlinit loads an erlinit.config and a command line on a board with a MAC.
func erlinit(t *testing.T, config, cmdline string) *Config {
	t.Helper()
	c := Load(cmdline, files{ErlinitPath: config, macPath: macText, "/usr/bin/boardid": "\x7fELF"}.read)
	valid(t, c)
	checkTOML(t, c)
	return c
}

// checkTOML checks that the beaminit.toml that says the same does so.
func checkTOML(t *testing.T, c *Config) {
	t.Helper()
	d := Load("", files{Path: c.TOML(), macPath: macText, "/usr/bin/boardid": "\x7fELF"}.read)
	if len(d.Problems) > 0 && len(c.Problems) == 0 {
		t.Errorf("of the TOML: %q\n%s", problems(d), c.TOML())
	}
	a, b := *c, *d
	for _, x := range []*Config{&a, &b} {
		x.Problems, x.Notes, x.origins, x.mountAt, x.text = nil, nil, nil, nil, ""
		x.wanted, x.fromErlinit, x.idle, x.Console.kernel = "", false, nil, nil
	}
	if !reflect.DeepEqual(a, b) {
		t.Errorf("got  %+v\nwant %+v\nfrom\n%s", b, a, c.TOML())
	}
}

// Each option, in each way it can be written, sets its key.
func TestErlinitOptions(t *testing.T) {
	tests := []struct {
		text, key, want string
	}{
		{"-b c", "release.boot", `"c"`},
		{"-bc.boot", "release.boot", `"c"`},
		{"--boot=/srv/erlang/releases/1/c", "release.boot", `"/srv/erlang/releases/1/c"`},
		{"-c tty1", "console.tty", `"tty1"`},
		{`-d "/usr/bin/boardid -s"`, "node.id", `"/usr/bin/boardid -s"`},
		{"-d boardid", "node.id", `"/usr/bin/boardid"`},
		{"-e LANG=en_US.UTF-8;LANGUAGE=en", "release.env", `{ LANG = "en_US.UTF-8", LANGUAGE = "en" }`},
		{"--env B=1 -e A=2=3;;B=4;", "release.env", `{ A = "2=3", B = "4" }`},
		{"--gid 0x10", "release.group", `"16"`},
		{"--uid 100", "release.user", `"100"`},
		{"--graceful-shutdown-timeout 15000", "supervise.stop_timeout", `"15s"`},
		{"--graceful 0", "supervise.stop_timeout", `"1ms"`},
		{"-h", "supervise.on_exit", `"halt"`},
		{"-h --reboot-on-exit", "supervise.on_exit", `"reboot"`},
		{"-vth --poweroff-on-e", "supervise.on_exit", `"poweroff"`},
		{"-m /dev/mmcblk0p3:/root:vfat::", "mount", `{ source = "/dev/mmcblk0p3", target = "/root", type = "vfat" }`},
		{"-m ubi0:data:/root:ubifs:nodev:compr=zstd", "mount", `{ source = "ubi0:data", target = "/root", type = "ubifs", options = ["nodev", "compr=zstd"] }`},
		{"-m b:/c:ext4:nodev,noexec:errors=remount-ro,data=a:b", "mount", `{ source = "b", target = "/c", type = "ext4", options = ["nodev", "noexec", "errors=remount-ro", "data=a:b"] }`},
		{"-m tmpfs:/tmp:tmpfs:nodev,nosuid:mode=1777,size=16m", "mount", `{ source = "tmpfs", target = "/tmp", type = "tmpfs", options = ["nodev", "nosuid", "exec", "mode=1777", "size=16m"] }`},
		{"-n nerves-%.4s", "node.hostname", `"nerves-5254"`},
		{"-r /mnt/a:/srv/erlang", "release.path", `["/mnt/a", "/srv/erlang"]`},
		{`--run-on-exit "/bin/a  1"`, "release.run_on_exit", `["/bin/a", "1"]`},
		{`--pre-run-exec boardid`, "release.run_once", `[["/usr/bin/boardid"]]`},
		{"--pre-run-exec boardid --pre-run-exec \"/opt/b -x\"", "release.run_once", `[["/usr/bin/boardid"], ["/opt/b", "-x"]]`},
		{`-s "run_erl /tmp /tmp exec"`, "release.wrapper", `["run_erl", "/tmp", "/tmp", "exec"]`},
		{"--x-pivot", "root.overlay", `"tmpfs"`},
		{"--core-pattern /data/core", "kernel.core_pattern", `"/data/core"`},
		{"-l core:unlimited:unlimited --limit nofile:1024:4096;cpu::", "release.limits", `{ core = "unlimited:unlimited", cpu = "unlimited:unlimited", nofile = "1024:4096" }`},
		{"--tty-options 115200n8", "console.options", `"115200n8"`},
		{"--working-directory /tmp", "release.working_directory", `"/tmp"`},
	}
	seen := map[string]bool{}
	for _, tt := range tests {
		c := erlinit(t, "# of a board\n"+tt.text+"\n", "")
		got, from := "", ""
		c.Each(func(key, value, where string) {
			if key == tt.key {
				got, from = value, where
			}
		})
		if got != tt.want || from != ErlinitPath+":2" || len(c.Problems) > 0 {
			t.Errorf("%s: got %s = %s from %s, want %s from line 2; problems %q", tt.text, tt.key, got, from, tt.want, problems(c))
		}
		seen[tt.key] = true
	}
	for i := range erlinitOptions {
		o := &erlinitOptions[i]
		if o.how == hNothing {
			if o.why == "" || o.key != "" {
				t.Errorf("--%s: without effect, and no reason", o.long)
			}
			c := erlinit(t, "--"+o.long+" x", "")
			if text := strings.Join(append(notes(c), problems(c)...), "\n"); !strings.Contains(text, o.why) {
				t.Errorf("--%s: does not say %q:\n%s", o.long, o.why, text)
			}
			continue
		}
		section, name, _ := strings.Cut(o.key, ".")
		if !seen[o.key] || o.key != "mount" && find(section, name, false) == nil {
			t.Errorf("--%s: not tried, or there is no key %s", o.long, o.key)
		}
	}
}

func TestMountFields(t *testing.T) {
	for text, want := range map[string]string{
		"/dev/mmcblk0p3:/root:vfat::":                     "/dev/mmcblk0p3|/root|vfat||",
		"tmpfs:/tmp:tmpfs:nodev:mode=1777,size=16m":       "tmpfs|/tmp|tmpfs|nodev|mode=1777,size=16m",
		"b:/c:ext4::data=a:b":                             "b|/c|ext4||data=a:b",
		"b:/c:ext4::data=:/d":                             "b|/c|ext4||data=:/d",
		"ubi0:data:/root:ubifs:nodev:compr=zstd":          "ubi0:data|/root|ubifs|nodev|compr=zstd",
		"ubi:data:/root:ubifs::":                          "ubi:data|/root|ubifs||",
		"/dev/ubi0_1:/root:ubifs::":                       "/dev/ubi0_1|/root|ubifs||",
		`LABEL="a:b":/data:ext4::`:                        "LABEL=a:b|/data|ext4||",
		"PARTUUID=1-2:/data:ext4::":                       "PARTUUID=1-2|/data|ext4||",
		"overlay:/etc:overlay::lowerdir=/etc,upperdir=/u": "overlay|/etc|overlay||lowerdir=/etc,upperdir=/u",
		"a:data:ext4::":                                   "a|data|ext4||", // no path, which is told of
		"a:data:ext4::x=:/y":                              "a|data|ext4||x=:/y",
		"a:/b:ext4":                                       "a|/b|ext4",
		"a":                                               "",
		"":                                                "",
	} {
		if got := strings.Join(mountFields(text), "|"); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

// What Nerves has for cgroups of version 1 is no fault: the first mount is not made, the second is.
func TestErlinitCgroup(t *testing.T) {
	c := erlinit(t, "-m tmpfs:/sys/fs/cgroup:tmpfs:nodev:mode=755\n-m cpu:/sys/fs/cgroup/cpu:cgroup:nodev:cpu\n", "")
	const want = `mount: "tmpfs:/sys/fs/cgroup:tmpfs:nodev:mode=755" is without effect: there is the cgroup2 of PID 1`
	if len(c.Mounts) != 1 || c.Mounts[0].Source != "cpu" || len(c.Problems) > 0 || !strings.Contains(strings.Join(notes(c), "\n"), want) {
		t.Errorf("mounts %+v, problems %q, notes\n%s\nwant %s", c.Mounts, problems(c), strings.Join(notes(c), "\n"), want)
	}
}

// Of an option that counts once and stands there several times the last counts, and a note names the others.
func TestErlinitAgain(t *testing.T) {
	at := func(line, text string) string { return ErlinitPath + ":" + line + ": " + text }
	for _, tt := range []struct {
		text, args string
		want       []string
	}{
		{"-n a\n-v\n--hostname-pattern b\n", "", []string{at("1", "-n a is without effect: of several the last counts, --hostname-pattern in line 3")}},
		{"-c ttyS0\n-c tty1\n-c ttyS1\n", "", []string{at("1", "-c ttyS0 is without effect: of several the last counts, -c in line 2"), at("2", "-c tty1 is without effect: of several the last counts, -c in line 3")}},
		{"-h\n--poweroff-on-exit\n", "", []string{at("1", "-h is without effect: of several the last counts, --poweroff-on-exit in line 2")}},
		{"-r /a\n-r /b\n", "", []string{at("1", "-r /a is without effect: of several the last counts, -r in line 2")}},
		{"-n a\n-n a\n-h\n-h\n", "", nil},
		{"-e A=1\n-e B=2\n-m a:/a:tmpfs::\n-m b:/b:tmpfs::\n-l core:1:1\n-l nofile:1:1\n", "", nil},
		{"-n a\n", "-- -n b", nil}, // which is what it is for
		{"", "-- -n a -n b", []string{"kernel command line: -n a is without effect: of several the last counts, -n"}},
	} {
		c := erlinit(t, tt.text, tt.args)
		got := slices.DeleteFunc(notes(c), func(n string) bool { return strings.HasPrefix(n, "erlinit: ") })
		if !slices.Equal(got, tt.want) {
			t.Errorf("%q, %q: got\n%s\nwant\n%s", tt.text, tt.args, strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
		}
	}
	if c := erlinit(t, "-v\n--\n-n lost\n--uid 100\n", ""); c.Release.User != "root" || strings.Join(problems(c), "") != ErlinitPath+`:2: "--" ends the options; want it away, or what stands behind it in front; using nothing of what stands behind it` {
		t.Errorf("behind --: user %s, problems %q", c.Release.User, problems(c))
	}
}

// HOME is erlinit's where the image mounts something there, and the release is root's.
func TestErlinitHome(t *testing.T) {
	const mount = "-m /dev/rootdisk0p4:/root:ext4:nodev:\n"
	for text, want := range map[string]string{
		mount:                         "HOME=/root",
		"-m a:/data:ext4::\n":         "",
		mount + "-e HOME=/data;A=1\n": "A=1 HOME=/data",
		mount + "--uid 0\n":           "HOME=/root",
		mount + "--uid 100\n":         "",
	} {
		if got := strings.Join(erlinit(t, text, "").Release.Env, " "); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	if got := erlinit(t, "-v", "-- "+mount).Release.Env; len(got) != 1 {
		t.Errorf("on the kernel command line: got %q", got)
	}
}

func TestErlinitProblems(t *testing.T) {
	at := ErlinitPath + ":1: "
	tests := []struct{ text, want string }{
		{"--unknown-option", at + "--unknown-option: erlinit has no such option, ignored"},
		{"--hostname-patern x", at + "--hostname-patern: erlinit has no such option, ignored; did you mean --hostname-pattern?"},
		{"-Z", at + "-Z: erlinit has no such option, ignored"},
		{"-H", at + "-H: erlinit has no such option, ignored; did you mean --reboot-on-exit?"},
		{"--r x", at + "--r: it can be --reboot-on-exit, --reboot-on-fatal, --release-path, --release-include-erts, --run-on-exit, so it is ignored"},
		{"--verbose=2", at + `--verbose: "2" is too much; want --verbose without a value; using nothing of it`},
		{"-v -n", at + "-n: no value; want one, as the next word; using nothing of it"},
		{"--env", at + "--env: no value; want one, as the next word; using nothing of it"},
		{"-s /usr/bin/strace -f", at + "-f: erlinit has no such option, ignored"},
		{"-s strace all", at + `"all" belongs to no option, ignored; want quotes around a value with blanks: -s "/usr/bin/strace -f"`},
		{`-n "abc`, at + `a " without its second one; want "..." within a line; using "abc"`},
		{"--hostname-patern -v x", at + "--hostname-patern: erlinit has no such option, ignored; did you mean --hostname-pattern?\n" +
			at + `"x" belongs to no option, ignored; want quotes around a value with blanks: -s "/usr/bin/strace -f"`},
		{"--uid app", at + `--uid: "app" is no number; want a number such as 100; using nothing of it`},
		{"--mount /dev/a:/b:ext4", at + `--mount: "/dev/a:/b:ext4" has not five fields; want source:target:type:flags:data, such as /dev/mmcblk0p3:/data:ext4:nodev:; using no such mount`},
		{"-m a:/b:ext4:nodv:", at + `-m: "nodv" is no flag of a mount; want flags of erlinit, such as nodev,noexec; what the file system is to be told stands in the fifth field; using the mount without it`},
		{"-m a:b:ext4::", at + `-m: "a:b:ext4::": "b" is no place to mount on; want an absolute path without . and .., such as "/data"; using no such mount`},
		{"-e A", at + `-e: "A" has no =, and nothing is taken out of the environment; want NAME=value;NAME=value`},
		{"-e A-B=1", at + `-e: "A-B" is no name of an environment variable; want letters, digits and underscores, such as LANG = "C.UTF-8"; using nothing of it`},
		{"--pre-run-exec nosuch", at + `--pre-run-exec: "nosuch" is in none of /usr/sbin, /usr/bin, /sbin, /bin; want its path; using nothing of it`},
		{"-r srv", at + `-r: "srv" is no absolute path; want directories such as "/srv/erlang"; using ["/srv/erlang"]`},
		{"-n nerves-%d-", at + `-n: "nerves-%d-" is no pattern; want %s, %.4s (the first four of the board's id) or %-.4s (the last four); using "beaminit-abcd06"`},
		{"-l nofiles:1:2", at + `-l: "nofiles" is no resource limit; want resources of prlimit(1) with a number, "unlimited", or "SOFT:HARD", such as nofile = "65536"; using nothing of it`},
		{"-l nofile:1", at + `-l: "nofile:1" has not three fields; want resource:soft:hard, such as nofile:1024:4096; using no such limit`},
	}
	for _, tt := range tests {
		c := erlinit(t, tt.text, "")
		if got := strings.Join(problems(c), "\n"); got != tt.want {
			t.Errorf("%s: got\n%s\nwant\n%s", tt.text, got, tt.want)
		}
	}
	// On the kernel command line a word that belongs to no option is somebody else's.
	c := erlinit(t, "", "splash quiet --- -- 3 --nosuch")
	if got, want := problems(c), []string{"kernel command line: --nosuch: there is no such option, ignored; want beaminit.SECTION.KEY=VALUE, or an option of erlinit"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The sources, the weakest first: erlinit.config, beaminit.toml, words for erlinit on
// the kernel command line, beaminit.*. Variables and mounts of the words are added.
func TestErlinitPrecedence(t *testing.T) {
	const config = "-n from-config\n-b a\n-r /a\n-e A=config;B=config\n-m a:/a:ext4::\n--uid 1"
	const text = "[node]\nhostname = \"from-toml\"\n[release]\nboot = \"b\"\npath = [\"/b\"]\nenv = { A = \"toml\" }\n[[mount]]\nsource = \"b\"\ntarget = \"/b\"\ntype = \"ext4\"\n"
	read := files{ErlinitPath: config, Path: text, macPath: macText}.read
	for _, tt := range []struct{ cmdline, want string }{
		{"", `from-toml b [/b] [A=toml] /b | /etc/beaminit.toml:2 /etc/beaminit.toml:4 /etc/erlinit.config:6`},
		{"-- -n from-args -b c -e C=args -m c:/c:ext4::", `from-args c [/b] [A=toml C=args] /b /c | kernel command line, option for erlinit kernel command line, option for erlinit /etc/erlinit.config:6`},
		{"beaminit.node.hostname=ours beaminit.release.boot=d -- -n from-args -b c", `ours d [/b] [A=toml] /b | kernel command line kernel command line /etc/erlinit.config:6`},
	} {
		c := Load(tt.cmdline, read)
		valid(t, c)
		got := c.Node.Hostname + " " + c.Release.Boot + " [" + strings.Join(c.Release.Path, " ") + "] [" + strings.Join(c.Release.Env, " ") + "]"
		for _, m := range c.Mounts {
			got += " " + m.Target
		}
		got += " |"
		for _, key := range []string{"node.hostname", "release.boot", "release.user"} {
			_, where := c.Origin(key)
			got += " " + where
		}
		if got != tt.want || len(c.Problems) > 0 {
			t.Errorf("%s: got\n%s\nwant\n%s\n%q", tt.cmdline, got, tt.want, problems(c))
		}
	}
}

// A board's id is asked for only where it is wanted, and the MAC stands for it.
func TestProgramID(t *testing.T) {
	for _, tt := range []struct {
		config, answer, want, problem string
	}{
		{"-n a -d /id", "never", "a", ""},
		{"-n a-%s -d /id", " 4\n8\n", "a-4", ""},
		{"-n a-%s\n-d \"/id  x\"", "", "a-525400abcd06", "/etc/erlinit.config:2: node.id: \"/id x\" told no id; want a program that writes the id and ends with status 0; using the MAC, 525400abcd06"},
	} {
		asked := false
		c := Sources{Read: files{ErlinitPath: tt.config, macPath: macText}.read, Run: func(argv []string) ([]byte, error) {
			asked = argv[0] == "/id"
			return []byte(tt.answer), nil
		}}.Load()
		valid(t, c)
		if got := strings.Join(problems(c), "\n"); c.Node.Hostname != tt.want || got != tt.problem || asked != strings.Contains(tt.config, "%") {
			t.Errorf("%q: got %s, asked %v, problems %q", tt.config, c.Node.Hostname, asked, got)
		}
	}
	c := erlinit(t, "-n a-%.4s -d /id", "")
	if got := notes(c); c.Node.Hostname != "a-0000" || got[0] != "node.id: /id is asked on the node; here 00000000 stands for its answer" {
		t.Errorf("got %s, %q", c.Node.Hostname, got)
	}
}

func FuzzErlinit(f *testing.F) {
	for _, s := range []string{
		"", "-v -tvh", "# a\n-m /dev/a:/b:ext4:nodev,x:a=b;c:/d:e::\n-e A=1;B=\"2\n", "--env=A=b;C --limits core::;nofile:1", "-n a-%-.4s -d \"/b c\"",
		"--graceful-shutdown-timeout 0x -b/a.boot --boot b.boot --uid 010", "-s \"a b\" --pre-run-exec boardid -r /a:/b::", "-- -v", "--x --r -", "-c tty1 --tty-options 115200n8",
	} {
		f.Add(s, "splash -- "+s)
	}
	f.Fuzz(func(t *testing.T, config, cmdline string) {
		c := Load(cmdline, files{ErlinitPath: config, macPath: macText, "/usr/bin/boardid": ""}.read)
		valid(t, c)
		for _, p := range c.Problems {
			if p.File == ErlinitPath && (p.Line < 0 || p.Line > 1+strings.Count(config, "\n")) {
				t.Errorf("problem in line %d: %s", p.Line, p)
			}
		}
		checkTOML(t, Load("", files{ErlinitPath: config, macPath: macText, "/usr/bin/boardid": "\x7fELF"}.read))
	})
}
