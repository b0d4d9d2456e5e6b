package files

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/beaminit/beaminit/internal/nstest"
)

const user = 4242 // the user of a release, with a group of the same number

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// as runs a line of shell in dir as that user, with nothing of root's.
func as(t *testing.T, uid uint32, dir, line string) {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-ec", line)
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("as %d: %s: %v\n%s", uid, line, err, out)
	}
}

// place gives a directory of root's in which root has a file "secret", and whose
// directory "his" belongs to the user.
func place(t *testing.T) (dir string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: it is about what is root's")
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	nstest.LetIn(t, dir)
	must(t, os.WriteFile(dir+"/secret", []byte("of root"), 0o600))
	must(t, os.WriteFile(dir+"/known", []byte("to all"), 0o644))
	must(t, os.Mkdir(dir+"/his", 0o755))
	must(t, os.Chown(dir+"/his", user, user))
	must(t, os.Mkdir(dir+"/dir", 0o755))
	return dir
}
