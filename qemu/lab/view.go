package lab

import (
	"bytes"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/beaminit/beaminit/health"
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

// view is what is known of a node from its serial console. Only a record with the
// right checksum changes the state; any other line is text.
type view struct {
	interval time.Duration // of the records
	running  bool          // there is a machine
	since    time.Time     // when the machine was started or reset
	rec      health.Record
	have     bool      // rec is of this boot of the machine
	at       time.Time // when rec came
	lost     int       // records that never came, by the gaps in their numbers
	garbled  int       // lines that were records once
	event    string    // the last line that says something
}

// powered begins a new life of the machine, or ends one. What a record said before
// does not hold any more; one that is still on its way through the socket is known
// by its boot number and passed over.
func (v *view) powered(on bool, now time.Time) {
	v.running, v.since = on, now
	v.have = false
}

// line takes one line of the console. It gives the record in it, if there is one,
// and whether the line is an event, for people to read.
func (v *view) line(text []byte, now time.Time) (isRecord, isEvent bool) {
	rec, ok := health.Find(text)
	if ok {
		return v.record(rec, now), false
	}
	if looksLikeRecord(text) {
		v.garbled++
		return false, false
	}
	event, ok := eventOf(text)
	if ok {
		v.event = event
	}
	return false, ok
}

// record takes a record that is whole. One that is not newer than the last is no
// news: it tells of a boot that is over, or was repeated by the console.
func (v *view) record(rec health.Record, now time.Time) bool {
	before := v.rec.Seq
	switch {
	case rec.Boot != v.rec.Boot:
		before = 0
	case !v.have && v.rec.Seq > 0, rec.Seq <= v.rec.Seq:
		return false
	}
	if gap := int(rec.Seq) - int(before) - 1; gap > 0 {
		v.lost += gap
	}
	v.rec, v.have, v.at = rec, true, now
	return true
}

// state is the word for the node, as of now.
func (v *view) state(now time.Time) health.State {
	switch {
	case !v.running:
		return Off
	case !v.have && now.Sub(v.since) > bootPatience:
		return Dead
	case !v.have:
		return health.Booting
	}
	patience := 3 * v.interval
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
	text := Clean(string(line))
	if rest, ok := strings.CutPrefix(text, "["); ok { // the stamp of printk: [    1.234567]
		stamp, after, ok := strings.Cut(rest, "] ")
		if ok && strings.Trim(stamp, " .0123456789T") == "" {
			text = after
		}
	}
	if said, ok := strings.CutPrefix(text, "release: "); ok {
		return said, said != ""
	}
	return text, strings.HasPrefix(text, "beaminit: ")
}

// Clean takes out of a line what a terminal would act on.
func Clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == '\t' {
			return ' '
		}
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == '\ufffd' {
			return -1
		}
		return r
	}, ansi.Strip(strings.ToValidUTF8(s, "")))
	return strings.TrimRight(s, " ")
}
