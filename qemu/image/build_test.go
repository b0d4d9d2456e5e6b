package image

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
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
	} {
		file := filepath.Join(rel, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	set, err := Build(Spec{Dir: t.TempDir(), Init: init, Release: rel}, quietly)
	if err != nil {
		t.Fatal(err)
	}
	list := listing(t, set.Root)
	for _, want := range []string{"/srv/erlang/bin/app\n", "/srv/erlang/releases/1/start.boot\n", "/srv/erlang/erts-VSN/bin/beam.smp\n", "/srv/erlang/erts-VSN/bin/erlexec\n"} {
		if !strings.Contains(list, want) {
			t.Errorf("%q is not in the image:\n%s", want, list)
		}
	}
	if strings.Contains(list, "/bin/sh\n") {
		t.Errorf("a shell is in the image:\n%s", list)
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

	for name, path := range map[string]string{"no such directory": rel + "x", "no release": t.TempDir(), "no tar.gz": init} {
		if _, err := Build(Spec{Dir: t.TempDir(), Init: init, Release: path}, quietly); err == nil {
			t.Errorf("%s gave no error", name)
		}
	}
}

func TestARefusedImage(t *testing.T) {
	init := staticProgram(t)
	for name, change := range map[string]func(dir string) error{
		"a shell": func(dir string) error { return copyFile(init, filepath.Join(dir, "srv/erlang/lib/x/priv/bash")) },
		"epmd":    func(dir string) error { return copyFile(init, filepath.Join(dir, "usr/bin/epmd")) },
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
		if err := check(dir); err != nil {
			t.Fatal(err)
		}
		if err := change(dir); err != nil {
			t.Fatal(err)
		}
		if err := check(dir); err == nil {
			t.Errorf("%s was not refused", name)
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
	if err := DataDisk(disk, cookie, quietly); err != nil {
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
	if err := DataDisk(disk, cookie, func(s string) { t.Errorf("the second time: %s", s) }); err != nil {
		t.Fatal(err)
	}
}
