package image

import (
	"bytes"
	"debug/elf"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/internal/nstest"
	"github.com/beaminit/beaminit/qemu/arch"
)

var update = flag.Bool("update", false, "write testdata anew")

// staticProgram stands for the init where only its place in the image matters.
func staticProgram(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	src := filepath.Join(dir, "main.go")
	if err := os.WriteFile(src, []byte("package main\n\nfunc main() {}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "init")
	cmd := exec.Command("go", "build", "-ldflags", "-s -w", "-o", out, src)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, said)
	}
	return out
}

func quietly(string) {}

// The whole of the image's tree, as unsquashfs sees it; the modules of Erlang's own
// applications are left out, and versions are written VSN.
func TestImageOfTheDemo(t *testing.T) {
	init := staticProgram(t)
	var images [2][]byte
	for i := range images {
		set, err := Build(Spec{Dir: t.TempDir(), Init: init, Config: []byte("[peers]\n")}, quietly)
		if err != nil {
			t.Fatal(err)
		}
		if images[i], err = os.ReadFile(set.Root); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			golden(t, "testdata/image.golden", listing(t, set.Root))
		}
	}
	if !bytes.Equal(images[0], images[1]) {
		t.Error("two builds of the same gave two images")
	}
}

func listing(t *testing.T, image string) string {
	t.Helper()
	out, err := exec.Command("unsquashfs", "-d", "", "-lln", image).Output()
	if err != nil {
		t.Fatalf("unsquashfs: %v", err)
	}
	var b strings.Builder
	line := regexp.MustCompile(`^(\S+) (\d+/\d+) +\d+ 1970-01-01 00:00 (.*)$`)
	skip := regexp.MustCompile(`/(kernel|stdlib)-[\d.]+/ebin/`)
	version := regexp.MustCompile(`/(erts|kernel|stdlib)-[\d.]+`)
	for _, l := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		m := line.FindStringSubmatch(l)
		switch {
		case m == nil:
			b.WriteString("unexpected: " + l + "\n")
		case !skip.MatchString(m[3]):
			b.WriteString(m[1] + " " + m[2] + " " + version.ReplaceAllString(m[3], "/$1-VSN") + "\n")
		}
	}
	return b.String()
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (go test -update writes it anew); got\n%s", file, got)
	}
}

func TestSecondBuildMakesNothing(t *testing.T) {
	dir, init := t.TempDir(), staticProgram(t)
	spec := Spec{Dir: dir, Init: init, Config: []byte("[peers]\n")}
	if _, err := Build(spec, quietly); err != nil {
		t.Fatal(err)
	}
	if _, err := Build(spec, func(s string) { t.Errorf("the second build says: %s", s) }); err != nil {
		t.Fatal(err)
	}
	spec.Config = []byte("[peers]\neclero6 = \"192.168.7.6\"\n")
	var said []string
	if _, err := Build(spec, func(s string) { said = append(said, s) }); err != nil {
		t.Fatal(err)
	}
	if len(said) != 1 || !strings.Contains(said[0], "image") {
		t.Errorf("a new configuration made %q, want the image alone", said)
	}
}

