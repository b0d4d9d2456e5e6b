package files

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

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

// What root finds where it expects a file, made by root or by the user himself.
func TestRead(t *testing.T) {
	roots, users := Rule{}, Rule{User: user}
	tests := []struct {
		name  string
		who   uint32
		shell string
		rule  Rule
		text  string // what is read
		err   string // part of the error, where there is one
	}{
		{"root's", 0, "echo x > f", roots, "x\n", ""},
		{"empty", 0, "echo x > f; : > f", roots, "", ""},
		{"the user's", user, "echo x > his/f", roots, "", "his/f: it belongs to uid 4242; want chown root "},
		{"the user's for him", user, "echo x > his/f", users, "x\n", ""},
		{"another user's", 4243, "echo x > his/f", users, "", "it belongs to uid 4243; want chown root /"},
		{"the group can write", 0, "echo x > f; chmod 0660 f", roots, "", "others than its owner can write to it (mode 0660); want chmod go-w /"},
		{"all can write", 0, "echo x > f; chmod 0666 f", roots, "", "(mode 0666)"},
		{"all can read a key", 0, "echo x > f; chmod 0644 f", Rule{Secret: true}, "", "everybody can read it (mode 0644); want chmod o-r /"},
		{"a group can read a key", 0, "echo x > f; chmod 0640 f", Rule{Secret: true}, "x\n", ""},
		{"a link of root's", 0, "ln -s secret f", roots, "of root", ""},
		{"an absolute one", 0, `ln -s "$PWD/secret" f`, users, "of root", ""},
		{"one after another", 0, "ln -s dir/../g f; ln -s secret g", roots, "of root", ""},
		{"through a directory's", 0, "mkdir d2; ln -s d2 d; echo x > d2/f", roots, "x\n", ""},
		{"round and round", 0, "ln -s g f; ln -s f g", roots, "", "too many levels of symbolic links"},
		{"to nowhere", 0, "ln -s nowhere f", roots, "", "nowhere: no such file"},
		{"a link of the user's", user, "ln -s ../secret his/f", roots, "", "it is a symbolic link, in a directory that others than root can write to; want what it leads to in its place"},
		{"the same for him", user, "ln -s ../secret his/f", users, "", "it is a symbolic link"},
		{"a directory's of the user's", user, "ln -s .. his/d", roots, "", "his/d: it is a symbolic link"},
		{"root's file moved", 0, "cp secret his/g; mv his/g his/f", users, "", "it is root's, in a directory where others can have moved any file of root's; want chown 4242 /"},
		{"one that is known anyway", 0, "cp known his/f", users, "to all", ""},
		{"root's among the user's, for root", 0, "cp secret his/f", roots, "of root", ""},
		{"a FIFO", user, "mkfifo his/f", users, "", "it is a FIFO; want a regular file"},
		{"a directory", 0, "mkdir f", roots, "", "it is a directory; want a regular file"},
		{"a device", 0, "mknod f c 1 5", roots, "", "it is a device; want a regular file"},
		{"too long", user, "truncate -s 1T his/f", users, "", "file too large"},
		{"too long for the rule", 0, "echo 12345 > f", Rule{Limit: 5}, "", "file too large"},
		{"as long as the rule", 0, "echo 1234 > f", Rule{Limit: 5}, "1234\n", ""},
		{"nothing", 0, ":", roots, "", "no such file or directory"},
		{"a file on the way", 0, ": > d", roots, "", "d: not a directory"},
		{"root's by another name", 0, "ln secret his/f", Rule{Any: true}, "", "it belongs to uid 0 and has another name, in a directory where others can have given it this one; want a copy of it"},
		{"by two names of root's", 0, "ln secret f", Rule{Any: true}, "of root", ""},
		{"whatever it is", user, "echo x > his/f; chmod 0666 his/f", Rule{Any: true}, "x\n", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := place(t)
			if tt.who == 4243 {
				must(t, os.Chmod(dir+"/his", 0o777))
			}
			as(t, tt.who, dir, tt.shell)
			path := dir + "/f"
			switch {
			case strings.Contains(tt.shell, "his/d"):
				path = dir + "/his/d/secret"
			case strings.Contains(tt.shell, "his/f"):
				path = dir + "/his/f"
			case strings.HasSuffix(tt.shell, " d") || strings.Contains(tt.shell, " d;"):
				path = dir + "/d/f"
			}
			text, err := Read(path, tt.rule)
			if string(text) != tt.text || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%q, %v; want %q, %q", text, err, tt.text, tt.err)
			}
			if err != nil && !strings.Contains(err.Error(), dir) {
				t.Errorf("%v does not say where", err)
			}
		})
	}
}

