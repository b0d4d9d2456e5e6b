package history

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/internal/nstest"
)

// writer is one that writes in dir, with a list of what it said.
func writer(t *testing.T, dir string) (w *Writer, said func() string) {
	lines := make(chan string, 100)
	w = &Writer{Dir: dir, FallbackDir: memory(t), Boot: 7, Fresh: true}
	w.Tell = func(line string, bad bool) { lines <- line }
	w.Complain = func(line string) { lines <- line }
	return w, func() (all string) {
		for len(lines) > 0 {
			all += <-lines + "\n"
		}
		return all
	}
}

func flushed(t *testing.T, w *Writer) {
	t.Helper()
	if !w.Flush(nstest.Patience) {
		t.Fatal("not flushed")
	}
}

// What is remembered before Start comes to the disk too, the boot first; without Start
// the way down writes it.
func TestWriter(t *testing.T) {
	nstest.AsRoot(t)
	for _, start := range []bool{true, false} {
		dir := filepath.Join(memory(t), "beaminit")
		w, said := writer(t, dir)
		var past []Entry
		w.EarlierBoots = func(p []Entry) { past = append(p, Entry{}) }
		w.Remember(numbered(1))
		w.Remember(Entry{Kind: Boot, Boot: 7})
		if start {
			w.Start(func() {})
			w.Alive(start1970, time.Hour)
		}
		w.Remember(numbered(2))
		flushed(t, w)
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
func TestWriterWithoutRoom(t *testing.T) {
	nstest.AsRoot(t)
	dir := memory(t)
	if err := os.Mkdir(dir+"/"+fileName, 0o700); err != nil {
		t.Fatal(err)
	}
	w, said := writer(t, dir)
	w.Start(func() {})
	for i := 1; i < 6; i++ {
		w.Remember(numbered(i))
		flushed(t, w)
	}
	want := "history: " + dir + "/history: it is a directory; want a regular file; until then it is kept in memory only\n"
	if got := said(); got != want {
		t.Errorf("said %q\nwant %q", got, want)
	}
	if first, last := numbers(t, w.FallbackDir); first != 1 || last != 5 {
		t.Errorf("in memory: entries %d to %d", first, last)
	}
	os.Remove(dir + "/" + fileName)
	w.Remember(numbered(6))
	flushed(t, w)
	if first, last := numbers(t, dir); first != 1 || last != 6 {
		t.Errorf("entries %d to %d", first, last)
	}
	if got, want := said(), "history: it is written again\n"; got != want {
		t.Errorf("said %q", got)
	}
}

// A disk that hangs holds nobody up; what it could not take is counted.
func TestWriterHangs(t *testing.T) {
	withDisk(t, func(t *testing.T, work, disk, at string) {
		const fifreeze, fithaw = 0xC0045877, 0xC0045878 // linux/fs.h
		dir, err := os.Open(at)
		if err != nil {
			t.Fatal(err)
		}
		defer dir.Close()
		w, said := writer(t, at)
		w.Start(func() {})
		w.Remember(numbered(1))
		flushed(t, w)
		if err := unix.IoctlSetInt(int(dir.Fd()), fifreeze, 0); err != nil {
			t.Skip("freeze:", err)
		}
		thaw := func() { unix.IoctlSetInt(int(dir.Fd()), fithaw, 0) }
		defer thaw()
		begun := time.Now()
		for i := 2; i < 1000; i++ {
			w.Remember(numbered(i))
		}
		if took := time.Since(begun); took > nstest.Patience {
			t.Errorf("it was waited for: %v", took)
		}
		if w.Flush(50 * time.Millisecond) {
			t.Error("flushed to a disk that hangs")
		}
		thaw()
		flushed(t, w)
		w.Remember(numbered(1000))
		flushed(t, w)
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
func TestWriterAfterFall(t *testing.T) {
	nstest.AsRoot(t)
	dir := memory(t)
	w, _ := writer(t, dir)
	os.Mkdir(dir+"/"+fileName, 0o700)
	w.Remember(numbered(1))
	flushed(t, w)
	os.Remove(dir + "/" + fileName)
	again, said := writer(t, dir)
	again.FallbackDir, again.Fresh = w.FallbackDir, false
	again.Remember(numbered(2))
	flushed(t, again)
	if first, last := numbers(t, dir); first != 1 || last != 2 || said() != "" {
		t.Errorf("entries %d to %d", first, last)
	}
}

// Without a disk the memory has it, from boot to boot.
func TestWriterWithPmsg(t *testing.T) {
	nstest.AsRoot(t)
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
	w, said := writer(t, "")
	w.Pmsg = Pmsg{path, store(t, map[string]string{"pmsg-ramoops-0": past})}
	w.Remember(numbered(1))
	flushed(t, w)
	b := make([]byte, 4096)
	n, _ := device.Read(b)
	if got := Parse(b[:n]); len(got) != 2 || got[0].Boot != 6 || got[1] != numbered(1) {
		t.Errorf("in the memory: %+v", got)
	}
	if got, _, _ := Read(w.FallbackDir); len(got) != 2 {
		t.Errorf("for beaminit history: %+v", got)
	}
	if text := said(); !strings.HasPrefix(text, "previous: boot 00000006 ended without a word") {
		t.Errorf("said %q", text)
	}
}

// A disk that comes late gets what was kept in memory until then, behind what it has, and
// what it has is told then.
func TestWriterMoves(t *testing.T) {
	nstest.AsRoot(t)
	dir := memory(t)
	if err := Add(dir, []Entry{{Kind: Boot, Boot: 6, Up: time.Second}}); err != nil {
		t.Fatal(err)
	}
	w, said := writer(t, "")
	var past []Entry
	w.EarlierBoots = func(p []Entry) { past = p }
	w.Remember(numbered(1))
	w.Start(func() {})
	w.Remember(numbered(2))
	flushed(t, w)
	if text := said(); text != "" || len(past) != 0 {
		t.Errorf("said %q before the disk was there, of %v", text, past)
	}
	if !w.MoveTo(dir) {
		t.Error("not moved")
	}
	w.Remember(numbered(3))
	flushed(t, w)
	got, garbled, err := Read(dir)
	if err != nil || garbled != 0 || len(got) != 4 || got[0].Boot != 6 || got[1] != numbered(1) || got[2] != numbered(2) || got[3] != numbered(3) {
		t.Errorf("%+v, %d, %v", got, garbled, err)
	}
	if text := said(); !strings.HasPrefix(text, "previous: boot 00000006 ended without a word") || len(past) != 1 {
		t.Errorf("said %q of %v", text, past)
	}
}

// Who does the jobs is nobody's business but Run's: they and what comes of them are data.
func TestWriterJobs(t *testing.T) {
	nstest.AsRoot(t)
	dir := memory(t)
	w, said := writer(t, dir)
	jobs := 0
	w.Run = func(j Job) (d Done) {
		jobs++
		sent, err := json.Marshal(j)
		var there Job
		if err == nil {
			err = json.Unmarshal(sent, &there)
		}
		var back []byte
		if err == nil {
			back, err = json.Marshal(there.Do())
		}
		if err == nil {
			err = json.Unmarshal(back, &d)
		}
		if err != nil {
			t.Error(err)
		}
		return d
	}
	w.Start(func() {})
	w.Remember(numbered(1))
	w.Alive(start1970, time.Hour)
	flushed(t, w)
	os.Remove(dir + "/" + fileName)
	os.Mkdir(dir+"/"+fileName, 0o700)
	w.Remember(numbered(2))
	flushed(t, w)
	os.Remove(dir + "/" + fileName)
	w.Remember(numbered(3))
	flushed(t, w)
	if first, last := numbers(t, dir); first != 2 || last != 3 || jobs < 4 || readAlive(dir).Up != time.Hour {
		t.Errorf("entries %d to %d by %d jobs, alive %+v", first, last, jobs, readAlive(dir))
	}
	if text := said(); strings.Count(text, "it is a directory; want a regular file") != 1 || !strings.Contains(text, "written again") {
		t.Errorf("said %q", text)
	}
}
