package history

import (
	"strconv"
	"time"

	"github.com/beaminit/beaminit/internal/logfmt"
)

// shown is how many ends of the release are told after the next start.
const shown = 3

// summarize says, in a few lines for people, how the boot before the present one ended.
// last is the sign of life that it left; it may be of another boot. bad: nobody had asked
// for it.
func summarize(past []Entry, present uint32, last Entry) (lines []string, bad bool) {
	to := len(past)
	for to > 0 && past[to-1].Boot == present {
		to--
	}
	if to == 0 {
		return nil, false
	}
	boot := past[firstOf(past, to-1):to]
	down := downOf(boot)
	bad = down == nil || !down.Asked
	lines = []string{"previous: boot " + hex(boot[0].Boot) + begun(boot) + ending(boot, down, &last) + counted(boot)}
	ends := endsOf(boot)
	for _, e := range ends[max(len(ends)-shown, 0):] {
		lines = append(lines, "previous: the release ended"+moment(e.At)+ended(e)+more(e, "; "))
	}
	if n, _ := Failed(past[:to], present); n > 1 {
		lines = append(lines, "previous: the last "+strconv.Itoa(n)+" boots ended before the release answered")
	}
	return lines, bad
}

// firstOf is where the boot of entries[i] begins.
func firstOf(entries []Entry, i int) int {
	for i > 0 && entries[i-1].Boot == entries[i].Boot {
		i--
	}
	return i
}

// downOf is the entry of a boot's orderly end; nil: it had none.
func downOf(boot []Entry) *Entry {
	for i := len(boot) - 1; i >= 0; i-- {
		if boot[i].Kind == Down {
			return &boot[i]
		}
	}
	return nil
}

// begun is when a boot began, by the clock as it was last seen in it: at the start it
// may have been wrong.
func begun(boot []Entry) string {
	e := &boot[len(boot)-1]
	return moment(e.At - int64(e.Up/time.Second))
}

// ending says how long a boot lasted and why it ended.
func ending(boot []Entry, down, last *Entry) string {
	if down != nil {
		return " up " + length(down.Up) + ": " + down.Why
	}
	e := &boot[len(boot)-1]
	up := e.Up
	if last.Boot == e.Boot {
		up = max(up, last.Up)
	}
	text := " " + uncleanShutdown + " after at least " + length(up)
	for i := range boot {
		if boot[i].Kind == Up {
			return text
		}
	}
	return text + ", and the release never answered"
}

const uncleanShutdown = "ended without a word (power cut, kernel panic, watchdog or a reboot at once)"

// counted says how often things ended that should not have.
func counted(boot []Entry) (text string) {
	falls := 0
	for i := range boot {
		if boot[i].Kind == Fall {
			falls++
		}
	}
	if n := len(endsOf(boot)); n > shown {
		text += "; the release ended " + times(n)
	}
	if falls > 0 {
		text += "; PID 1 fell " + times(falls)
	}
	return text
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return strconv.Itoa(n) + " times"
}

// endsOf are the ends of the release in a boot, but for the one that was asked for.
func endsOf(boot []Entry) (ends []*Entry) {
	for i := range boot {
		if e := &boot[i]; e.Kind == End && !askedFor(e, boot[i+1:]) {
			ends = append(ends, e)
		}
	}
	return ends
}

// askedFor says whether an end of the release was the beginning of a way down that was asked
// for, by what follows it.
func askedFor(end *Entry, next []Entry) bool {
	return end.Why == orderly && len(next) > 0 && next[0].Kind == Down && next[0].Asked
}

// orderly is how a release ends that was asked to.
const orderly = "exit status 0"

// ended says how a run of the release ended.
func ended(e *Entry) string {
	if e.Ran > 0 {
		return " after " + length(e.Ran) + ": " + e.Why
	}
	return ": " + e.Why
}

// more is what an entry has besides a reason, each behind sep.
func more(e *Entry, sep string) (text string) {
	if e.Slogan != "" {
		text += sep + "slogan: " + e.Slogan
	}
	if e.Dump != "" {
		text += sep + "dump: " + e.Dump
	}
	if e.Tail != "" {
		text += sep + "last output: " + e.Tail
	}
	return text
}

// moment is a time in UTC, with a blank before it; empty where it is not known.
func moment(at int64) string {
	if at <= 0 {
		return ""
	}
	return " " + date(at)
}

func date(at int64) string { return time.Unix(at, 0).UTC().Format("2006-01-02 15:04:05") }

// length is a duration in its two largest units: "3d2h", "1m2s", "0.3s".
func length(d time.Duration) string {
	ms := int64(d / time.Millisecond)
	s := ms / 1000
	switch {
	case s < 10:
		return two(s, ".", ms%1000/100, "s")
	case s < 60:
		return strconv.FormatInt(s, 10) + "s"
	case s < 3600:
		return two(s/60, "m", s%60, "s")
	case s < 24*3600:
		return two(s/3600, "h", s/60%60, "m")
	}
	return two(s/(24*3600), "d", s/3600%24, "h")
}

func two(a int64, unit string, b int64, smaller string) string {
	return strconv.FormatInt(a, 10) + unit + strconv.FormatInt(b, 10) + smaller
}

func hex(boot uint32) string { return string(logfmt.AppendHex(nil, boot)) }
