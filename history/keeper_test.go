package history

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/internal/nstest"
	"golang.org/x/sys/unix"
)

// keeper is one that writes in dir, with a list of what it said.
func keeper(t *testing.T, dir string) (k *Keeper, said func() string) {
	lines := make(chan string, 100)
	k = &Keeper{Dir: dir, Spare: memory(t), Boot: 7, Fresh: true}
	k.Tell = func(line string, bad bool) { lines <- line }
	k.Complain = func(line string) { lines <- line }
	return k, func() (all string) {
		for len(lines) > 0 {
			all += <-lines + "\n"
		}
		return all
	}
}

func flushed(t *testing.T, k *Keeper) {
	t.Helper()
	if !k.Flush(nstest.Patience) {
		t.Fatal("not flushed within 10 s")
	}
}

// What is remembered before Start comes to the disk too, the boot first; without Start
// the way down writes it.
func TestKeeper(t *testing.T) {
	for _, start := range []bool{true, false} {
		dir := filepath.Join(memory(t), "beaminit")
		k, said := keeper(t, dir)
		var past []Entry
		k.Past = func(p []Entry) { past = append(p, Entry{}) }
		k.Remember(numbered(1))
		k.Remember(Entry{Kind: Boot, Boot: 7})
		if start {
			k.Start(func() {})
			k.Alive(start1970, time.Hour)
		}
		k.Remember(numbered(2))
		flushed(t, k)
		got, garbled, err := Read(dir)
		if err != nil || garbled != 0 || len(got) != 3 || got[0].Kind != Boot || got[1] != numbered(1) || got[2] != numbered(2) {
			t.Errorf("start=%v: %+v, %d, %v", start, got, garbled, err)
		}
		if last := readAlive(dir); start != (last.Up == time.Hour) || start != (last.Boot == 7) {
			t.Errorf("start=%v: alive %+v", start, last)
		}
		if text := said(); text != "" || len(past) != 1 {
			t.Errorf("start=%v: said %q, past %v", start, text, past)
		}
	}
}

const start1970 = 3600

// A disk that takes nothing is said once, and what it did not take follows when it does.
func TestKeeperWithoutRoom(t *testing.T) {
	dir := memory(t)
	if err := os.Mkdir(dir+fileName, 0o700); err != nil {
		t.Fatal(err)
	}
	k, said := keeper(t, dir)
	k.Start(func() {})
	for i := 1; i < 6; i++ {
		k.Remember(numbered(i))
		flushed(t, k)
	}
	want := "history: " + dir + "/history: is a directory: want a regular file in a directory, remove what is there; until then it is kept in memory only\n"
	if got := said(); got != want {
		t.Errorf("said %q\nwant %q", got, want)
	}
	if first, last := numbers(t, k.Spare); first != 1 || last != 5 {
		t.Errorf("in memory: entries %d to %d", first, last)
	}
	os.Remove(dir + fileName)
	k.Remember(numbered(6))
	flushed(t, k)
	if first, last := numbers(t, dir); first != 1 || last != 6 {
		t.Errorf("entries %d to %d", first, last)
	}
	if got, want := said(), "history: it is written again\n"; got != want {
		t.Errorf("said %q", got)
	}
}

// A disk that hangs holds nobody up; what it could not take is counted.
func TestKeeperHangs(t *testing.T) {
	withDisk(t, func(t *testing.T, work, disk, at string) {
		const fifreeze, fithaw = 0xC0045877, 0xC0045878 // linux/fs.h
		dir, err := os.Open(at)
		if err != nil {
			t.Fatal(err)
		}
		defer dir.Close()
		k, said := keeper(t, at)
		k.Start(func() {})
		k.Remember(numbered(1))
		flushed(t, k)
		if err := unix.IoctlSetInt(int(dir.Fd()), fifreeze, 0); err != nil {
			t.Skip("freeze:", err)
		}
		thaw := func() { unix.IoctlSetInt(int(dir.Fd()), fithaw, 0) }
		defer thaw()
		begun := time.Now()
		for i := 2; i < 1000; i++ {
			k.Remember(numbered(i))
		}
		if took := time.Since(begun); took > nstest.Patience {
			t.Errorf("it was waited for: %v", took)
		}
		if k.Flush(50 * time.Millisecond) {
			t.Error("flushed to a disk that hangs")
		}
		thaw()
		flushed(t, k)
		k.Remember(numbered(1000))
		flushed(t, k)
		got, _, err := Read(at)
		kept, lost, last := 0, 0, Entry{}
		for _, e := range got {
			n := 0
			if c, _ := fmt.Sscanf(e.Why, "%d entries were lost before this one: the disk was too slow", &n); c == 1 && e.Kind == Note {
				lost += n
			} else {
				kept, last = kept+1, e
			}
		}
		if err != nil || lost == 0 || kept+lost != 1000 || last != numbered(1000) {
			t.Errorf("%d entries and %d that were lost make no 1000, the last is %+v, %v", kept, lost, last, err)
		}
		if text := said(); text != "" {
			t.Errorf("said %q", text)
		}
	})
}

// After a fall of PID 1, what the disk had not taken before is still there.
func TestKeeperAfterFall(t *testing.T) {
	dir := memory(t)
	k, _ := keeper(t, dir)
	os.Mkdir(dir+fileName, 0o700)
	k.Remember(numbered(1))
	flushed(t, k)
	os.Remove(dir + fileName)
	again, said := keeper(t, dir)
	again.Spare, again.Fresh = k.Spare, false
	again.Remember(numbered(2))
	flushed(t, again)
	if first, last := numbers(t, dir); first != 1 || last != 2 || said() != "" {
		t.Errorf("entries %d to %d", first, last)
	}
}

// Without a disk the memory has it, from boot to boot.
func TestKeeperWithPmsg(t *testing.T) {
	past := string(Entry{Kind: Boot, Boot: 6, Up: time.Second}.Append(nil)) + "\n"
	path := filepath.Join(t.TempDir(), "pmsg0")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	device, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	k, said := keeper(t, "")
	k.Pmsg = Pmsg{path, store(t, map[string]string{"pmsg-ramoops-0": past})}
	k.Remember(numbered(1))
	flushed(t, k)
	b := make([]byte, 4096)
	n, _ := device.Read(b)
	if got := Parse(b[:n]); len(got) != 2 || got[0].Boot != 6 || got[1] != numbered(1) {
		t.Errorf("in the memory: %+v", got)
	}
	if got, _, _ := Read(k.Spare); len(got) != 2 {
		t.Errorf("for beaminit history: %+v", got)
	}
	if text := said(); !strings.HasPrefix(text, "previous: boot 00000006 ended without a word") {
		t.Errorf("said %q", text)
	}
}