// What a file is becomes clear before it is opened: a watchdog would begin to count.
func TestDeviceIsNotOpened(t *testing.T) {
	dir := place(t)
	must(t, unix.Mknod(dir+"/f", unix.S_IFCHR|0o600, int(unix.Mkdev(240, 77)))) // nobody's: ENXIO at the open
	for _, read := range []func(string) error{
		func(p string) error { _, err := Read(p, Rule{}); return err },
	} {
		if err := read(dir + "/f"); !IsRefused(err) {
			t.Errorf("%v", err)
		}
	}
}

// Files of the image and of the kernel are read as os.ReadFile does, and nothing else.
func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	big := bytes.Repeat([]byte("0123456789abcdef"), MaxFile/16)
	must(t, os.WriteFile(dir+"/big", big, 0o600))
	must(t, os.WriteFile(dir+"/bigger", append(big, 'x'), 0o600))
	must(t, os.Symlink("big", dir+"/link"))
	must(t, unix.Mkfifo(dir+"/fifo", 0o600))
	for _, p := range []string{dir + "/big", dir + "/link", "/proc/self/cmdline", "/proc/self/mountinfo", "/proc/self/status"} {
		got, err := ReadFile(p)
		want, _ := os.ReadFile(p)
		if err != nil || !bytes.Equal(got, want) && !strings.HasSuffix(p, "status") {
			t.Errorf("%s: %d bytes, %v; want %d", p, len(got), err, len(want))
		}
	}
	for p, want := range map[string]string{
		dir + "/bigger": "file too large", dir + "/fifo": "it is a FIFO; want a regular file", dir: "it is a directory",
		"/dev/zero": "it is a device", dir + "/none": "no such file or directory",
	} {
		if got, err := ReadFile(p); err == nil || got != nil || !strings.Contains(err.Error(), p) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q %v, want %s", p, got, err, want)
		}
	}
	if _, err := ReadFile(dir + "/none"); !errors.Is(err, fs.ErrNotExist) || !Missing(err) {
		t.Errorf("%v is not fs.ErrNotExist", err)
	}
	if got, err := ReadLimit(dir+"/bigger", MaxFile+1); len(got) != MaxFile+1 || err != nil {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// A directory is another's, or somebody put something else in its place.
func TestOpenDir(t *testing.T) {
	tests := []struct {
		name  string
		who   uint32
		shell string
		path  string
		rule  Rule
		only  bool // OnlyRoots
		err   string
	}{
		{"root's", 0, ":", "/dir", Rule{}, true, ""},
		{"the user's", 0, ":", "/his", Rule{}, false, "/his: it belongs to uid 4242; want chown root /"},
		{"the user's for him", 0, ":", "/his", Rule{User: user}, false, ""},
		{"anybody's", 0, "chmod 0777 his", "/his", Rule{Any: true}, false, ""},
		{"others can write", 0, "chmod 1777 dir", "/dir", Rule{}, false, "others than its owner can write to it (mode 01777); want chmod go-w /"},
		{"root's in the user's", 0, "mkdir his/r", "/his/r", Rule{}, false, ""},
		{"the user's link", user, "ln -s ../dir his/r", "/his/r", Rule{}, false, "his/r: it is a symbolic link"},
		{"through the user's link", user, "ln -s .. his/r", "/his/r/dir", Rule{}, false, "his/r: it is a symbolic link"},
		{"root's link", 0, "ln -s dir r", "/r", Rule{}, true, ""},
		{"root's below one with a sticky bit", 0, "chmod 1777 dir; mkdir dir/r", "/dir/r", Rule{}, true, ""},
		{"root's below one without", 0, "chmod 0777 dir; mkdir dir/r", "/dir/r", Rule{}, false, ""},
		{"a file", 0, ":", "/known", Rule{}, false, "/known: it is a regular file; want a directory"},
		{"none", 0, ":", "/none", Rule{}, false, "/none: no such file or directory"},
		{"not clean", 0, ":", "/dir/../his/../dir/.", Rule{}, true, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := place(t)
			as(t, tt.who, dir, tt.shell)
			d, err := OpenDir(dir+tt.path, tt.rule)
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Fatalf("%v, want %q", err, tt.err)
			}
			if err == nil {
				defer d.Close()
				if d.OnlyRoots != tt.only {
					t.Errorf("%s: only root's %v, want %v", d.Path(), d.OnlyRoots, tt.only)
				}
			}
		})
	}
	for _, p := range []string{"", "data", "./data"} {
		if _, err := OpenDir(p, Rule{Any: true}); err == nil {
			t.Errorf("%q was opened", p)
		}
	}
	d, err := OpenDir("/", Rule{})
	must(t, err)
	d.Close()
}

