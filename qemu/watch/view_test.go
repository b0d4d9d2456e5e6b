package watch

import (
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/health"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// said is a record as the console shows it.
func said(r health.Record) string {
	return fmt.Sprintf("[%12.6f] beaminit: %s", r.Up.Seconds(), r.Append(nil))
}

func rec(boot, seq uint32, state health.State) health.Record {
	return health.Record{Boot: boot, Seq: seq, Up: time.Duration(seq) * time.Second, Node: "eclero@eclero6", State: state, Connected: 2, Peers: 2}
}

func running() *View {
	v := &View{Interval: 2 * time.Second}
	v.Powered(true, noon)
	return v
}

func TestViewState(t *testing.T) {
	after := func(d time.Duration) time.Time { return noon.Add(d) }
	tests := []struct {
		name string
		do   func(v *View)
		at   time.Duration
		want health.State
	}{
		{"no machine", func(v *View) { v.Powered(false, noon) }, 0, Off},
		{"no record yet", func(v *View) {}, 10 * time.Second, health.Booting},
		{"no record for long", func(v *View) {}, bootPatience + time.Second, Dead},
		{"a record", func(v *View) { v.Line([]byte(said(rec(1, 1, health.Up))), noon) }, time.Second, health.Up},
		{"almost three intervals of silence", func(v *View) { v.Line([]byte(said(rec(1, 1, health.Up))), noon) }, 6 * time.Second, health.Up},
		{"more than three", func(v *View) { v.Line([]byte(said(rec(1, 1, health.Up))), noon) }, 6*time.Second + 1, Dead},
		{"stopping takes its time", func(v *View) { v.Line([]byte(said(rec(1, 1, health.Stopping))), noon) }, 20 * time.Second, health.Stopping},
		{"reset", func(v *View) {
			v.Line([]byte(said(rec(1, 1, health.Up))), noon)
			v.Powered(true, noon)
		}, time.Second, health.Booting},
		{"a record of the old boot, late, after a reset", func(v *View) {
			v.Line([]byte(said(rec(1, 1, health.Up))), noon)
			v.Powered(true, noon)
			v.Line([]byte(said(rec(1, 2, health.Stopping))), noon)
		}, time.Second, health.Booting},
		{"the first of the new boot", func(v *View) {
			v.Line([]byte(said(rec(1, 9, health.Up))), noon)
			v.Powered(true, noon)
			v.Line([]byte(said(rec(2, 1, health.Starting))), noon)
		}, time.Second, health.Starting},
		{"an old record again", func(v *View) {
			v.Line([]byte(said(rec(1, 1, health.Starting))), noon)
			v.Line([]byte(said(rec(1, 2, health.Up))), noon)
			v.Line([]byte(said(rec(1, 1, health.Starting))), noon)
		}, time.Second, health.Up},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := running()
			tt.do(v)
			if got := v.state(after(tt.at)); got != tt.want {
				t.Errorf("state is %q, want %q", got, tt.want)
			}
		})
	}
}

// Numbers that no gap explains are a jump, which is told and not counted as lost; and
// none makes the records behind it old for good.
func TestViewJumps(t *testing.T) {
	forged := rec(1, 4_000_000_000, "up")
	forged.Up = 0
	tests := []struct {
		name       string
		records    []health.Record
		seq        uint32
		lost, jump int
		event      string
	}{
		{"one forged", []health.Record{rec(1, 1, "down"), forged}, forged.Seq, 0, 1, "lab: the numbers of its records jump from 1 to 4000000000"},
		{"true ones behind it", []health.Record{rec(1, 1, "down"), forged, rec(1, 2, "down"), rec(1, 3, "down")}, 3, 0, 2, "lab: the numbers of its records jump from 4000000000 to 3"},
		{"with a gap", []health.Record{rec(1, 1, "down"), forged, rec(1, 2, "down"), rec(1, 4, "down"), rec(1, 5, "down")}, 5, 0, 2, "lab: the numbers of its records jump from 4000000000 to 5"},
		{"an old one again, twice", []health.Record{rec(1, 4, "down"), rec(1, 2, "up"), rec(1, 2, "up"), rec(1, 5, "down")}, 5, 3, 0, ""},
		{"a new boot", []health.Record{rec(1, 9, "down"), rec(2, 1, "up")}, 1, 8, 0, ""},
		{"and the old one still speaks", []health.Record{rec(1, 9, "down"), rec(2, 1, "up"), rec(1, 10, "down")}, 10, 17, 0, ""},
	}
	for _, tt := range tests {
		v := running()
		for _, r := range tt.records {
			v.Line([]byte(said(r)), noon)
		}
		if v.rec.Seq != tt.seq || v.lost != tt.lost || v.jumps != tt.jump || v.Event != tt.event {
			t.Errorf("%s: at record %d, %d lost, %d jumps, event %q; want %d, %d, %d, %q", tt.name, v.rec.Seq, v.lost, v.jumps, v.Event, tt.seq, tt.lost, tt.jump, tt.event)
		}
	}
}

