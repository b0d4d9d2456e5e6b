package yoctolayer_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/yocto-layer/layerfile"
)

// clone is a repository of its own with the last commit of this one.
func clone(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "clone")
	if out, err := exec.Command("git", "-c", "safe.directory=*", "clone", "-q", "..", dir).CombinedOutput(); err != nil {
		t.Fatalf("git clone: %v: %s", err, out)
	}
	return dir
}

// small is a repository with one program and its test.
func small(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	script := `git init -q && mkdir -p cmd/init/testdata && echo module m >go.mod && echo package main >cmd/init/main.go &&
		echo package main >cmd/init/main_test.go && echo >cmd/init/testdata/x && git add . &&
		git -c user.name=n -c user.email=n@example.org commit -q -m m`
	cmd := exec.Command("sh", "-c", script)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git: %v: %s", err, out)
	}
	return dir
}

// sources is the recipe of a clone, with what do_unpack of that source (BEAMINIT_SRC) leaves in
// a directory of its own before the recipe's own function.
func sources(t *testing.T, repository, from string) layerfile.File {
	t.Helper()
	work := t.TempDir()
	f, err := layerfile.Read(recipe)
	if err != nil {
		t.Fatal(err)
	}
	source := filepath.Join(work, "beaminit")
	for name, value := range map[string]string{
		"S": source, "B": t.TempDir(), "BEAMINIT_UNPACKED": work, "THISDIR": filepath.Dir(filepath.Join(repository, "yocto-layer", recipe)),
		"BEAMINIT_SRC": from, "GO": "go", "GOTMPDIR": work, "BEAMINIT_GOPROXY": "off",
		"GOBUILDFLAGS": f.Vars["GO_LDFLAGS"] + " -trimpath",
	} {
		f.Vars[name] = value
	}
	for _, name := range fields(f.Vars, "BEAMINIT_TREE") { // as the fetcher unpacks file://…;subdir=beaminit
		if _, err := os.Stat(filepath.Join(repository, name)); err != nil {
			continue // of a small one
		}
		to := filepath.Join(source, filepath.Dir(name))
		if err := os.MkdirAll(to, 0o755); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("cp", "-a", filepath.Join(repository, name), to).CombinedOutput(); err != nil {
			t.Fatalf("cp: %v: %s", err, out)
		}
	}
	return f
}

// run runs a function of the recipe, which has to end well.
func run(t *testing.T, f layerfile.File, name string, env ...string) {
	t.Helper()
	if said, err := try(t, f, name, env...); err != nil {
		t.Fatalf("%s: %v: %s", name, err, said)
	}
}

// try runs a function of the recipe, and gives what it says.
func try(t *testing.T, f layerfile.File, name string, env ...string) (said string, err error) {
	t.Helper()
	script, err := f.Script(name)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-e", "-c", script)
	cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0"), env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// built runs the recipe's own steps in a clone, from what do_unpack leaves to what do_compile
// does, and gives the program, and what it says its version is.
func built(t *testing.T, repository string) (program []byte, version string) {
	t.Helper()
	f := sources(t, repository, "tree")
	build := f.Vars["B"]
	run(t, f, "beaminit_source")
	run(t, f, "do_compile", "SOURCE_DATE_EPOCH="+strconv.FormatInt(youngest(t, f.Vars["S"]).Unix(), 10))
	program, err := os.ReadFile(filepath.Join(build, "beaminit"))
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(filepath.Join(build, "beaminit"), "version").Output()
	if err != nil {
		t.Fatal(err)
	}
	return program, strings.TrimSpace(string(out))
}

// youngest is how old a tree is for openembedded-core (oe.reproducible): as its youngest file.
// A file of tests in it would be one of the SBOM.
func youngest(t *testing.T, dir string) (at time.Time) {
	t.Helper()
	err := filepath.Walk(dir, func(name string, st os.FileInfo, err error) error {
		if err == nil && !st.IsDir() && st.ModTime().After(at) {
			at = st.ModTime()
		}
		if strings.HasSuffix(name, "_test.go") || strings.Contains(name, "/testdata") {
			t.Errorf("%s is among the sources of the program", name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// TestTwoClones: two clones of one commit, made at other times in other places, give the same
// program, bit for bit, and it tells the commit. A change that is not committed is told too.
func TestTwoClones(t *testing.T) {
	one, other := clone(t), clone(t)
	old := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := os.Chtimes(filepath.Join(other, "go.mod"), old, old); err != nil {
		t.Fatal(err)
	}
	future := time.Now().Add(24 * time.Hour)
	if err := os.Chtimes(filepath.Join(other, "cmd/init/main.go"), future, future); err != nil {
		t.Fatal(err)
	}
	a, version := built(t, one)
	b, _ := built(t, other)
	if string(a) != string(b) {
		t.Errorf("two clones of one commit give two programs, of %d and %d bytes", len(a), len(b))
	}
	if !regexp.MustCompile(`^beaminit [0-9.]+-g[0-9a-f]{12}$`).MatchString(version) {
		t.Errorf("the version is %q, want one with a commit", version)
	}
	main := filepath.Join(other, "cmd/init/main.go")
	text, err := os.ReadFile(main)
	if err == nil {
		err = os.WriteFile(main, append(text, "\n// changed\n"...), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, changed := built(t, other); changed != version+"-dirty" {
		t.Errorf("the version after a change is %q, want %s-dirty", changed, version)
	}
}

// TestSourceOfGit: fetched from the repository, a commit is that commit: what the recipe takes
// out of it is no change of somebody's.
func TestSourceOfGit(t *testing.T) {
	repository := small(t)
	f := sources(t, repository, "git")
	if err := os.RemoveAll(f.Vars["S"]); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(repository, f.Vars["S"]); err != nil { // as the fetcher unpacks destsuffix=beaminit
		t.Fatal(err)
	}
	run(t, f, "beaminit_source")
	if _, err := os.Stat(filepath.Join(f.Vars["S"], "cmd/init/main_test.go")); err == nil {
		t.Error("a test is among the sources of the program")
	}
	version, err := os.ReadFile(filepath.Join(f.Vars["BEAMINIT_UNPACKED"], "beaminit-version"))
	if err != nil || !regexp.MustCompile(`^[0-9.]+-g[0-9a-f]{12}\n$`).Match(version) {
		t.Errorf("the version is %q (%v), want one with a commit, and no -dirty", version, err)
	}
}

// TestSourceOfSomebody: of a directory that EXTERNALSRC names, nothing is removed and no file
// gets another time; there a Go program cannot be built, and how to build is said.
func TestSourceOfSomebody(t *testing.T) {
	repository := small(t)
	f := sources(t, repository, "tree")
	f.Vars["S"] = repository
	status := func() string {
		out, err := exec.Command("git", "-c", "safe.directory=*", "-C", repository, "status", "--porcelain").CombinedOutput()
		if err != nil {
			t.Fatalf("git status: %v: %s", err, out)
		}
		return string(out)
	}
	before := status()
	said, err := try(t, f, "beaminit_source")
	if after := status(); after != before {
		t.Errorf("the directory has changed: %.300s", after)
	}
	if err == nil || !strings.Contains(said, "cannot be built by EXTERNALSRC") {
		t.Errorf("says %q (%v), want what to do without", said, err)
	}
}