// A directory that was opened stays the one that it is, whatever happens to its name.
func TestDirIsMoved(t *testing.T) {
	dir := place(t)
	must(t, os.Mkdir(dir+"/his/state", 0o700))
	d, err := OpenDir(dir+"/his/state", Rule{})
	must(t, err)
	defer d.Close()
	as(t, user, dir, "mv his/state his/x; mkdir his/state; ln -s ../../secret his/state/clock")
	must(t, d.WriteAtomic("clock", []byte("new"), How{Mode: 0o600, Sync: true}))
	if text, err := os.ReadFile(dir + "/his/x/clock"); string(text) != "new" {
		t.Errorf("%q %v", text, err)
	}
	if text, _ := os.ReadFile(dir + "/secret"); string(text) != "of root" {
		t.Errorf("the secret became %q", text)
	}
}

func TestMakeDir(t *testing.T) {
	dir := place(t)
	defer unix.Umask(unix.Umask(0o077))
	for range 2 {
		d, err := MakeDir(dir+"/dir/new", 0o711, Rule{})
		must(t, err)
		d.Close()
		if info, err := os.Stat(dir + "/dir/new"); err != nil || info.Mode() != fs.ModeDir|0o711 {
			t.Errorf("%v %v", info, err)
		}
	}
	if _, err := MakeDir(dir+"/dir/none/new", 0o711, Rule{}); !Missing(err) {
		t.Errorf("below nothing: %v", err)
	}
	as(t, user, dir, "ln -s ../dir his/new")
	if _, err := MakeDir(dir+"/his/new/x", 0o711, Rule{}); !IsRefused(err) {
		t.Errorf("through a link of the user's: %v", err)
	}
}

func TestWriteAtomic(t *testing.T) {
	dir := place(t)
	defer unix.Umask(unix.Umask(0o077))
	path := dir + "/dir/f"
	must(t, WriteAtomic(path, []byte("one"), How{Mode: 0o644}))
	old, err := os.Open(path)
	must(t, err)
	defer old.Close()
	must(t, os.WriteFile(dir+"/dir/.f.new", []byte("cut off"), 0o600))
	must(t, WriteAtomic(path, []byte("two"), How{Mode: 0o440, UID: user, GID: user, Sync: true}))
	var was [8]byte
	if n, _ := old.Read(was[:]); string(was[:n]) != "one" {
		t.Errorf("who had it open reads %q", was[:n])
	}
	info, err := os.Stat(path)
	must(t, err)
	text, _ := os.ReadFile(path)
	if st := info.Sys().(*syscall.Stat_t); string(text) != "two" || info.Mode() != 0o440 || st.Uid != user || st.Gid != user {
		t.Errorf("%q %v %d:%d", text, info.Mode(), st.Uid, st.Gid)
	}
	// Links of the user's, in the place of the file and of the temporary one.
	as(t, user, dir+"/his", "ln -s ../secret f; ln -s ../secret .f.new")
	must(t, WriteAtomic(dir+"/his/f", []byte("x"), How{Mode: 0o600}))
	if text, _ := os.ReadFile(dir + "/secret"); string(text) != "of root" {
		t.Errorf("the secret became %q", text)
	}
	if info, err := os.Lstat(dir + "/his/f"); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	as(t, user, dir, "ln -s ../dir his/d")
	if err := WriteAtomic(dir+"/his/d/f", nil, How{}); !IsRefused(err) {
		t.Errorf("through a link of the user's: %v", err)
	}
	// A directory in its place stays, and nothing else does.
	must(t, os.Mkdir(dir+"/dir/d", 0o755))
	if err := WriteAtomic(dir+"/dir/d", []byte("x"), How{Mode: 0o600}); err == nil || !strings.Contains(err.Error(), dir+"/dir/d") {
		t.Errorf("%v", err)
	}
	names, err := Names(dir+"/dir", 0)
	if err != nil || len(names) != 2 {
		t.Errorf("%q %v, want d and f", names, err)
	}
	if some, err := Names(dir+"/dir", 1); err != nil || len(some) != 1 {
		t.Errorf("at most one: %q %v", some, err)
	}
}

