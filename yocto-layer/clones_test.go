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

// built runs the recipe's own steps in a clone, from what do_unpack leaves to what do_compile
// does, and gives the program, and what it says its version is.
func built(t *testing.T, repository string) (program []byte, version string) {
	t.Helper()
	work := t.TempDir()
	f, err := layerfile.Read(filepath.Join(repository, "yocto-layer", recipe))
	if err != nil {
		t.Fatal(err)
	}
	source, build := filepath.Join(work, "beaminit"), t.TempDir()
	for name, value := range map[string]string{
		"S": source, "B": build, "BEAMINIT_UNPACKED": work, "THISDIR": filepath.Dir(filepath.Join(repository, "yocto-layer", recipe)),
		"BEAMINIT_SRC": "tree", "GO": "go", "GOTMPDIR": work, "BEAMINIT_GOPROXY": "off",
		"GOBUILDFLAGS": f.Vars["GO_LDFLAGS"] + " -trimpath",
	} {
		f.Vars[name] = value
	}
	for _, name := range fields(f.Vars, "BEAMINIT_TREE") { // as the fetcher unpacks file://…;subdir=beaminit
		to := filepath.Join(source, filepath.Dir(name))
		if err := os.MkdirAll(to, 0o755); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("cp", "-a", filepath.Join(repository, name), to).CombinedOutput(); err != nil {
			t.Fatalf("cp: %v: %s", err, out)
		}
	}
	run := func(name string, env ...string) {
		script, err := f.Script(name)
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("sh", "-e", "-c", script)
		cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0"), env...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", name, err, out)
		}
	}
	run("beaminit_source")
	run("do_compile", "SOURCE_DATE_EPOCH="+strconv.FormatInt(youngest(t, source).Unix(), 10))
	if program, err = os.ReadFile(filepath.Join(build, "beaminit")); err != nil {
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
