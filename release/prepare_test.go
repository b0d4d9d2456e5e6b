package release

import (
	"errors"
	"fmt"
	"os"
	"strings"
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
	if err := c.Prepare(); !errors.Is(err, unix.ENOTDIR) || !strings.Contains(err.Error(), c.Tmp) {
		t.Errorf("below a file: %v, want ENOTDIR and the path", err)
	}
	if err := os.Symlink(t.TempDir(), tmp+"/link"); err != nil {
		t.Fatal(err)
	}
	c.Tmp = tmp + "/link"
	if err := c.Prepare(); err == nil {
		t.Error("follows a symbolic link")
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
		{"no directory", "/dev/null", dir + "/tmp", "not a directory"},
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

// A program that opens the watchdog is a heart that resets the board.
func TestHeartOf(t *testing.T) {
	fs := tree(t, "/bin/board: nerves_heart /dev/watchdog0", "/bin/otp: Would reboot. Terminating.")
	if a, b, c := HeartOf(fs, "/bin/board"), HeartOf(fs, "/bin/otp"), HeartOf(fs, "/bin/none"); a != BoardHeart || b != OtherHeart || c != OtherHeart {
		t.Errorf("got %v, %v, %v", a, b, c)
	}
}