// A disk that is full or cannot be written to leaves the old file.
func TestWriteAtomicFails(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		dir := t.TempDir()
		must(t, unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"))
		must(t, WriteAtomic(dir+"/f", []byte("old"), How{Mode: 0o600}))
		err := WriteAtomic(dir+"/f", make([]byte, 1<<20), How{Mode: 0o600})
		if !errors.Is(err, unix.ENOSPC) || !strings.Contains(err.Error(), dir+"/f: no space left") {
			t.Errorf("full: %v", err)
		}
		must(t, unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""))
		if err := WriteAtomic(dir+"/f", nil, How{Mode: 0o600}); !errors.Is(err, unix.EROFS) {
			t.Errorf("read-only: %v", err)
		}
		if text, _ := os.ReadFile(dir + "/f"); string(text) != "old" {
			t.Errorf("it is %q", text)
		}
		if names, _ := Names(dir, 0); len(names) != 1 {
			t.Errorf("left: %q", names)
		}
		must(t, unix.Unmount(dir, 0))
	})
}

func FuzzWalk(f *testing.F) {
	for _, p := range []string{"/", "/proc/self/exe", "/dev/stdin", "/proc/self/root/etc/passwd", "//etc/../etc/passwd/", "etc", "/etc/\x00"} {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, p string) {
		before, _ := Names("/proc/self/fd", 0)
		d, name, err := walk(p)
		if err == nil {
			if strings.Contains(name, "/") || name == "" || d.fd < 0 {
				t.Errorf("%q: %q in %s", p, name, d.path)
			}
			d.Close()
		}
		if after, _ := Names("/proc/self/fd", 0); len(after) != len(before) {
			t.Errorf("%q: %d descriptors, before %d", p, len(after), len(before))
		}
	})
}

// A directory goes with all that is in it, deeper than a process has descriptors and with more
// names than are read at once; what links lead to stays.
func TestRemoveAll(t *testing.T) {
	dir := place(t)
	d, err := OpenDir(dir, Rule{})
	must(t, err)
	defer d.Close()
	at := d
	for i := range 1500 {
		name := "deep"
		must(t, unix.Mkdirat(at.fd, name, 0))
		below, err := at.enter(name)
		must(t, err)
		if i == 700 {
			for n := range 2 * atOnce {
				must(t, unix.Mkdirat(below.fd, "n"+strconv.Itoa(n), 0o700))
			}
			must(t, unix.Symlinkat(dir+"/his", below.fd, "link"))
		}
		if at != d {
			at.Close()
		}
		at = below
	}
	at.Close()
	must(t, os.WriteFile(dir+"/his/kept", nil, 0o600))
	var was unix.Rlimit
	must(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &was))
	must(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 64, Max: was.Max}))
	defer unix.Setrlimit(unix.RLIMIT_NOFILE, &was)
	must(t, d.RemoveAll("deep"))
	if list, err := d.Names(0); err != nil || slices.Contains(list, "deep") || len(list) != 4 {
		t.Errorf("left: %q, %v", list, err)
	}
	if _, err := os.Stat(dir + "/his/kept"); err != nil {
		t.Error(err)
	}
	must(t, os.MkdirAll(dir+"/.f.new/below", 0))
	must(t, d.WriteAtomic("f", []byte("x"), How{Mode: 0o600})) // whoever had put that in its way
}

// What is no directory has no names, and a FIFO that nobody writes to holds nobody up.
func TestNamesOfNone(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mkfifo(dir+"/fifo", 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/file", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, name := range []string{"fifo", "file", "none"} {
			if names, err := Names(dir+"/"+name, 0); err == nil || names != nil {
				t.Errorf("%s: got %q, %v, want an error", name, names, err)
			}
		}
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("it waits for somebody who writes")
	}
	if names, err := Names(dir, 0); err != nil || len(names) != 2 {
		t.Errorf("got %q, %v", names, err)
	}
}
