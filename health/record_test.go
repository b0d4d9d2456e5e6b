package health

import (
	"math/rand"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// full has every field set, as no real record has.
var full = Record{
	Boot: 0x3f2a91c0, Seq: 42, Up: 12345 * time.Millisecond, Node: "eclero@eclero6",
	State: Degraded, PID: 87, Restarts: 3, Connected: 1, Peers: 2, Missing: []Missing{{"eclero8", "refused"}},
	Probe: 4 * time.Millisecond, Mem: 54 << 20, Why: "killed by signal 9 (SIGKILL)", Next: 200 * time.Millisecond, Clock: "rtc",
	Warn: []string{"clock", "data"}, Net: []string{"eth0:no-carrier"}, Cut: []string{"eclero8"}, Healed: []string{"eclero10"}, Brake: []Brake{{"eclero12", 32 * time.Second}, {"+2", 0}},
	Slot: "A", Trial: true, Discovery: "open", Version: "v1.0.0-9-gabcdef0",
	Phases: []Phase{{"kernel", 1210 * time.Millisecond}, {"mounts", 1220 * time.Millisecond}},
}

func TestAppend(t *testing.T) {
	tests := []struct {
		name string
		rec  Record
		want string
	}{
		{"full", full, `health v=1 boot=3f2a91c0 seq=42 up=12.345 node=eclero@eclero6 state=degraded pid=87 restarts=3 peers=1/2 missing=eclero8:refused probe=4ms mem=54M why="killed by signal 9 (SIGKILL)" next=200ms warn=clock,data net=eth0:no-carrier cut=eclero8 healed=eclero10 brake=eclero12:32s,+2 slot=A trial=1 discovery=open clock=rtc version=v1.0.0-9-gabcdef0 phases=kernel:1.210,mounts:1.220 crc=`},
		{"bare", Record{State: Booting}, `health v=1 boot=00000000 seq=0 up=0.000 node="" state=booting restarts=0 peers=0/0 crc=`},
		{"membership unknown", Record{State: Up, Node: "a@b", Connected: -1, Peers: 2}, `health v=1 boot=00000000 seq=0 up=0.000 node=a@b state=up restarts=0 peers=?/2 crc=`},
		{"hostile text", Record{State: Down, Node: "a@b", Why: "x\n\"y\" crc=00000000 \x1b[2J\xff"}, `health v=1 boot=00000000 seq=0 up=0.000 node=a@b state=down restarts=0 peers=0/0 why="x?'y' crc:00000000 ?[2J?" crc=`},
	}
	for _, tt := range tests {
		got := string(tt.rec.Append(nil))
		if len(got) < 8 || got[:len(got)-8] != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, got, tt.want)
		}
		if _, ok := Decode([]byte(got)); !ok {
			t.Errorf("%s: own record not found", tt.name)
		}
	}
}

func TestAppendStaysShort(t *testing.T) {
	r := full
	r.Clock, r.Version = strings.Repeat("c", 100), strings.Repeat("v", 500)
	r.Node, r.Why = strings.Repeat("n", 500), strings.Repeat("w", 5000)
	for i := 0; i < 256; i++ {
		r.Missing = append(r.Missing, Missing{Name: strings.Repeat("p", 60)})
		r.Phases = append(r.Phases, Phase{"phase", time.Hour})
	}
	line := r.Append(nil)
	if len(line) > MaxRecord {
		t.Errorf("%d bytes, want at most %d", len(line), MaxRecord)
	}
	got, ok := Decode(line)
	if !ok || !strings.HasPrefix(got.Missing[len(got.Missing)-1].Name, "+") {
		t.Errorf("cut record: ok=%v missing=%v", ok, got.Missing)
	}
	// With a field more each time, those that matter least are left out, in one order, and named.
	r.Why, r.Missing = strings.Repeat("w", 200), r.Missing[:3]
	var omitted []string
	for n := range 12 {
		for _, list := range []*[]string{&r.Warn, &r.Net, &r.Cut, &r.Healed} {
			*list = append(*list, strings.Repeat("x", n)+strconv.Itoa(n))
		}
		line := r.Append(nil)
		got, ok := Decode(line)
		if !ok || len(line) > MaxRecord || len(got.Omitted) < len(omitted) || strings.Join(got.Omitted, ",") != strings.Join(omissible[:len(got.Omitted)], ",") {
			t.Fatalf("%d words: %v, %d bytes, omitted %v: %s", n, ok, len(line), got.Omitted, line)
		}
		omitted = got.Omitted
		if slices.Contains(omitted, "version") != (got.Version == "") || slices.Contains(omitted, "phases") != (got.Phases == nil) || slices.Contains(omitted, "healed") != (got.Healed == nil) {
			t.Errorf("omitted %v, but: %s", omitted, line)
		}
	}
	if len(omitted) < 3 {
		t.Errorf("only %v were omitted, the test tests nothing", omitted)
	}
}

func TestRoundTrip(t *testing.T) {
	line := full.Append(nil)
	got, ok := Decode(line)
	if !ok || !reflect.DeepEqual(got, full) {
		t.Errorf("got %+v %v\nwant %+v", got, ok, full)
	}
}