func TestGivenReleases(t *testing.T) {
	init := staticProgram(t)
	// A release as relx makes it with include_erts false, with what must stay out.
	rel := filepath.Join(t.TempDir(), "app")
	for name, text := range map[string]string{
		"bin/app":                  "#!/bin/sh\n",
		"bin/sh":                   "a shell",
		"lib/app-1/ebin/app.app":   "{application, app, []}.",
		"releases/1/start.boot":    "boot",
		"erts-0/doc/only-a-README": "no ERTS here",
		"app-1.tar.gz":             "the release once more",
	} {
		file := filepath.Join(rel, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("start.boot", filepath.Join(rel, "releases/1/app.boot")); err != nil {
		t.Fatal(err)
	}
	set, err := Build(Spec{Dir: t.TempDir(), Init: init, Release: rel}, quietly)
	if err != nil {
		t.Fatal(err)
	}
	list := listing(t, set.Root)
	for _, want := range []string{"/srv/erlang/bin/app\n", "/srv/erlang/releases/1/app.boot -> start.boot\n", "/srv/erlang/releases/1/start.boot\n", "/srv/erlang/erts-VSN/bin/beam.smp\n", "/srv/erlang/erts-VSN/bin/erlexec\n"} {
		if !strings.Contains(list, want) {
			t.Errorf("%q is not in the image:\n%s", want, list)
		}
	}
	for _, not := range []string{"/bin/sh\n", ".tar.gz\n"} {
		if strings.Contains(list, not) {
			t.Errorf("%q is in the image:\n%s", not, list)
		}
	}

	tarball := filepath.Join(t.TempDir(), "app.tar.gz")
	if err := run("tar", "-czf", tarball, "-C", rel, "."); err != nil {
		t.Fatal(err)
	}
	fromTar, err := Build(Spec{Dir: t.TempDir(), Init: init, Release: tarball}, quietly)
	if err != nil {
		t.Fatal(err)
	}
	if got := listing(t, fromTar.Root); got != list {
		t.Errorf("from the tar.gz came\n%s, from the directory\n%s", got, list)
	}

	broken := filepath.Join(t.TempDir(), "broken.tar.gz")
	if err := os.WriteFile(broken, []byte("no gzip"), 0o644); err != nil {
		t.Fatal(err)
	}
	project := t.TempDir()
	near := filepath.Join(project, "_build/prod/rel/app")
	if err := os.MkdirAll(filepath.Join(near, "releases"), 0o755); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		rel + "x":          "build it first",
		t.TempDir():        wantRelease,
		project:            "there is " + near,
		filepath.Dir(near): "there is " + near,
		rel + "/bin/app":   wantRelease,
		broken:             "not a tar.gz",
	} {
		_, err := Build(Spec{Dir: t.TempDir(), Init: init, Release: path}, quietly)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q in it", path, err, want)
		}
	}
}

