package boot

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/internal/nstest"
)

// No test here sets a clock: it is that of the machine that runs them.

func TestClockFloor(t *testing.T) {
	const built, saved = "when this init was built", "when the time was last saved"
	tests := []struct {
		now, built, saved int64
		at                int64
		from              string
		set               bool
	}{
		{5, 100, 0, 100, built, true},
		{5, 100, 200, 200, saved, true},
		{5, 200, 100, 200, built, true},
		{5, 100, 100, 100, built, true},
		{100, 100, 0, 100, built, false},
		{300, 100, 200, 200, saved, false}, // never back
		{5, 0, 0, 0, built, false},
		{5, 0, 7, 7, saved, true},
		{-1, 0, 0, 0, built, true}, // before 1970
	}
	for _, tt := range tests {
		f, set := clockFloor(tt.now, tt.built, tt.saved)
		if f.At != tt.at || f.From != tt.from || set != tt.set {
			t.Errorf("at %d, built %d, saved %d: %d (%s) %v, want %d (%s) %v", tt.now, tt.built, tt.saved, f.At, f.From, set, tt.at, tt.from, tt.set)
		}
	}
	if got, want := (Floor{1700000000, built}).String(), "2023-11-14T22:13:20Z, when this init was built"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestSaveClock(t *testing.T) {
	state := stateIn(t, t.TempDir())
	path := filepath.Join(state.Path(), clockFile)
	saved := func() int64 {
		t.Helper()
		at, err := savedClock(state)
		if err != nil {
			t.Error(err)
		}
		return at
	}
	if got := saved(); got != 0 {
		t.Errorf("nothing was saved: %d", got)
	}
	for range 2 {
		before := time.Now().Add(-time.Second).Unix()
		nstest.Must(t, saveClock(state))
		if got := saved(); got < before || got > time.Now().Unix()+1 {
			t.Errorf("saved %d, at about %d", got, before)
		}
		old := time.Unix(1700000000, 0)
		nstest.Must(t, os.Chtimes(path, old, old))
		if got := saved(); got != old.Unix() {
			t.Errorf("saved %d, want %d", got, old.Unix())
		}
	}
	nstest.Must(t, os.Remove(path))
	nstest.Must(t, os.Mkdir(path, 0o755))
	if got, err := savedClock(state); got != 0 || err == nil {
		t.Errorf("a directory is no saved time: %d %v", got, err)
	}
	if err := saveClock(state); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("into a directory: %v", err)
	}
}

// In a container the clock is left alone, however late the floor is.
func TestClockOfAContainer(t *testing.T) {
	nstest.Run(t, nstest.Whole, func(t *testing.T) {
		nstest.Must(t, unix.Mount("proc", "/proc", "proc", 0, ""))
		if ownsClock() {
			t.Fatal("this is a pid namespace") // and nothing below may run
		}
		if f, set, err := RaiseClock(time.Now().Unix()+1, 0); set || err != nil || f.At == 0 {
			t.Errorf("%v %v %v", f, set, err)
		}
	})
}
