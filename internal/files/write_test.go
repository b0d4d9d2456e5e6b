package files

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/beaminit/beaminit/internal/nstest"
	"golang.org/x/sys/unix"
)

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