// In dev mode the applications are links, and rebar3 links in them to what they might have.
func TestReleaseInDevMode(t *testing.T) {
	rel, built := t.TempDir(), t.TempDir()
	for _, dir := range []string{"lib", "releases"} {
		if err := os.Mkdir(filepath.Join(rel, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{rel + "/lib/dep-1": built, built + "/include": "../nowhere", rel + "/lib/gone": "/nowhere"} {
		if err := os.Symlink(to, link); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(built, "dep.app"), []byte("{application, dep, []}."), 0o644); err != nil {
		t.Fatal(err)
	}
	set, err := Build(Spec{Dir: t.TempDir(), Init: staticProgram(t), Release: rel}, quietly)
	if err != nil {
		t.Fatal(err)
	}
	list := listing(t, set.Root)
	if !strings.Contains(list, "/srv/erlang/lib/dep-1/dep.app\n") || strings.Contains(list, "include") || strings.Contains(list, "gone") {
		t.Errorf("want dep-1 with dep.app and no link that leads nowhere:\n%s", list)
	}
}

// asdf and mise put scripts in front of the programs that are meant.
func TestErlangOfAVersionManager(t *testing.T) {
	want, err := erlangRoot()
	if err != nil {
		t.Fatal(err)
	}
	shims := t.TempDir()
	for _, name := range []string{"erl", "escript"} {
		real, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		script := "#!/bin/sh\nexec " + real + " \"$@\"\n"
		if err := nstest.WriteFile(filepath.Join(shims, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", shims+":"+os.Getenv("PATH"))
	if got, err := erlangRoot(); err != nil || got != want {
		t.Errorf("with scripts in PATH it is %q (%v), want %q", got, err, want)
	}
}

// amd64 is what this machine builds for when it is not told another.
var amd64 = arch.Of("amd64")

func TestARefusedImage(t *testing.T) {
	init := staticProgram(t)
	for name, change := range map[string]func(dir string) error{
		"a shell": func(dir string) error { return copyFile(init, filepath.Join(dir, "srv/erlang/lib/x/priv/bash")) },
		"epmd":    func(dir string) error { return copyFile(init, filepath.Join(dir, "usr/bin/epmd")) },
		"a link that is no heart's": func(dir string) error {
			os.Mkdir(filepath.Join(dir, "bin"), 0o755)
			return os.Symlink("../sbin/busybox", filepath.Join(dir, "bin/sh"))
		},
		"an init for another processor": func(dir string) error {
			name := filepath.Join(dir, "sbin/init")
			data, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			data[18] = byte(elf.EM_AARCH64) // e_machine (elf(5))
			return os.WriteFile(name, data, 0o755)
		},
		"no init": func(dir string) error { return os.Remove(filepath.Join(dir, "sbin/init")) },
		"not static": func(dir string) error {
			os.Remove(filepath.Join(dir, "sbin/init"))
			return copyFile("/bin/true", filepath.Join(dir, "sbin/init"))
		},
	} {
		dir := t.TempDir()
		if err := copyFile(init, filepath.Join(dir, "sbin/init")); err != nil {
			t.Fatal(err)
		}
		if err := check(dir, amd64); err != nil {
			t.Fatal(err)
		}
		if err := change(dir); err != nil {
			t.Fatal(err)
		}
		if err := check(dir, amd64); err == nil {
			t.Errorf("%s was not refused", name)
		}
	}
}

// A release with -heart gets the link by which ERTS starts that, and no other does.
func TestHeartLink(t *testing.T) {
	init := staticProgram(t)
	for _, tt := range []struct {
		vmargs, config string
		want           bool
	}{
		{"+Bi\n", "", false},
		{"#-heart\n-heartless\n", "", false},
		{"-sname x\n-heart\n", "", true},
		{"", "[watchdog]\ncriterion = \"heart\"\n", true},
		{"", "[watchdog]\ncriterion = \"probe\"\n", false},
	} {
		dir, srv := t.TempDir(), t.TempDir()
		file := filepath.Join(srv, "releases/1/vm.args")
		for _, d := range []string{filepath.Dir(file), filepath.Join(srv, "lib"), filepath.Join(srv, "erts-1/bin")} {
			if err := os.MkdirAll(d, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(file, []byte(tt.vmargs), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := copyFile(init, filepath.Join(srv, "erts-1/bin/erlexec")); err != nil {
			t.Fatal(err)
		}
		if err := (rootfs{Init: init, Release: srv, Config: []byte(tt.config)}).stage(dir); err != nil {
			t.Fatal(err)
		}
		_, err := os.Stat(filepath.Join(dir, "bin/sh"))
		if (err == nil) != tt.want {
			t.Errorf("%q, %q: /bin/sh: %v", tt.vmargs, tt.config, err)
		}
		if err := check(dir, amd64); err != nil {
			t.Error(err)
		}
	}
}

func TestDataDisk(t *testing.T) {
	dir := t.TempDir()
	cookie, err := Cookie(filepath.Join(dir, "cookie"))
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Cookie(filepath.Join(dir, "cookie")); err != nil || again != cookie || len(cookie) < 20 {
		t.Errorf("the cookie is %q, then %q (%v)", cookie, again, err)
	}
	disk := filepath.Join(dir, "node.ext4")
	if err := DataDisk(disk, map[string]string{"cookie": cookie}, quietly); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(tool("debugfs"), "-R", "cat cookie", disk).Output()
	if err != nil || string(out) != cookie {
		t.Errorf("the disk holds the cookie %q (%v), want %q", out, err, cookie)
	}
	stat, err := exec.Command(tool("debugfs"), "-R", "stat cookie", disk).Output()
	if err != nil || !regexp.MustCompile(`Mode:\s+0400`).Match(stat) || !regexp.MustCompile(`User:\s+0\s+Group:\s+0\s`).Match(stat) {
		t.Errorf("the cookie is not root's alone (%v):\n%s", err, stat)
	}
	mark, err := os.ReadFile(disk + ".made")
	if err != nil || strings.Contains(string(mark), cookie) {
		t.Errorf("the mark beside the disk (%v) shows the cookie", err)
	}
	if err := DataDisk(disk, map[string]string{"cookie": cookie}, func(s string) { t.Errorf("the second time: %s", s) }); err != nil {
		t.Fatal(err)
	}
}
