package history

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/beaminit/beaminit/internal/nstest"
	"golang.org/x/sys/unix"
)

// numbered is an entry that can be told from all others.
func numbered(i int) Entry {
	return Entry{Kind: End, Boot: 7, At: 1795256472, Up: time.Duration(i) * time.Second, PID: i, Why: "killed by signal 9 (SIGKILL)"}
}

// memory is a directory in memory, where it can be had: what is tested here is not how
// fast a disk syncs.
func memory(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "beaminit")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func addNumbered(t *testing.T, dir string, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		if err := Add(dir, []Entry{numbered(i)}); err != nil {
			t.Fatal(err)
		}
	}
}

// numbers reads a history of numbered entries: they must be in order and without a gap.
func numbers(t *testing.T, dir string) (first, last int) {
	t.Helper()
	entries, _, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) == 0 {
		return 0, 0
	}
	first = entries[0].PID
	for i, e := range entries {
		if e != numbered(first+i) {
			t.Fatalf("entry %d of %s, which begins with number %d, is %+v", i, dir, first, e)
		}
	}
	return first, first + len(entries) - 1
}

// The file never grows beyond its bound, and the newest entries are in it.
func TestAddStaysBounded(t *testing.T) {
	nstest.AsRoot(t)
	dir := filepath.Join(memory(t), "beaminit")
	most := int64(0)
	for i := 1; i <= 1500; i++ {
		addNumbered(t, dir, i, i+1)
		st, err := os.Stat(dir + "/" + fileName)
		if err != nil || st.Mode() != 0o600 {
			t.Fatal(st, err)
		}
		most = max(most, st.Size())
	}
	if first, last := numbers(t, dir); last != 1500 || last-first < 200 || most > MaxFile || most < MaxFile*9/10 {
		t.Errorf("entries %d to %d, %d bytes", first, last, most)
	}
	if names, _ := filepath.Glob(dir + "/*"); len(names) != 1 {
		t.Errorf("left: %v", names)
	}
}

// Wherever power cuts the last entry off, the ones before are there and the next one is
// not joined with what is left of it.
func TestTorn(t *testing.T) {
	nstest.AsRoot(t)
	dir := memory(t)
	addNumbered(t, dir, 1, 4)
	whole, err := os.ReadFile(dir + "/" + fileName)
	if err != nil {
		t.Fatal(err)
	}
	begin := bytes.LastIndexByte(whole[:len(whole)-1], '\n') + 1
	for cut := 0; cut <= len(whole); cut++ {
		for _, tail := range []string{"", "\x00\x00\x00", "\xff\n"} {
			os.WriteFile(dir+"/"+fileName, append(whole[:cut:cut], tail...), 0o600)
			if err := Add(dir, []Entry{numbered(9)}); err != nil {
				t.Fatal(err)
			}
			entries, _, err := Read(dir)
			want := bytes.Count(whole[:cut], []byte("\n"))
			if cut < len(whole) && whole[cut] == '\n' {
				want++ // only its line end is missing
			}
			if err != nil || len(entries) != want+1 || entries[want] != numbered(9) || want >= 2 != (cut >= begin-1) {
				t.Fatalf("cut at %d, then %q: %d entries, want %d; %v", cut, tail, len(entries), want+1, err)
			}
		}
	}
}

// A flipped bit costs the entry that it hits, and no other.
func TestFlipped(t *testing.T) {
	nstest.AsRoot(t)
	dir := t.TempDir()
	addNumbered(t, dir, 1, 5)
	whole, err := os.ReadFile(dir + "/" + fileName)
	if err != nil {
		t.Fatal(err)
	}
	for at := range whole {
		for bit := 0; bit < 8; bit++ {
			b := bytes.Clone(whole)
			b[at] ^= 1 << bit
			got := Parse(b)
			hit := bytes.Count(whole[:at], []byte("\n")) + 1
			want := 3
			if whole[at] == '\n' {
				want, hit = 4, 0
			}
			// A hexadecimal digit of the checksum may have become the same one in capitals.
			if len(got) == 4 && want == 3 && bytes.EqualFold(b, whole) {
				want, hit = 4, 0
			}
			n := 0
			for i := 1; i <= 4; i++ {
				if i != hit && n < len(got) && got[n] == numbered(i) {
					n++
				}
			}
			if n != want || len(got) != want {
				t.Fatalf("byte %d, bit %d: %d entries of %d are right, want %d:\n%s", at, bit, n, len(got), want, b)
			}
		}
	}
}

// What stands in the place of the file is an error that says so, and stays as it is.
func TestInItsPlace(t *testing.T) {
	nstest.AsRoot(t)
	tests := []struct {
		name string
		put  func(path string) error
		want string
		now  os.FileMode
	}{
		{"a directory", func(p string) error { return os.Mkdir(p, 0o700) }, "it is a directory", os.ModeDir},
		{"a link", func(p string) error { return os.Symlink("/dev/null", p) }, "it is a symbolic link", os.ModeSymlink},
		{"a pipe", func(p string) error { return unix.Mkfifo(p, 0o600) }, "it is a FIFO", os.ModeNamedPipe},
		{"a device", func(p string) error { return unix.Mknod(p, unix.S_IFCHR|0o600, int(unix.Mkdev(1, 3))) }, "it is a device", os.ModeDevice | os.ModeCharDevice},
	}
	for _, tt := range tests {
		dir := t.TempDir()
		if err := tt.put(dir + "/" + fileName); err != nil {
			t.Skip(err)
		}
		err := Add(dir, []Entry{numbered(1)})
		want := dir + "/" + fileName + ": " + tt.want + "; want a regular file"
		if err == nil || err.Error() != want || remedy(err) != "; until then it is kept in memory only" {
			t.Errorf("%s: %v%s, want %s", tt.name, err, remedy(err), want)
		}
		if _, _, err := Read(dir); err == nil || err.Error() != want {
			t.Errorf("%s: read: %v, want %s", tt.name, err, want)
		}
		if st, err := os.Lstat(dir + "/" + fileName); err != nil || st.Mode().Type() != tt.now {
			t.Errorf("%s: now %v, %v", tt.name, st.Mode(), err)
		}
	}
}

