package history

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// store is what pstore shows after a restart.
func store(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(filepath.Join(dir, name), time.Unix(start, 0), time.Unix(start, 0)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// What is written comes as one message each, and short; what the ring of the memory has
// overwritten of the first one is no entry.
func TestPmsg(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pmsg0")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	device, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	p := Pmsg{Device: path}
	p.Write([]Entry{full, numbered(1)})
	b := make([]byte, 8192)
	n, err := device.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	short := full
	short.Dump, short.Tail = "", ""
	want := string(short.Append(nil)) + "\n" + string(numbered(1).Append(nil)) + "\n"
	if got := string(b[:n]); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	p.Store = store(t, map[string]string{"pmsg-ramoops-0": want[20:], "console-ramoops-0": want})
	if got := p.Read(); len(got) != 1 || got[0] != numbered(1) {
		t.Errorf("read %+v", got)
	}
}

func TestPanics(t *testing.T) {
	tests := []struct {
		names []string
		want  string
	}{
		{[]string{"pmsg-ramoops-0", "console-ramoops-0"}, ""},
		{[]string{"dmesg-ramoops-0"}, "the kernel left 1 record of a panic or an oops in DIR, the newest of 2026-11-21 10:11:12: read and remove it"},
		{[]string{"dmesg-ramoops-0", "dmesg-efi_pstore-170000000001001"}, "the kernel left 2 records of a panic or an oops in DIR, the newest of 2026-11-21 10:11:12: read and remove them"},
	}
	for _, tt := range tests {
		files := map[string]string{}
		for _, name := range tt.names {
			files[name] = "Panic#1 Part1\n"
		}
		p := Pmsg{Store: store(t, files)}
		want := tt.want
		if i := len("the kernel left 1 record of a panic or an oops in "); want != "" {
			if len(tt.names) > 1 {
				i++
			}
			want = want[:i] + p.Store + want[i+3:]
		}
		if got := p.panics(); got != want {
			t.Errorf("%v:\n got %s\nwant %s", tt.names, got, want)
		}
	}
	for _, none := range []string{"", filepath.Join(t.TempDir(), "none")} {
		if p := (Pmsg{Store: none}); p.panics() != "" || p.Read() != nil {
			t.Errorf("%q: something is there", none)
		}
	}
}

func TestLost(t *testing.T) {
	n := func(numbers ...int) (list []Entry) {
		for _, i := range numbers {
			list = append(list, numbered(i))
		}
		return list
	}
	tests := []struct {
		name                  string
		entries, others, want []Entry
	}{
		{"nothing", nil, nil, nil},
		{"no memory", n(1, 2), nil, nil},
		{"no file", nil, n(1, 2), n(1, 2)},
		{"all are there", n(1, 2, 3), n(2, 3), nil},
		{"the file is ahead", n(1, 2, 3), n(1, 2), nil},
		{"the disk was full", n(1, 2), n(2, 3, 4), n(3, 4)},
		{"another disk", n(1, 2), n(7, 8), n(7, 8)},
	}
	for _, tt := range tests {
		got := Lost(tt.entries, tt.others)
		if len(got) != len(tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
			continue
		}
		for i := range got {
			if got[i] != tt.want[i] {
				t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
			}
		}
	}
}

// However long a row of boots and ends gets, what is carried on in the memory is short
// and says how many boots failed.
func TestWorthKeeping(t *testing.T) {
	var all []Entry
	for boot := uint32(1); boot <= 30; boot++ {
		all = append(all, Entry{Kind: Boot, Boot: boot})
		for i := 0; i < 50; i++ {
			all = append(all, Entry{Kind: End, Boot: boot, PID: i})
		}
		all = worthKeeping(all)
		if n, _ := Failed(all, 0); len(all) > 24 || n != min(int(boot), 20) || all[len(all)-1].PID != 49 {
			t.Fatalf("after boot %d: %d entries, %d failed", boot, len(all), n)
		}
	}
}
