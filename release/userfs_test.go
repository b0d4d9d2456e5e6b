package release

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/internal/files"
)

// What root reads of a release for its user: each kind of file, in a directory of the
// user's and in one of root's.
func TestUserFS(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root for files of somebody else's")
	}
	const uid, gid = 4242, 4243
	dir, err := os.MkdirTemp("/run", "userfs") // all on the way to it is root's
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Chmod(dir, 0o755))
	for name, mode := range map[string]os.FileMode{"/roots": 0o755, "/closed": 0o700, "/users": 0o755} {
		must(os.Mkdir(dir+name, mode))
	}
	must(os.Chown(dir+"/users", uid, uid))
	for name, f := range map[string]struct {
		mode     os.FileMode
		uid, gid int
	}{
		"/roots/secret": {0o600, 0, 0}, "/roots/open": {0o644, 0, 0}, "/roots/group": {0o640, 0, gid}, "/closed/open": {0o644, 0, 0},
		"/users/own": {0o400, uid, uid}, "/users/moved": {0o600, 0, 0}, "/users/open": {0o644, 0, 0}, "/users/not": {0o044, uid, uid},
	} {
		must(os.WriteFile(dir+name, []byte("text"), 0o600))
		must(os.Chown(dir+name, f.uid, f.gid))
		must(os.Chmod(dir+name, f.mode))
	}
	must(unix.Mkfifo(dir+"/users/fifo", 0o666))
	must(os.Truncate(dir+"/users/open", 1<<40)) // as large as it says, and nothing of it on the disk
	for name, to := range map[string]string{
		"/users/to-open": "/roots/open", "/users/to-group": "/roots/group", "/users/to-own": "/users/own",
		"/users/to-secret": "/roots/secret", "/users/to-closed": "/closed/open", "/roots/to-secret": "/roots/secret",
	} {
		must(os.Symlink(dir+to, dir+name))
	}
	must(unix.Mknod(dir+"/roots/device", unix.S_IFCHR|0o600, int(unix.Mkdev(240, 77)))) // nobody's: ENXIO at the open
	must(os.Symlink(dir+"/roots/device", dir+"/users/to-device"))
	u := UserFS{"/", &User{Name: "app", UID: uid, GID: uid, Groups: []uint32{uid, gid}}}
	for name, want := range map[string]error{"/users/own": nil, "/users/to-open": nil, "/users/to-device": unix.EACCES, "/users/fifo": unix.EACCES, "/users/none": unix.ENOENT} {
		f, err := u.Open(dir + name)
		if err != want {
			t.Errorf("open %s: %v, want %v", name, err, want)
		}
		if err == nil {
			f.Close()
		}
	}
	for _, name := range []string{"/roots/secret", "/roots/open", "/roots/group", "/closed/open", "/roots/to-secret",
		"/users/own", "/users/open", "/users/to-open", "/users/to-group", "/users/to-own"} {
		if text, err := u.Read(dir+name, 4); err != nil || len(text) != 4 {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
	for _, name := range []string{"/users/moved", "/users/to-secret", "/users/to-closed", "/users/fifo"} {
		if text, err := u.Read(dir+name, 4); !files.IsRefused(err) || !strings.Contains(err.Error(), "; want ") {
			t.Errorf("%s: %q, %v; want it to be refused, and why", name, text, err)
		}
	}
	if text, err := u.Read("/dev/zero", 4); err == nil {
		t.Errorf("a device: %q", text)
	}
}
