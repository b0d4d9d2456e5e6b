package files

import (
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

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