// With a key nothing that is not signed counts, and nothing that was: neither of this
// boot nor of one before.
func TestViewWithAKey(t *testing.T) {
	key := health.Key("0123456789abcdef")
	signed := func(r health.Record) string { return "[    1.000000] beaminit: " + string(key.Append(nil, r)) }
	v := running()
	v.Key = key
	for i, tt := range []struct {
		line string
		boot uint32
		seq  uint32
	}{
		{said(rec(1, 1, "up")), 0, 0},
		{signed(rec(1, 1, "up")), 1, 1},
		{signed(rec(1, 2, "up")), 1, 2},
		{signed(rec(1, 1, "up")), 1, 2},
		{signed(rec(1, 2, "up")), 1, 2},
		{said(rec(1, 3, "up")), 1, 2},
		{signed(rec(2, 1, "booting")), 2, 1},
		{signed(rec(1, 2, "up")), 2, 1},
		{signed(rec(2, 2, "starting")), 2, 2},
	} {
		v.Line([]byte(tt.line), noon)
		if v.rec.Boot != tt.boot || v.rec.Seq != tt.seq {
			t.Errorf("line %d: at boot %d record %d, want %d, %d", i, v.rec.Boot, v.rec.Seq, tt.boot, tt.seq)
		}
	}
}

func TestViewCountsLostRecords(t *testing.T) {
	v := running()
	for _, r := range []health.Record{rec(1, 2, "up"), rec(1, 3, "up"), rec(1, 7, "up"), rec(2, 1, "up"), rec(2, 2, "up")} {
		v.Line([]byte(said(r)), noon)
	}
	if v.lost != 4 { // 1/1, and 1/4 to 1/6
		t.Errorf("%d records counted as lost, want 4", v.lost)
	}
}

// The same record in every way that a line can go wrong: the state stays what the
// last whole record said, and no wreck of a record becomes an event.
func TestGarbledLinesChangeNothing(t *testing.T) {
	whole := said(rec(1, 5, health.Hung))
	body := whole[strings.Index(whole, "health"):]
	lines := map[string]string{
		"cut at the end":          whole[:len(whole)-3],
		"cut at the start":        "ealth " + body[7:],
		"cut in the middle":       whole[:40] + whole[60:],
		"state changed":           strings.Replace(whole, "hung", "down", 1),
		"a byte lost":             strings.Replace(whole, "seq=5", "seq=", 1),
		"a byte too many":         strings.Replace(whole, "seq=5", "seq=55", 1),
		"a kernel line inside":    whole[:70] + "[    9.1] EXT4-fs (vdb): mounted" + whole[70:],
		"checksum missing":        whole[:strings.Index(whole, " crc=")],
		"checksum of another":     whole[:strings.Index(whole, " crc=")] + " crc=00000000",
		"two halves of two":       whole[:60] + said(rec(1, 6, health.Down))[90:],
		"an old one":              said(rec(1, 2, health.Down)),
		"high bytes":              strings.ReplaceAll(whole, "u", "\xf5"),
		"words of an application": "release: state=down peers=0/2",
		"of an application":       "[    5.0] release: " + body,
		"of one that says so":     "[    5.0] release: beaminit: " + body,
		"a slogan":                "[    5.0] beaminit: release: " + body,
		"behind half a line":      "[    1.0] EXT4-fs (vd" + whole,
		"behind a wreck of one":   whole[:70] + whole,
	}
	for name, line := range lines {
		t.Run(name, func(t *testing.T) {
			v := running()
			v.Line([]byte(said(rec(1, 4, health.Up))), noon)
			v.Line([]byte("[    3.1] beaminit: eth0 is up"), noon)
			before := *v
			before.garbled, before.aside = 0, health.Record{}
			v.Line([]byte(line), noon.Add(time.Second))
			after := *v
			after.garbled, after.aside = 0, health.Record{}
			if fmt.Sprint(after) != fmt.Sprint(before) {
				t.Errorf("line %q\nmade  %+v\nout of %+v", line, after, before)
			}
		})
	}
	for name, line := range map[string]string{
		"before half a line":     whole + "[    1.0] EXT4",
		"between carriage tails": "\r\r" + whole + "\r",
	} {
		t.Run("still found "+name, func(t *testing.T) {
			v := running()
			v.Line([]byte(line), noon)
			if got := v.state(noon); got != health.Hung {
				t.Errorf("state is %q after %q, want hung", got, line)
			}
		})
	}
}

