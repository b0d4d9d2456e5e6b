package boot

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/internal/nstest"
)

// No test here credits anything to the generator of the machine that runs them.

func TestSeed(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: a seed is root's")
	}
	state := stateIn(t, t.TempDir())
	dir, path := state.Path(), filepath.Join(state.Path(), seedFile)
	if _, found, err := takeSeed(state); found || err != nil {
		t.Errorf("nothing there: %v %v", found, err)
	}
	nstest.Must(t, renewSeed(state))
	first, err := os.ReadFile(path)
	nstest.Must(t, err)
	var st unix.Stat_t
	nstest.Must(t, unix.Stat(path, &st))
	if len(first) != seedSize || st.Mode != unix.S_IFREG|0o600 || bytes.Equal(first, make([]byte, seedSize)) {
		t.Errorf("seed of %d bytes, mode %o: %x", len(first), st.Mode, first)
	}
	nstest.Must(t, os.WriteFile(dir+"/.seed.new", []byte("cut"), 0o644)) // by a power cut
	nstest.Must(t, renewSeed(state))
	second, err := os.ReadFile(path)
	nstest.Must(t, err)
	if bytes.Equal(first, second) || len(second) != seedSize {
		t.Errorf("then %x, the first was %x", second, first)
	}
	seed, found, err := takeSeed(state)
	if err != nil || !found || !bytes.Equal(seed[:], second) {
		t.Errorf("took %x, %v %v; want %x", seed, found, err, second)
	}
	if _, found, err := takeSeed(state); found || err != nil {
		t.Errorf("taken twice: %v %v", found, err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

// What somebody could have read, written or cut is no seed, and does not stay.
func TestNoSeed(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: a seed is root's")
	}
	good := bytes.Repeat([]byte{7}, seedSize)
	tests := []struct {
		name string
		text []byte
		make func(path string) error
	}{
		{"short", good[1:], nil},
		{"long", append(good, 1), nil},
		{"empty", nil, nil},
		{"readable", good, func(p string) error { return os.Chmod(p, 0o640) }},
		{"another's", good, func(p string) error { return os.Chown(p, 1000, 1000) }},
		{"linked", good, func(p string) error { return os.Link(p, p+".2") }},
	}
	for _, tt := range tests {
		state := stateIn(t, t.TempDir())
		path := filepath.Join(state.Path(), seedFile)
		nstest.Must(t, os.WriteFile(path, tt.text, 0o600))
		if tt.make != nil {
			nstest.Must(t, tt.make(path))
		}
		if _, found, err := takeSeed(state); found || err != nil {
			t.Errorf("%s: %v %v", tt.name, found, err)
		}
		if _, err := os.Lstat(path); err == nil {
			t.Errorf("%s: it is still there", tt.name)
		}
	}
	state := stateIn(t, t.TempDir())
	nstest.Must(t, os.Symlink("/dev/urandom", filepath.Join(state.Path(), seedFile)))
	if _, found, err := takeSeed(state); found || err != nil {
		t.Errorf("a link: %v %v", found, err)
	}
}

// A seed that cannot be removed is not used: the next boot would use it again.
func TestSeedThatStays(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		dir := t.TempDir()
		nstest.Must(t, renewSeed(stateIn(t, dir)))
		nstest.Must(t, unix.Mount(dir, dir, "", unix.MS_BIND, ""))
		nstest.Must(t, unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, ""))
		state := stateIn(t, dir)
		if _, found, err := takeSeed(state); found || err == nil {
			t.Errorf("%v %v", found, err)
		}
		if err := renewSeed(state); err == nil {
			t.Error("a seed on a read-only file system")
		}
		state.Close()
		nstest.Must(t, unix.Unmount(dir, 0))
	})
}

// The kernel takes what is given to it; 0 bits of it count.
func TestAddEntropy(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	if err := addEntropy(new([seedSize]byte), 0); err != nil {
		t.Error(err)
	}
}
