package watch

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/logfmt"
)

// The states of a node that no record tells: what the lab knows without it.
const (
	Off  health.State = "off"  // there is no machine
	Dead health.State = "dead" // there is one, and it has been silent too long
)

// A machine without a record yet, or on its way down, is given this long.
const (
	bootPatience = 90 * time.Second
	stopPatience = 30 * time.Second
)

// View is what is known of a node from its serial console. Only a record with the
// right checksum changes the state; any other line is text.
type View struct {
	Interval time.Duration // of the records
	Key      health.Key    // only records that are signed with it count; nil: all
	Event    string        // the last line that says something

	running bool      // there is a machine
	since   time.Time // when the machine was started or reset
	rec     health.Record
	have    bool          // rec is of this boot of the machine
	at      time.Time     // when rec came
	aside   health.Record // the last that was passed over
	past    []uint32      // boots that are over, the last maxPast of them
	lost    int           // records that never came, by the gaps in their numbers
	jumps   int           // numbers that no gap explains
	garbled int           // lines that were records once
}

// Powered begins a new life of the machine, or ends one. What a record said before
// does not hold any more; one that is still on its way through the socket is known
// by its boot number and passed over.
func (v *View) Powered(on bool, now time.Time) {
	v.running, v.since = on, now
	v.have = false
}

// JustPowered says that the machine was started or reset within the last second, and has
// said nothing since.
func (v *View) JustPowered(now time.Time) bool {
	return !v.have && now.Sub(v.since) < time.Second
}

// Last gives the last record of this boot, and whether there is one.
func (v *View) Last() (health.Record, bool) { return v.rec, v.have }

// Line takes one line of the console. It gives the record in it, if there is one,
// and whether the line is an event, for people to read.
func (v *View) Line(text []byte, now time.Time) (isRecord, isEvent bool) {
	rec, ok := v.Key.Find(text)
	if ok {
		jumps := v.jumps
		return v.record(rec, now), v.jumps > jumps
	}
	if looksLikeRecord(text) {
		v.garbled++
		return false, false
	}
	event, ok := eventOf(text)
	if ok {
		v.Event = event
	}
	return false, ok
}

// A gap in the numbers of more than maxGap records is no gap but a jump: a day of
// records, at the usual interval, that a console lost. maxPast is how many boots of a
// node are remembered.
const (
	maxGap  = 8640
	maxPast = 64
)

// record takes a record that is whole. One that is not newer than the last is no
// news: it tells of a boot that is over, or was repeated by the console. But no record
// can make all that follow old, whatever number it has: two in a row that go on from each
// other are believed.
func (v *View) record(rec health.Record, now time.Time) bool {
	if v.old(rec) {
		goesOn := rec.Boot == v.aside.Boot && rec.Seq == v.aside.Seq+1 && rec.Up >= v.aside.Up
		v.aside = rec
		if !goesOn || !v.have || v.Key != nil {
			return false
		}
	}
	before := int64(v.rec.Seq)
	if rec.Boot != v.rec.Boot {
		if before > 0 {
			v.past = append(v.past, v.rec.Boot)
			v.past = v.past[max(len(v.past)-maxPast, 0):]
		}
		before = 0
	}
	switch gap := int64(rec.Seq) - before - 1; {
	case gap < 0 || gap > maxGap:
		v.jumps++
		v.Event = "lab: the numbers of its records jump from " + strconv.FormatInt(before, 10) + " to " + strconv.FormatUint(uint64(rec.Seq), 10)
	default:
		v.lost += int(gap)
	}
	v.rec, v.have, v.at, v.aside = rec, true, now, health.Record{}
	return true
}

// old says that a record is none that could be the next. With a key also one of a boot
// that was over before is old: who cannot sign can still repeat.
func (v *View) old(rec health.Record) bool {
	if rec.Boot == v.rec.Boot {
		return !v.have && v.rec.Seq > 0 || rec.Seq <= v.rec.Seq
	}
	return v.Key != nil && slices.Contains(v.past, rec.Boot)
}

// state is the word for the node, as of now.
func (v *View) state(now time.Time) health.State {
	switch {
	case !v.running:
		return Off
	case !v.have && now.Sub(v.since) > bootPatience:
		return Dead
	case !v.have:
		return health.Booting
	}
	patience := 3 * v.Interval
	if v.rec.State == health.Stopping {
		patience = max(patience, stopPatience)
	}
	if now.Sub(v.at) > patience {
		return Dead
	}
	return v.rec.State
}

// looksLikeRecord tells a line that was a record before something happened to it: it
// must be shown to nobody as an event.
func looksLikeRecord(line []byte) bool {
	hits := 0
	for _, part := range []string{"health v=", " boot=", " seq=", " up=", " node=", " state=", " peers=", " crc="} {
		if bytes.Contains(line, []byte(part)) {
			hits++
		}
	}
	return hits >= 2
}

// eventOf gives what a console line says to people: a line of beaminit that is no
// record, or one of the release. The kernel's own are no events.
func eventOf(line []byte) (string, bool) {
	text := Clean(string(health.Message(line)))
	if said, ok := strings.CutPrefix(text, "release: "); ok {
		if strings.HasPrefix(said, health.Speaker) || strings.HasPrefix(said, "lab: ") {
			return text, true // it stays seen who says so
		}
		return said, said != ""
	}
	return text, strings.HasPrefix(text, health.Speaker)
}

// Clean gives a line for people: without what a terminal would act on. The commands of a
// terminal are taken out whole; for all else see logfmt.Printable.
func Clean(s string) string {
	s = strings.TrimRight(ansi.Strip(strings.ToValidUTF8(s, "?")), "\r\n")
	return strings.TrimRight(logfmt.Printable(s), " ")
}
