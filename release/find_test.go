package release

import (
	"debug/elf"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/config"
	"golang.org/x/sys/unix"
)

// tree makes files from "path" or "path: content" and gives the FS of them.
func tree(t *testing.T, files ...string) Root {
	t.Helper()
	root := t.TempDir()
	for _, f := range files {
		path, text, _ := strings.Cut(f, ": ")
		if dir, ok := strings.CutSuffix(path, "/"); ok {
			if err := os.MkdirAll(root+dir, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		write(t, root+path, text)
	}
	return Root(root)
}

// ertsAt are the programs of an ERTS.
func ertsAt(dir string) []string {
	return []string{dir + "/bin/erlexec", dir + "/bin/beam.smp", dir + "/bin/erl_child_setup", dir + "/bin/inet_gethost"}
}

func with(lists ...[]string) []string { return slices.Concat(lists...) }

var srv = config.Release{Path: []string{"/srv/erlang"}}

func TestFind(t *testing.T) {
	erts := ertsAt("/srv/erlang/erts-13.1.5")
	system := ertsAt("/usr/lib/erlang/erts-13.1.5")
	cases := []struct {
		name  string
		files []string
		c     config.Release
		want  string // name version boot erts
		also  string // in its problems; empty: there are none
	}{
		{"systools", with(erts, []string{"/srv/erlang/releases/eclero.rel", "/srv/erlang/releases/0.1.0/start.boot", "/srv/erlang/releases/0.1.0/sys.config"}),
			srv, "eclero 0.1.0 /srv/erlang/releases/0.1.0/start /srv/erlang/erts-13.1.5", ""},
		{"one level below, by alphabet", with(ertsAt("/srv/erlang/b/erts-13.1.5"), ertsAt("/srv/erlang/a/erts-13.1.5"),
			[]string{"/srv/erlang/b/releases/2/start.boot", "/srv/erlang/a/releases/1/start.boot", "/srv/erlang/0/lib/"}),
			srv, "a 1 /srv/erlang/a/releases/1/start /srv/erlang/a/erts-13.1.5", ""},
		{"later path", with(ertsAt("/opt/app/erts-13.1.5"), []string{"/opt/app/releases/1/start.boot"}),
			config.Release{Path: []string{"/srv/erlang", "/opt/app/"}}, "app 1 /opt/app/releases/1/start /opt/app/erts-13.1.5", ""},
		{"the first one broken", with(ertsAt("/opt/app/erts-13.1.5"), []string{"/opt/app/releases/1/start.boot", "/srv/erlang/releases/1/start.boot"}),
			config.Release{Path: []string{"/srv/erlang", "/opt/app"}}, "app 1 /opt/app/releases/1/start /opt/app/erts-13.1.5",
			"release in /srv/erlang cannot be started: /srv/erlang: no ERTS in it"},
		{"newest by version", with(erts, []string{"/srv/erlang/releases/0.9.0/start.boot", "/srv/erlang/releases/0.10.0/start.boot",
			"/srv/erlang/releases/0.10.0-rc1/start.boot", "/srv/erlang/releases/RELEASES"}),
			srv, "erlang 0.10.0 /srv/erlang/releases/0.10.0/start /srv/erlang/erts-13.1.5", ""},
		{"start_erl.data decides", with(erts, []string{"/srv/erlang/releases/0.9.0/start.boot", "/srv/erlang/releases/0.10.0/start.boot",
			"/srv/erlang/releases/start_erl.data: 13.1.5 0.9.0\n"}),
			srv, "erlang 0.9.0 /srv/erlang/releases/0.9.0/start /srv/erlang/erts-13.1.5", ""},
		{"start_erl.data names none", with(erts, []string{"/srv/erlang/releases/0.9.0/start.boot", "/srv/erlang/releases/start_erl.data: 13.1.5 0.8.0"}),
			srv, "erlang 0.9.0 /srv/erlang/releases/0.9.0/start /srv/erlang/erts-13.1.5", "/srv/erlang/releases/0.8.0: no such file or directory; using version 0.9.0"},
		{"start_erl.data broken", with(erts, []string{"/srv/erlang/releases/0.9.0/start.boot", "/srv/erlang/releases/start_erl.data: 13.1.5"}),
			srv, "erlang 0.9.0 /srv/erlang/releases/0.9.0/start /srv/erlang/erts-13.1.5", "want the versions of ERTS and of the release"},
		{"newest half unpacked", with(erts, []string{"/srv/erlang/releases/1/start.boot", "/srv/erlang/releases/2/sys.config"}),
			srv, "erlang 1 /srv/erlang/releases/1/start /srv/erlang/erts-13.1.5", "/srv/erlang/releases/2: no boot script in it"},
		{"boot by name, not a backup", with(erts, []string{"/srv/erlang/releases/1/app.rel", "/srv/erlang/releases/1/app.boot",
			"/srv/erlang/releases/1/start.boot.bak", "/srv/erlang/releases/1/start_clean.boot"}),
			srv, "app 1 /srv/erlang/releases/1/app /srv/erlang/erts-13.1.5", ""},
		{"the only boot", with(erts, []string{"/srv/erlang/releases/1/other.boot", "/srv/erlang/releases/1/no_dot_erlang.boot"}),
			srv, "erlang 1 /srv/erlang/releases/1/other /srv/erlang/erts-13.1.5", ""},
		{"boot of the configuration", with(erts, []string{"/srv/erlang/releases/1/start.boot", "/srv/erlang/releases/1/start_clean.boot"}),
			config.Release{Path: srv.Path, Boot: "start_clean"}, "erlang 1 /srv/erlang/releases/1/start_clean /srv/erlang/erts-13.1.5", ""},
		{"boot of the configuration missing", with(erts, []string{"/srv/erlang/releases/1/start.boot"}),
			config.Release{Path: srv.Path, Boot: "strat"}, "erlang 1 /srv/erlang/releases/1/start /srv/erlang/erts-13.1.5", "release.boot: /srv/erlang/releases/1 has no strat.boot"},
		{"several boots", with(erts, []string{"/srv/erlang/releases/1/b.boot", "/srv/erlang/releases/1/a.boot"}),
			srv, "erlang 1 /srv/erlang/releases/1/a /srv/erlang/erts-13.1.5", "/srv/erlang/releases/1: several boot scripts (a, b); want one of them in release.boot; using a"},
		{"boot of the configuration, a path", with(erts, []string{"/srv/erlang/releases/1/start.boot", "/data/other.boot"}),
			config.Release{Path: srv.Path, Boot: "/data/other"}, "erlang 1 /data/other /srv/erlang/erts-13.1.5", ""},
		{"boot of the configuration, a path that is missing", with(erts, []string{"/srv/erlang/releases/1/start.boot"}),
			config.Release{Path: srv.Path, Boot: "/data/other"}, "erlang 1 /srv/erlang/releases/1/start /srv/erlang/erts-13.1.5", "release.boot: there is no /data/other.boot; using /srv/erlang/releases/1/start.boot"},
		{"ERTS of the system", with(system, []string{"/srv/erlang/releases/1/start.boot", "/srv/erlang/releases/start_erl.data: 13.1.5 1"}),
			srv, "erlang 1 /srv/erlang/releases/1/start /usr/lib/erlang/erts-13.1.5", ""},
		{"the only ERTS of the system", with(system, []string{"/srv/erlang/releases/1/start.boot"}),
			srv, "erlang 1 /srv/erlang/releases/1/start /usr/lib/erlang/erts-13.1.5", ""},
		{"another ERTS than start_erl.data", with(erts, []string{"/srv/erlang/releases/1/start.boot", "/srv/erlang/releases/start_erl.data: 13.1.4 1"}),
			srv, "erlang 1 /srv/erlang/releases/1/start /srv/erlang/erts-13.1.5", "names ERTS 13.1.4, the release has only 13.1.5"},
		{"ERTS by .rel", with(erts, ertsAt("/srv/erlang/erts-14.2"), []string{"/srv/erlang/releases/app.rel: {release, {\"app\",\"1\"},\n {erts, \"14.2\"}, []}.", "/srv/erlang/releases/1/start.boot"}),
			srv, "app 1 /srv/erlang/releases/1/start /srv/erlang/erts-14.2", ""},
		{"a template with nothing to fill in", with(erts, []string{"/srv/erlang/releases/1/start.boot", "/srv/erlang/releases/1/vm.args.src: -setcookie ${COOKIE} ${COOKIE} -x ${X:-y}"}),
			srv, "erlang 1 /srv/erlang/releases/1/start /srv/erlang/erts-13.1.5", "/srv/erlang/releases/1/vm.args.src: ${COOKIE} not set: nothing stands in the place; want a value in release.env"},
		{"a script of the environment", with(erts, []string{"/srv/erlang/releases/1/start.boot", "/srv/erlang/releases/COOKIE: x",
			"/srv/erlang/releases/1/env.sh: #!/bin/sh\n\n# export A=b\nexport RELEASE_NODE=x@y\n  export POOL=$(nproc)\n"}),
			srv, "erlang 1 /srv/erlang/releases/1/start /srv/erlang/erts-13.1.5", "/srv/erlang/releases/1/env.sh: has \"export POOL=$(nproc)\", and is not run"},
		{"boot of env.sh", with(erts, []string{"/srv/erlang/releases/1/start.boot", "/srv/erlang/releases/1/other.boot", "/srv/erlang/releases/COOKIE: x",
			"/srv/erlang/releases/1/env.sh: export RELEASE_BOOT_SCRIPT=other\n"}),
			srv, "erlang 1 /srv/erlang/releases/1/other /srv/erlang/erts-13.1.5", ""},
		{"boot of the configuration, not of env.sh", with(erts, []string{"/srv/erlang/releases/1/start.boot", "/srv/erlang/releases/1/other.boot", "/srv/erlang/releases/COOKIE: x",
			"/srv/erlang/releases/1/env.sh: export RELEASE_BOOT_SCRIPT=other\n"}),
			config.Release{Path: srv.Path, Env: []string{"RELEASE_BOOT_SCRIPT=start"}}, "erlang 1 /srv/erlang/releases/1/start /srv/erlang/erts-13.1.5", ""},
		{"boot of env.sh missing", with(erts, []string{"/srv/erlang/releases/1/start.boot", "/srv/erlang/releases/COOKIE: x", "/srv/erlang/releases/1/env.sh: export RELEASE_BOOT_SCRIPT=other\n"}),
			srv, "erlang 1 /srv/erlang/releases/1/start /srv/erlang/erts-13.1.5", "RELEASE_BOOT_SCRIPT: /srv/erlang/releases/1 has no other.boot; using"},
		{"ERTS of the system, built there", with(ertsAt("/usr/local/lib/erlang/erts-13.1.5"), []string{"/srv/erlang/releases/1/start.boot"}),
			srv, "erlang 1 /srv/erlang/releases/1/start /usr/local/lib/erlang/erts-13.1.5", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r, err := Find(tree(t, c.files...), c.c)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join([]string{r.Name, r.Version, r.Boot, r.ERTSDir}, " "); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			problem := errors.Join(r.Problems...)
			if c.also == "" && problem != nil || c.also != "" && (problem == nil || !strings.Contains(problem.Error(), c.also)) {
				t.Errorf("problems: %v, want %q", problem, c.also)
			}
			if n := len(r.Why); n != 4 && !(n == 5 && strings.Contains(r.Why[4], ".src")) {
				t.Errorf("why: %q, want release, version, boot script, ERTS, templates", r.Why)
			}
		})
	}
}

func TestFindNothing(t *testing.T) {
	boot := "/srv/erlang/releases/1/start.boot"
	cases := []struct {
		name  string
		files []string
		want  []string
	}{
		{"no directory", nil, []string{"/srv/erlang: no such file or directory", "mix release"}},
		{"empty", []string{"/srv/erlang/bin/"}, []string{"/srv/erlang: neither it nor a directory in it has a directory releases"}},
		{"no version", []string{"/srv/erlang/releases/"}, []string{"/srv/erlang/releases: no version in it"}},
		{"no boot", []string{"/srv/erlang/releases/1/sys.config"}, []string{"/srv/erlang/releases/1: no boot script in it", "start.boot"}},
		{"no ERTS", []string{boot}, []string{"no ERTS in it", "include_erts"}},
		{"other ERTS of the system", with(ertsAt("/usr/lib/erlang/erts-12.0"), []string{boot, "/srv/erlang/releases/start_erl.data: 13.1.5 1"}),
			[]string{"no ERTS in it (erts-13.1.5)", "which has erts-12.0"}},
		{"several ERTS", with(ertsAt("/srv/erlang/erts-12.0"), ertsAt("/srv/erlang/erts-13.0"), []string{boot}), []string{"several ERTS (erts-12.0, erts-13.0)"}},
		{"no beam.smp", []string{boot, "/srv/erlang/erts-13.0/bin/erlexec"}, []string{"/srv/erlang/erts-13.0/bin/beam.smp: no such file"}},
		{"ERTS of another OTP", with(ertsAt("/srv/erlang/erts-14.2"), []string{boot, "/srv/erlang/releases/start_erl.data: 13.1.5 1"}),
			[]string{"names ERTS 13.1.5, the release has only 14.2, of another OTP", "from one build"}},
		{"another kernel, of the boot script of env.sh", with(ertsAt("/srv/erlang/erts-13.0"), []string{boot, "/srv/erlang/releases/COOKIE: x", "/srv/erlang/releases/1/env.sh: export RELEASE_BOOT_SCRIPT=other\n",
			"/srv/erlang/releases/1/other.boot: \x83k\x00\x19$ROOT/lib/kernel-8.5/ebin\x00", "/srv/erlang/lib/kernel-8.4/ebin/"}),
			[]string{"other.boot: was made with $ROOT/lib/kernel-8.5/ebin, and there is no /srv/erlang/lib/kernel-8.5/ebin"}},
		{"another kernel", with(ertsAt("/srv/erlang/erts-13.0"), []string{boot + ": \x83k\x00\x19$ROOT/lib/kernel-8.5/ebin\x00", "/srv/erlang/lib/kernel-8.4/ebin/"}),
			[]string{"start.boot: was made with $ROOT/lib/kernel-8.5/ebin, and there is no /srv/erlang/lib/kernel-8.5/ebin: it does not match ERTS 13.0"}},
		{"another processor", []string{boot, "/sbin/init: " + programFor(elf.EM_X86_64, elf.ELFDATA2LSB, ""), "/srv/erlang/erts-13.0/bin/erlexec", "/srv/erlang/erts-13.0/bin/beam.smp: " + programFor(elf.EM_AARCH64, elf.ELFDATA2LSB, "")},
			[]string{"/srv/erlang/erts-13.0/bin/beam.smp: is for ARM (64 bits), the node is x86-64"}},
		{"no C library", []string{boot, "/sbin/init: " + programFor(elf.EM_X86_64, elf.ELFDATA2LSB, ""), "/srv/erlang/erts-13.0/bin/erlexec", "/srv/erlang/erts-13.0/bin/beam.smp: " + programFor(elf.EM_386, elf.ELFDATA2LSB, "/lib/ld-musl-i386.so.1")},
			[]string{"/srv/erlang/erts-13.0/bin/beam.smp: needs the interpreter /lib/ld-musl-i386.so.1: no such file"}},
		{"too old", with(ertsAt("/srv/erlang/erts-11.0.3"), []string{boot}), []string{"too old to run without epmd; want OTP 23.1 (ERTS 11.1)"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r, err := Find(tree(t, c.files...), srv)
			var missed *notFound
			if !errors.As(err, &missed) {
				t.Fatalf("found %+v, error %v, want a notFound", r, err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q, want %q in it", err, want)
				}
			}
		})
	}
	if _, err := Find(tree(t), srv); !errors.Is(err, unix.ENOENT) {
		t.Errorf("error %v, want it to be ENOENT", err)
	}
	if _, err := Find(tree(t), config.Release{}); err == nil || !strings.Contains(err.Error(), "release.path is empty") {
		t.Errorf("without paths: %v", err)
	}
}

// An absolute symbolic link in an image that lies in a directory stays in there.
func TestFindBehindLink(t *testing.T) {
	fs := tree(t, with(ertsAt("/data/app/erts-13.1.5"), []string{"/data/app/releases/1/start.boot", "/srv/"})...)
	if err := os.Symlink("/data/app", string(fs)+"/srv/erlang"); err != nil {
		t.Fatal(err)
	}
	r, err := Find(fs, srv)
	if err != nil {
		t.Fatal(err)
	}
	if want := "/srv/erlang/erts-13.1.5"; r.ERTSDir != want {
		t.Errorf("ERTS in %s, want %s", r.ERTSDir, want)
	}
}

func TestReadArgs(t *testing.T) {
	fs := tree(t,
		"/srv/erlang/a: -x 1 -args_file b -y\n-args_file /etc/c -extra e1",
		"/srv/erlang/b: -b # comment",
		"/etc/c: -c -extra e2 -args_file no",
		"/srv/erlang/self: -s -args_file self",
		"/srv/erlang/cut: -s -args_file",
		"/srv/erlang/gone: -s -args_file nothing -t")
	cases := []struct{ file, args, extra, problem string }{
		{"a", "-x 1 -b -- -y -c", "e2 -args_file no e1", ""},
		{"self", "", "", "too many -args_file"},
		{"cut", "-s", "", "-args_file at its end"},
		{"gone", "-s -t", "", "read /srv/erlang/nothing: no such file"},
	}
	for _, c := range cases {
		r := &Release{Root: "/srv/erlang"}
		args, extra := r.readArgs(fs, "/srv/erlang/"+c.file, nil)
		if c.file == "self" { // as often as is allowed
			args = nil
		}
		if got := strings.Join(args, " "); got != c.args {
			t.Errorf("%s: got %q, want %q", c.file, got, c.args)
		}
		if got := strings.Join(extra, " "); got != c.extra {
			t.Errorf("%s: got %q after -extra, want %q", c.file, got, c.extra)
		}
		problem := errors.Join(r.Problems...)
		if c.problem == "" && problem != nil || c.problem != "" && (problem == nil || !strings.Contains(problem.Error(), c.problem)) {
			t.Errorf("%s: problems %v, want %q", c.file, problem, c.problem)
		}
	}
}

func TestMentions(t *testing.T) {
	cases := []struct {
		text string
		want bool
	}{
		{"", false},
		{"{inetrc, \"x\"}", true},
		{"inetrc", true},
		{"my_inetrc inetrcs", false},
		{"  %% {inetrc, x}\n", false},
		{"%% inetrc\n{inetrc, x}", true},
		{"[{kernel,\n [{inetrc,\"/x\"}]}].", true},
	}
	for _, c := range cases {
		if got := mentions([]byte(c.text), "inetrc"); got != c.want {
			t.Errorf("mentions(%q) = %v, want %v", c.text, got, c.want)
		}
	}
}
