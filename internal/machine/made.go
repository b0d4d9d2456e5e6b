package machine

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/beaminit/beaminit/internal/nstest"
)

// env is the directory of what make builds for the nodes of the tests (build/test). Only the
// stage of make test that is for them sets it.
const env = "BEAMINIT_TEST"

// made is a file or directory of build/test; a test that wants nodes is skipped where nobody
// has asked for them, and fails where it was asked for by its name.
func made(t testing.TB, name string) string {
	t.Helper()
	const want = "starts nodes: want root and make namespaces, for one test with PKG=./DIR RUN=NAME"
	dir := os.Getenv(env)
	if dir == "" && flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.bench").Value.String() == "" {
		t.Skip(want)
	}
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err != nil || dir == "" || os.Geteuid() != 0 {
		t.Fatal(want)
	}
	return path
}

// Init is beaminit as it is shipped.
func Init(t testing.TB) string { t.Helper(); return made(t, "init") }

// Faulty is the same with the hook that makes it panic (package fault).
func Faulty(t testing.TB) string { t.Helper(); return made(t, "init-fault") }

// Strict is the same with the end for a child that makes a system call that its list has not
// (package seccomp).
func Strict(t testing.TB) string { t.Helper(); return made(t, "init-strict") }

// CopyInit puts beaminit at path, where any static program would do.
func CopyInit(t testing.TB, path string) {
	t.Helper()
	from := Init(t)
	if os.Link(from, path) == nil {
		return
	}
	data, err := os.ReadFile(from)
	if err == nil {
		err = nstest.WriteFile(path, data, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
}