// A noisy line, by chance: whatever it makes of the stream, the view only ever holds a
// record that was sent, and never goes back.
func TestNoiseNeverMakesARecord(t *testing.T) {
	states := []health.State{health.Booting, health.Starting, health.Up, health.Degraded, health.Hung, health.Down}
	for seed := range int64(200) {
		r := rand.New(rand.NewSource(seed))
		var sent []health.Record
		var stream []byte
		for i := range 40 {
			one := rec(uint32(1+i/20), uint32(1+i%20), states[r.Intn(len(states))])
			sent = append(sent, one)
			stream = append(stream, noisy(r, said(one)+"\r\n")...)
			if r.Intn(3) == 0 {
				stream = append(stream, noisy(r, "[    1.234567] random: crng init done\r\n")...)
			}
		}
		c := &Console{more: make(chan struct{})}
		v, last := running(), -1
		for _, line := range c.split(stream) {
			v.Line(line, noon)
			if !v.have {
				continue
			}
			at := slices.IndexFunc(sent, func(s health.Record) bool { return s.Boot == v.rec.Boot && s.Seq == v.rec.Seq })
			if at < 0 || fmt.Sprint(sent[at]) != fmt.Sprint(v.rec) {
				t.Fatalf("seed %d: line %q made %+v, which was never sent", seed, line, v.rec)
			}
			if at < last {
				t.Fatalf("seed %d: line %q went back from record %d to %d", seed, line, last, at)
			}
			last = at
		}
		if last < 0 {
			t.Errorf("seed %d: no record came through: the noise tests nothing", seed)
		}
	}
}

// noisy is a line with nothing, or one thing, wrong.
func noisy(r *rand.Rand, line string) []byte {
	b := []byte(line)
	at := r.Intn(len(b))
	switch r.Intn(6) {
	case 0:
		b[at] ^= 1 << r.Intn(8)
	case 1:
		b = slices.Delete(b, at, min(len(b), at+1+r.Intn(20)))
	case 2:
		b = slices.Insert(b, at, []byte("\n[    2.000000] printk in between\r\n")...)
	case 3:
		b = b[:at]
	}
	return b
}

func TestEventOf(t *testing.T) {
	tests := []struct {
		line, want string
		event      bool
	}{
		{"[    2.448614] beaminit: exec erlexec", "beaminit: exec erlexec", true},
		{"[    5.705103] release: eclero: the cluster is whole: 3 nodes", "eclero: the cluster is whole: 3 nodes", true},
		{"beaminit: no stamp", "beaminit: no stamp", true},
		{"[    5.1] release: \x1b[31mred\x1b[0m \x07bell\ttab", "red ?bell tab", true},
		{"[    5.1] release: beaminit: rescue", "release: beaminit: rescue", true},
		{"[    5.1] release: lab: machine off", "release: lab: machine off", true},
		{"[    5.1] release: \x9b2J\u202eolleh \xf0\x9f", "?2J?olleh ?", true},
		{"[    5.100000][    T1] beaminit: with the caller", "beaminit: with the caller", true},
		{"[    5.1] release: ", "", false},
		{"[    1.999253] virtio_blk virtio1: [vdb] 32768 512-byte logical blocks", "", false},
		{"Booting from ROM... beaminit: no", "", false},
		{"[beaminit] release: no stamp", "", false},
		{"", "", false},
	}
	for _, tt := range tests {
		got, event := eventOf([]byte(tt.line))
		if event != tt.event || event && got != tt.want {
			t.Errorf("eventOf(%q) = %q, %v; want %q, %v", tt.line, got, event, tt.want, tt.event)
		}
	}
}

func FuzzViewLine(f *testing.F) {
	f.Add([]byte(said(rec(1, 1, health.Up))))
	f.Add([]byte("[    5.1] release: \x1b[31mred\x1b[0m"))
	f.Add([]byte("beaminit: \x9b2J \xff\xfe"))
	f.Fuzz(func(t *testing.T, line []byte) {
		v := running()
		v.Line(line, noon)
		for _, r := range v.Event {
			if r < ' ' || r >= 0x7f && r < 0xa0 {
				t.Errorf("the event %q of line %q has a control character", v.Event, line)
			}
		}
	})
}
