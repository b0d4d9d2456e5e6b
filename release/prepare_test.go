package release

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/beaminit/beaminit/internal/nstest"
	"golang.org/x/sys/unix"
)

func TestPrepare(t *testing.T) {
	tmp := t.TempDir() + "/deep/er"
	umask := 0o027
	if os.Geteuid() == 0 {
		umask = 0o777 // which does not stop root
	}
	defer unix.Umask(unix.Umask(umask))
	c := Command{Tmp: tmp, Files: []File{{Path: tmp + "/vm.args", Mode: 0o600, Content: []byte("-x\n")}, {Path: tmp + "/.erlang.cookie", Mode: 0o400, Content: []byte("monster")}}}
	for range 2 { // before every start
		if err := c.Prepare(); err != nil {
			t.Fatal(err)
		}
		for path, want := range map[string]os.FileMode{"": os.ModeDir | 0o700, "/vm.args": 0o600, "/.erlang.cookie": 0o400} {
			if st, err := os.Stat(tmp + path); err != nil || st.Mode() != want {
				t.Errorf("%s: %v, %v, want %v", tmp+path, st.Mode(), err, want)
			}
		}
		if b, err := os.ReadFile(tmp + "/.erlang.cookie"); string(b) != "monster" {
			t.Errorf("the cookie is %q, %v", b, err)
		}
		if names, err := Root("").List(tmp); len(names) != 2 {
			t.Errorf("files %q, %v, want no others", names, err)
		}
	}

	os.Chmod(tmp, 0o755) // a directory that somebody else made
	if err := c.Prepare(); err != nil {
		t.Error(err)
	}
	if st, err := os.Stat(tmp); err != nil || st.Mode() != os.ModeDir|0o755 {
		t.Errorf("a directory that was there: %v, %v, want its mode kept", st.Mode(), err)
	}

	c.Tmp = tmp + "/vm.args/no"
	if err := c.Prepare(); err == nil || !strings.Contains(err.Error(), "vm.args: it is a regular file; want a directory") || !strings.Contains(err.Error(), c.Tmp) {
		t.Errorf("below a file: %v, want the path", err)
	}
}