// Garbage is passed over, said, and gone as soon as the file is made shorter.
func TestGarbage(t *testing.T) {
	nstest.AsRoot(t)
	dir := memory(t)
	for _, garbage := range [][]byte{bytes.Repeat([]byte{0}, 3*MaxFile), bytes.Repeat([]byte(Prefix), 20000), []byte("\n")} {
		os.WriteFile(dir+"/"+fileName, garbage, 0o600)
		addNumbered(t, dir, 1, 300)
		if first, last := numbers(t, dir); first != 1 || last != 299 {
			t.Errorf("%.10q: entries %d to %d", garbage, first, last)
		}
		if st, _ := os.Stat(dir + "/" + fileName); st.Size() > MaxFile {
			t.Errorf("%.10q: %d bytes", garbage, st.Size())
		}
	}
}

// A full disk takes nothing away, and takes entries again when there is room.
func TestFullDisk(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		dir, err := os.MkdirTemp("", "")
		if err != nil {
			t.Fatal(err)
		}
		if err := unix.Mount("full", dir, "tmpfs", 0, "size=128k,mode=0755"); err != nil {
			t.Fatal(err)
		}
		addNumbered(t, dir, 1, 150)
		fill, err := os.Create(dir + "/fill")
		if err != nil {
			t.Fatal(err)
		}
		for err == nil {
			_, err = fill.Write(make([]byte, 4096))
		}
		next := 150
		for ; next < 2000 && err != nil; next++ { // the last page of the file has room
			if err = Add(dir, []Entry{numbered(next)}); err != nil {
				break
			}
			err = unix.ENOSPC
		}
		if !errors.Is(err, unix.ENOSPC) || !strings.Contains(remedy(err), "make room") {
			t.Fatalf("number %d: %v", next, err)
		}
		for i := 0; i < 20; i++ {
			if err := Add(dir, []Entry{numbered(next), numbered(next + 1)}); !errors.Is(err, unix.ENOSPC) {
				t.Fatalf("%v", err)
			}
		}
		if first, last := numbers(t, dir); first != 1 || last != next-1 {
			t.Errorf("entries %d to %d, want 1 to %d", first, last, next-1)
		}
		if b, _ := os.ReadFile(dir + "/" + fileName); !bytes.HasSuffix(b, []byte("\n")) {
			t.Errorf("half a line is left: …%q", b[len(b)-50:])
		}
		fill.Close()
		os.Remove(dir + "/fill")
		addNumbered(t, dir, next, 800)
		if first, last := numbers(t, dir); first < 2 || last != 799 {
			t.Errorf("later, entries %d to %d", first, last)
		}
	})
}

func TestReadOnly(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		dir, err := os.MkdirTemp("", "")
		if err != nil {
			t.Fatal(err)
		}
		if err := unix.Mount("ro", dir, "tmpfs", 0, "mode=0755"); err != nil {
			t.Fatal(err)
		}
		addNumbered(t, dir, 1, 3)
		if err := unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
			t.Fatal(err)
		}
		for _, in := range []string{dir, dir + "/none"} {
			if err := Add(in, []Entry{numbered(3)}); !errors.Is(err, unix.EROFS) {
				t.Errorf("%s: %v", in, err)
			}
		}
		if first, last := numbers(t, dir); first != 1 || last != 2 {
			t.Errorf("entries %d to %d", first, last)
		}
	})
}

// appendEnv makes the test binary a process that adds entries until it is killed, and
// writes the number of each that is added to its output.
const appendEnv = "BEAMINIT_TEST_APPEND"

func TestMain(m *testing.M) {
	dir := os.Getenv(appendEnv)
	for i := 1; dir != ""; i++ {
		if err := Add(dir, []Entry{numbered(i)}); err != nil {
			panic(err)
		}
		os.Stdout.Write([]byte{byte(i), byte(i >> 8), byte(i >> 16)})
	}
	os.Exit(m.Run())
}

// A process that is killed at any moment leaves all that it had added.
func TestKilled(t *testing.T) {
	nstest.AsRoot(t)
	for round := 0; round < 40; round++ {
		dir := memory(t)
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = append(os.Environ(), appendEnv+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil || cmd.Start() != nil {
			t.Fatal(err)
		}
		var b [3]byte
		added := 0
		kill := 400 + 37*round // the first time that it is made shorter is about number 580
		for {
			if _, err := out.Read(b[:]); err != nil {
				break
			}
			added = int(b[0]) | int(b[1])<<8 | int(b[2])<<16
			if added == kill {
				cmd.Process.Signal(syscall.SIGKILL)
			}
		}
		cmd.Wait()
		first, last := numbers(t, dir)
		if last < added || last > added+1 || added < kill || last-first < 200 {
			t.Fatalf("killed after %d: entries %d to %d are there", added, first, last)
		}
		next := last + 1
		addNumbered(t, dir, next, next+1)
		if _, last := numbers(t, dir); last != next {
			t.Fatalf("the next one is %d, want %d", last, next)
		}
	}
}
