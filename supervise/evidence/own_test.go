package evidence

import (
	"os"
	"testing"
	"time"
)

// A dump in a place of the release's own is read where it is new, told of once, and no
// link is followed to it.
func TestOwnDump(t *testing.T) {
	path := t.TempDir() + "/erl_crash.dump"
	d := Dumps{Dir: t.TempDir(), Keep: 5, UID: uint32(os.Geteuid()), Own: &Own{Path: path}}
	slogan := func(want string) {
		t.Helper()
		if got, _ := d.Slogan("00000000-1"); got != want {
			t.Errorf("slogan %q, want %q", got, want)
		}
	}
	write := func(path string, age time.Duration) {
		t.Helper()
		at := time.Now().Add(-age)
		if err := os.WriteFile(path, []byte("=erl_crash_dump:0.5\nnow\nSlogan: eheap_alloc\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	slogan("") // there is none
	write(path, time.Hour)
	slogan("") // of an earlier boot
	write(path, time.Second)
	slogan("eheap_alloc")
	slogan("") // that is of the run before
	write(path, 0)
	slogan("eheap_alloc")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	other := t.TempDir() + "/other"
	write(other, 0)
	if err := os.Symlink(other, path); err != nil {
		t.Fatal(err)
	}
	slogan("")
	if got := d.Dump("00000000-1"); got != path {
		t.Errorf("the dump is %s, want %s", got, path)
	}
}