// Whatever a release puts in the place of what is written for it goes, and leads nowhere.
func TestPrepareHostile(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root for a directory of somebody else's")
	}
	const uid = 4242
	dir := t.TempDir()
	tmp, victim := dir+"/his/tmp", dir+"/victim"
	cookie := tmp + "/.erlang.cookie"
	for _, d := range []string{victim, dir + "/his"} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	os.Chown(dir+"/his", uid, uid)
	if err := os.WriteFile(victim+"/file", []byte("of root"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := Command{Tmp: tmp, User: &User{Name: "app", UID: uid, GID: uid}, Files: []File{{Path: cookie, Mode: 0o400, Content: []byte("monster")}}}
	for name, put := range map[string]func() error{
		"nothing":                 func() error { return nil },
		"a link to a file":        func() error { return os.Symlink(victim+"/file", cookie) },
		"a link to a directory":   func() error { return os.Symlink(victim, cookie) },
		"a FIFO":                  func() error { return unix.Mkfifo(cookie, 0o400) },
		"a directory":             func() error { return os.MkdirAll(cookie+"/deep/er", 0o755) },
		"a directory with a link": func() error { os.Mkdir(cookie, 0o755); return os.Symlink(victim, cookie+"/link") },
		"a link for the new one":  func() error { return os.Symlink(victim+"/file", tmp+"/..erlang.cookie.new") },
		"a FIFO for the new one":  func() error { return unix.Mkfifo(tmp+"/..erlang.cookie.new", 0o600) },
		"his own":                 func() error { return os.WriteFile(cookie, []byte("other"), 0o600) },
	} {
		os.RemoveAll(cookie)
		if err := put(); err != nil && name != "nothing" {
			if err := c.Prepare(); err != nil { // the first one makes the directory
				t.Fatal(err)
			}
			os.Remove(cookie)
			if err := put(); err != nil {
				t.Fatal(name, err)
			}
		}
		if err := c.Prepare(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		info, err := os.Lstat(cookie)
		text, _ := os.ReadFile(cookie)
		if err != nil || info.Mode() != 0o400 || string(text) != "monster" || info.Sys().(*syscall.Stat_t).Uid != uid {
			t.Errorf("%s: %v %v, %q", name, info, err, text)
		}
		if names, err := os.ReadDir(tmp); len(names) != 1 {
			t.Errorf("%s: %v is left, %v", name, names, err)
		}
	}
	os.RemoveAll(tmp)
	if err := os.Symlink(victim, tmp); err != nil {
		t.Fatal(err)
	}
	if err := c.Prepare(); err == nil || !strings.Contains(err.Error(), "it is a symbolic link") {
		t.Errorf("a link in the place of the directory: %v", err)
	}
	if names, _ := os.ReadDir(victim); len(names) != 1 {
		t.Errorf("in the place of somebody else: %v", names)
	}
	if text, _ := os.ReadFile(victim + "/file"); string(text) != "of root" {
		t.Errorf("somebody else's file became %q", text)
	}
}

// A release that has run once starts again though /run has been filled.
func TestPrepareFull(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		tmp := t.TempDir()
		if err := unix.Mount("none", tmp, "tmpfs", 0, "size=64k"); err != nil {
			t.Fatal(err)
		}
		defer unix.Unmount(tmp, unix.MNT_DETACH)
		path := tmp + "/vm.args"
		c := Command{Tmp: tmp, Files: []File{{Path: path, Mode: 0o600, Content: []byte("-x\n")}}}
		if err := c.Prepare(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(tmp+"/full", make([]byte, 1<<20), 0o600); !errors.Is(err, unix.ENOSPC) {
			t.Fatalf("filling it: %v", err)
		}
		if err := c.Prepare(); err != nil {
			t.Errorf("with the same files: %v", err)
		}
		c.Files[0].Content = []byte("-y\n")
		if err := c.Prepare(); !errors.Is(err, unix.ENOSPC) || !strings.Contains(err.Error(), path) {
			t.Errorf("with another file: %v, want ENOSPC and its path", err)
		}
		if b, err := os.ReadFile(path); string(b) != "-x\n" {
			t.Errorf("after that the file is %q, %v, want the old one", b, err)
		}
		if names, err := Root("").List(tmp); len(names) != 2 {
			t.Errorf("files %q, %v, want no others", names, err)
		}
	})
}

// A HOME that cannot take the cookie is not used: the release has it in its own directory,
// and it is said.
func TestPrepareHome(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct {
		name, home string
		want       string // where the cookie is
		said       string
	}{
		{"its own", dir + "/tmp", dir + "/tmp", ""},
		{"another", dir, dir, ""},
		{"not there", dir + "/none", dir + "/tmp", "release.env: HOME=" + dir + "/none: write " + dir + "/none/.erlang.cookie: no such file or directory; want"},
		{"no directory", "/dev/null", dir + "/tmp", "want a directory"},
	} {
		os.RemoveAll(dir + "/tmp")
		c := Command{Tmp: dir + "/tmp", Env: []string{"HOME=" + tt.home}}
		c.Files = []File{{c.cookiePath(), 0o400, []byte("monster"), true}}
		if err := c.Prepare(); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if got, err := os.ReadFile(tt.want + "/.erlang.cookie"); err != nil || string(got) != "monster" || c.Home() != tt.want {
			t.Errorf("%s: %q, %v, HOME=%s", tt.name, got, err, c.Home())
		}
		if said := fmt.Sprint(c.Problems); tt.said == "" && len(c.Problems) > 0 || !strings.Contains(said, tt.said) {
			t.Errorf("%s: said %s, want %q", tt.name, said, tt.said)
		}
	}
}
