package nstest

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Whole are the namespaces of a node of its own. The cgroup one keeps the words of cgroup2
// (nsdelegate) from changing the machine's hierarchy.
const Whole = Usual | syscall.CLONE_NEWPID | syscall.CLONE_NEWCGROUP | syscall.CLONE_NEWIPC

// AsRoot skips a test that writes files which PID 1 trusts only where they are root's.
func AsRoot(t testing.TB) {
	t.Helper()
	if syscall.Geteuid() != 0 {
		t.Skip("needs root, whose files PID 1 trusts")
	}
}

// EmptyRoot makes an empty tmpfs the root of this mount namespace: what is mounted
// afterwards is all there is.
func EmptyRoot(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	Must(t, syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=0755"))
	Must(t, syscall.Chdir(dir))
	Must(t, syscall.PivotRoot(".", "."))
	Must(t, syscall.Unmount(".", syscall.MNT_DETACH))
	Must(t, syscall.Chdir("/"))
}

// Must ends the test with an error.
func Must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// None says that there should be no errors.
func None(t *testing.T, errs []error) {
	t.Helper()
	for _, err := range errs {
		t.Errorf("unexpected: %v", err)
	}
}

// LetIn lets all users reach a directory that the test made below os.TempDir. What is not the test's stays as it is.
func LetIn(t testing.TB, dir string) {
	t.Helper()
	for ; strings.HasPrefix(dir, os.TempDir()+"/"); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}