// Each of the fields that must be there, once, in its order, and a value that can be: or
// it is no record, whatever its checksum says.
func TestParseIsStrict(t *testing.T) {
	const good = `health v=1 boot=3f2a91c0 seq=42 up=12.345 node=a@b state=up restarts=0 peers=2/2`
	tests := []struct{ text, want string }{
		{good, ""},
		{good + ` later="a word" other=7`, ""},
		{strings.Replace(good, " seq=42", " pid=1 seq=42", 1), "no seq"},
		{strings.Replace(good, " seq=42", "", 1), "no seq"},
		{strings.Replace(good, " boot=3f2a91c0", "", 1), "no boot"},
		{strings.Replace(good, " peers=2/2", "", 1), "no peers"},
		{strings.Replace(good, " node=a@b", "", 1), "no node"},
		{Prefix + "state=up", "no boot"},
		{good + " state=up", "state stands twice, or too late"},
		{good + " peers=2/2", "peers stands twice, or too late"},
		{good + " clock=rtc why=x", "why stands twice, or too late"},
		{good + ` why="x"y`, `"why" is no name with a value`},
		{good + ` why="x`, `"why" is no name with a value`},
		{good + ` why=x"`, `"why" is no name with a value`},
		{good + ` why=`, `"why" is no name with a value`},
		{good + " ", `"peers" is no name with a value`},
		{good + "  why=x", `" why" is no name with a value`},
		{good + " Why=x", `"Why" is no name with a value`},
		{good + " trial=0", "trial=0: want 1"},
		{good + " probe=4s", "probe=4s: want milliseconds"},
		{strings.Replace(good, "state=up", "state=fine", 1), "state=fine: no such state"},
	}
	for _, tt := range tests {
		got := ""
		if _, err := Parse(tt.text); err != nil {
			got = strings.TrimPrefix(err.Error(), "health record: ")
		}
		if got != tt.want {
			t.Errorf("%s:\n got %q\nwant %q", tt.text, got, tt.want)
		}
	}
}

func TestFind(t *testing.T) {
	rec := string(full.Append(nil))
	said := Speaker + rec
	tests := []struct {
		name, line string
		want       bool
	}{
		{"on a tty", said, true},
		{"printk stamp", "[   12.345678] " + said + "\r", true},
		{"stamp and caller", "[   12.345678][    T1] " + said, true},
		{"stamp and processor", "[   12.345678][   C12] " + said, true},
		{"stamp and level", "<29>[   12.345678] " + said, true},
		{"carriage returns", "\r\r[   12.345678] " + said + "\r", true},
		{"of /dev/kmsg", "29,4711,12345678,-;" + said + "\n SUBSYSTEM=none\n", true},
		{"of /dev/kmsg, with caller", "29,4711,12345678,-,caller=T1;" + said, true},
		{"text behind it", said + "[   12.4] eth0: link up", true},
		{"two", said + said, true},
		{"the bare record", rec, false},
		{"of a release", "[   12.345678] release: " + rec, false},
		{"of a release that says beaminit", "[   12.345678] release: " + said, false},
		{"behind another word of PID 1", "[   12.345678] beaminit: release: slogan: " + rec, false},
		{"of another program", "[   12.345678] usb 1-1: Product: " + said, false},
		{"of another program with a stamp", "[   12.345678] usb 1-1: Product: [    1.0] " + said, false},
		{"behind a stamp that is none", "[   12.345678 up] " + said, false},
		{"behind the half of another line", "[   12.3] EXT4-fs (vd[   12.345678] " + said, false},
		{"behind a cut one", "beaminit: " + rec[:40] + "[ 1.0] beaminit: " + rec, false},
		{"cut", said[:len(said)-1], false},
		{"printk in the middle", said[:60] + "[   12.4] eth0: link up" + said[60:], false},
		{"empty", "", false},
		{"prefix alone", Speaker + Prefix, false},
	}
	for _, tt := range tests {
		got, ok := Find([]byte(tt.line))
		if ok != tt.want || ok && !reflect.DeepEqual(got, full) {
			t.Errorf("%s: got %v %+v, want %v", tt.name, ok, got, tt.want)
		}
	}
}

// A serial line that flips bits or loses bytes must not make another record.
func TestFindGarbled(t *testing.T) {
	rec := full.Append([]byte(Speaker))
	rng := rand.New(rand.NewSource(1))
	for i := 0; i < 20000; i++ {
		line := append([]byte(nil), rec...)
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
		if got, ok := Find(line); ok && !reflect.DeepEqual(got, full) {
			t.Fatalf("a garbled line became a record: %q -> %+v", line, got)
		}
	}
}

func FuzzFind(f *testing.F) {
	f.Add(full.Append([]byte(Speaker)))
	f.Add([]byte("[ 1.2] beaminit: health v=1 boot=1 crc=00000000"))
	f.Fuzz(func(t *testing.T, line []byte) {
		r, ok := Find(line)
		if !ok {
			return
		}
		again, ok := Decode(r.Append(nil))
		if !ok || again.State != r.State || again.Peers != r.Peers {
			t.Errorf("%+v does not survive: %+v", r, again)
		}
	})
}

func FuzzParse(f *testing.F) {
	text := string(full.Append(nil))
	f.Add(text[:len(text)-len(" crc=00000000")])
	f.Fuzz(func(t *testing.T, text string) { Parse(text) })
}
