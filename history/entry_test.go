package history

import (
	"math/rand"
	"reflect"
	"strings"
	"testing"
	"time"
)

// full has every word, as no real entry has.
var full = Entry{
	Kind: End, Boot: 0x3f2a91c0, At: 1795256472, Up: 273123123 * time.Millisecond, PID: 87, Ran: 61500 * time.Millisecond,
	Restarts: 3, Asked: true, Why: "killed by signal 9 (SIGKILL), OOM killer", Slogan: "eheap_alloc: Cannot allocate 1 bytes of memory",
	Dump: "/data/beaminit/dumps/1", Tail: "one\ntwo\n",
}

func TestAppend(t *testing.T) {
	tests := []struct {
		name string
		e    Entry
		want string
	}{
		{"full", full, `history v=1 kind=end boot=3f2a91c0 at=1795256472 up=273123.123 pid=87 ran=61.500 restarts=3 asked=yes ` +
			`why="killed by signal 9 (SIGKILL), OOM killer" slogan="eheap_alloc: Cannot allocate 1 bytes of memory" dump=/data/beaminit/dumps/1 tail="one | two" crc=`},
		{"bare", Entry{Kind: Boot}, `history v=1 kind=boot boot=00000000 at=0 up=0.000 crc=`},
		{"before 1970", Entry{Kind: Boot, At: -5, Up: -5}, `history v=1 kind=boot boot=00000000 at=0 up=0.000 crc=`},
		{"hostile", Entry{Kind: Note, Why: "x\n\"y\" crc=00000000 \x1b[2J\xff", Tail: "\nhistory v=1 kind=up\n\n"},
			`history v=1 kind=note boot=00000000 at=0 up=0.000 why="x?'y' crc:00000000 ?[2J?" tail=" | history v:1 kind=up" crc=`},
	}
	for _, tt := range tests {
		got := string(tt.e.Append(nil))
		if got[:len(got)-8] != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, got, tt.want)
		}
		if n := len(Parse([]byte(got))); n != 1 {
			t.Errorf("%s: %d entries in its own text", tt.name, n)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	want := full
	want.Tail = "one | two"
	if got := Parse(full.Append(nil)); len(got) != 1 || got[0] != want {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestAppendStaysShort(t *testing.T) {
	long := strings.Repeat("x y\n", 1000) + "the end\n"
	e := full
	e.PID, e.Restarts, e.At, e.Up, e.Ran = 1<<31-1, 1<<31-1, 1<<40, 1<<32*time.Second-1, 1<<32*time.Second-1
	e.Why, e.Slogan, e.Dump, e.Tail = long, long, long, long
	line := e.Append(nil)
	got := Parse(line)
	if len(line) > maxEntry || len(got) != 1 {
		t.Fatalf("%d bytes, %d entries: %s", len(line), len(got), line)
	}
	if tail := got[0].Tail; !strings.HasPrefix(tail, "~") || !strings.HasSuffix(tail, "| the end") || len(tail) != maxTail {
		t.Errorf("tail %q", tail)
	}
}

// Whatever is in between and wherever it was cut, the entries that are whole are found.
func TestParse(t *testing.T) {
	a, b := string(Entry{Kind: Boot, Boot: 1}.Append(nil)), string(Entry{Kind: Up, Boot: 1}.Append(nil))
	tests := []struct {
		name, text, want string
	}{
		{"nothing", "", ""},
		{"two", a + "\n" + b + "\n", "boot up"},
		{"the last is torn", a + "\n" + b[:len(b)-1], "boot"},
		{"the first is torn", a[:20] + "\n" + b + "\n", "up"},
		{"joined", a + b, "boot up"},
		{"torn and joined", a[:20] + b, "up"},
		{"zeros", a + "\n" + strings.Repeat("\x00", 512) + b, "boot up"},
		{"a later kind", string(Entry{Kind: "holiday"}.Append(nil)), "holiday"},
		{"no kind", string(Entry{}.Append(nil)), ""},
	}
	for _, tt := range tests {
		var got []string
		for _, e := range Parse([]byte(tt.text)) {
			got = append(got, string(e.Kind))
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// What flipped or lost some bits is no other entry.
func TestParseGarbled(t *testing.T) {
	want := Parse(full.Append(nil))[0]
	rng := rand.New(rand.NewSource(1))
	for i := 0; i < 20000; i++ {
		line := full.Append(nil)
		for n := 1 + rng.Intn(3); n > 0; n-- {
			switch at := rng.Intn(len(line)); rng.Intn(3) {
			case 0:
				line[at] ^= 1 << rng.Intn(8)
			case 1:
				line = append(line[:at], line[at+1:]...)
			case 2:
				line[at] = byte(rng.Intn(256))
			}
		}
		if got := Parse(line); len(got) > 1 || len(got) == 1 && got[0] != want {
			t.Fatalf("a garbled line became an entry: %q -> %+v", line, got)
		}
	}
}

func TestFailed(t *testing.T) {
	const present = 9
	b := func(boot uint32, kinds ...Kind) (list []Entry) {
		for _, k := range kinds {
			list = append(list, Entry{Kind: k, Boot: boot})
		}
		return list
	}
	off := []Entry{{Kind: Boot, Boot: 6}, {Kind: Down, Boot: 6, Why: "poweroff: exit status 0"}}
	asked := []Entry{{Kind: Boot, Boot: 5}, {Kind: Down, Boot: 5, Asked: true}}
	tests := []struct {
		name  string
		boots [][]Entry
		want  int
	}{
		{"none", nil, 0},
		{"the present one alone", [][]Entry{b(present, Boot)}, 0},
		{"the last was up", [][]Entry{b(1, Boot), b(2, Boot, Up, End, Down)}, 0},
		{"up, and cut off", [][]Entry{b(1, Boot), b(2, Boot, Up)}, 0},
		{"two", [][]Entry{b(1, Boot, Up), b(2, Boot, End, End, Down), b(3, Boot)}, 2},
		{"from the first on", [][]Entry{b(1, Boot), b(2, Boot), b(3, Boot)}, 3},
		{"the present one is not counted", [][]Entry{b(1, Boot), b(2, Boot), b(present, Boot, End)}, 2},
		{"nor does its up end the row", [][]Entry{b(1, Boot), b(2, Boot), b(present, Boot, Up)}, 2},
		{"powered off", [][]Entry{b(1, Boot), off, b(3, Boot)}, 2},
		{"stayed in rescue", [][]Entry{b(1, Boot), b(2, Boot, End, Rescue, Down), b(3, Boot)}, 1},
		{"fell back", [][]Entry{b(1, Boot), b(2, Boot, End, Fallback, Down), b(3, Boot), b(4, Boot)}, 2},
		{"told to go down", [][]Entry{b(1, Boot), asked, b(3, Boot)}, 2},
	}
	for _, tt := range tests {
		var all []Entry
		for _, list := range tt.boots {
			all = append(all, list...)
		}
		if got, _ := Failed(all, present); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}

func TestFellBack(t *testing.T) {
	const present = 9
	tests := []struct {
		name  string
		kinds []Kind // each of a boot of its own, after its beginning
		want  bool
	}{
		{"none", nil, false},
		{"the one before", []Kind{Fallback}, true},
		{"with failures since", []Kind{Fallback, End, End}, true},
		{"it came up since", []Kind{Fallback, End, Up, End}, false},
		{"it stayed since", []Kind{Fallback, End, Rescue}, false},
	}
	for _, tt := range tests {
		var all []Entry
		for i, k := range tt.kinds {
			all = append(all, Entry{Kind: Boot, Boot: uint32(i + 1)}, Entry{Kind: k, Boot: uint32(i + 1)})
		}
		all = append(all, Entry{Kind: Boot, Boot: present}, Entry{Kind: Fallback, Boot: present})
		if _, got := Failed(all, present); got != tt.want {
			t.Errorf("%s: got %v", tt.name, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	line := full.Append(nil)
	f.Add(line)
	f.Add(append(line[:100:100], line...))
	f.Add([]byte("history v=1 kind=up boot=1 crc=00000000"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, e := range Parse(b) {
			if again := Parse(e.Append(nil)); len(again) != 1 || again[0].Boot != e.Boot || again[0].Up != e.Up {
				t.Errorf("%+v does not survive: %+v", e, again)
			}
		}
	})
}

// FuzzText: the words of an entry come through whatever they are made of, but for
// those that were never ASCII.
func FuzzText(f *testing.F) {
	f.Add("a reason", "a slogan", "two\nlines")
	f.Fuzz(func(t *testing.T, why, slogan, tail string) {
		e := Entry{Kind: End, Boot: 7, Why: why, Slogan: slogan, Tail: tail}
		first := e.Append(nil)
		if len(first) > maxEntry {
			t.Fatalf("%d bytes: %s", len(first), first)
		}
		got := Parse(first)
		if len(got) != 1 {
			t.Fatalf("%d entries in %s", len(got), first)
		}
		if again := Parse(got[0].Append(nil)); !reflect.DeepEqual(again, got) {
			t.Errorf("%+v\nbecame %+v", got, again)
		}
	})
}
