// Package history is the room of what a node remembers of its boots and of the ends of
// its release: the entries, the file that keeps them over power cuts, what is left of
// them in the memory that a restart does not clear (pstore), and how they are told to
// people.
package history

import (
	"time"

	"github.com/beaminit/beaminit/internal/logfmt"
)

// Kind says what an entry is of.
type Kind string

// The kinds, in the order of an ordinary life.
const (
	Boot     Kind = "boot"     // the node began; Why: which beaminit
	Up       Kind = "up"       // the release answered for the first time in this boot
	End      Kind = "end"      // a run of the release ended, or it could not be started
	Fall     Kind = "fall"     // PID 1 panicked, and began anew in place
	Note     Kind = "note"     // anything else
	Confirm  Kind = "confirm"  // the system that was on trial is kept: Why
	Fallback Kind = "fallback" // given up, Why; the fallback command, or the one that gives up a system on trial, is run before a reboot
	Rescue   Kind = "rescue"   // given up, Why: the node stays without a release
	Down     Kind = "down"     // the node goes down in order; Why: which way, and who asked
)

// Entry is one thing to be remembered.
type Entry struct {
	Kind     Kind
	Boot     uint32        // as in the health records
	At       int64         // time of day, in seconds since 1970: as right as the clock was
	Up       time.Duration // CLOCK_BOOTTIME
	PID      int           // of the release; 0: none
	Ran      time.Duration // how long this run of the release lasted
	Restarts int           // of the release in this boot, before this
	Asked    bool          // Down: by a person or a program, not by the policy
	Why      string        // "killed by signal 9 (SIGKILL), OOM killer"
	Slogan   string        // of the crash dump
	Dump     string        // its path
	Tail     string        // the last of the release's output; lines end with \n
}

// maxEntry is the length that no entry exceeds, in bytes, its line end not counted.
const maxEntry = 900

// Bounds of the free texts, in bytes.
const (
	maxKind   = 20
	maxWhy    = 200
	maxSlogan = 150
	maxDump   = 100
	maxTail   = 260
)

// Prefix is what an entry's text begins with; a reader finds entries by it.
const Prefix = "history v=1 "

// Append adds the entry's text, from "history" to the last digit of its checksum, to
// dst: logfmt of ASCII, without a line end. Texts that are too long are cut, of Tail
// the beginning.
func (e Entry) Append(dst []byte) []byte {
	start := len(dst)
	dst = logfmt.AppendWord(append(append(dst, Prefix...), "kind="...), string(e.Kind), maxKind)
	dst = logfmt.AppendHex(append(dst, " boot="...), e.Boot)
	dst = logfmt.AppendUint(append(dst, " at="...), uint64(max(e.At, 0)))
	dst = logfmt.AppendSeconds(append(dst, " up="...), e.Up)
	dst = appendCount(dst, " pid=", e.PID)
	if e.Ran > 0 {
		dst = logfmt.AppendSeconds(append(dst, " ran="...), e.Ran)
	}
	dst = appendCount(dst, " restarts=", e.Restarts)
	if e.Asked {
		dst = append(dst, " asked=yes"...)
	}
	dst = appendText(dst, " why=", e.Why, maxWhy)
	dst = appendText(dst, " slogan=", e.Slogan, maxSlogan)
	dst = appendText(dst, " dump=", e.Dump, maxDump)
	dst = appendText(dst, " tail=", lastOf(e.Tail, maxTail), maxTail)
	return logfmt.AppendChecksum(dst, start)
}

func appendCount(dst []byte, name string, n int) []byte {
	if n <= 0 {
		return dst
	}
	return logfmt.AppendUint(append(dst, name...), uint64(n))
}

func appendText(dst []byte, name, text string, limit int) []byte {
	if text == "" {
		return dst
	}
	return logfmt.AppendWord(append(dst, name...), text, limit)
}

// lineEnd stands for a line end in Tail.
const lineEnd = " | "

// lastOf gives the end of a text of several lines, as one line of at most limit bytes.
func lastOf(text string, limit int) string {
	for len(text) > 0 && text[len(text)-1] == '\n' {
		text = text[:len(text)-1]
	}
	line := make([]byte, 0, limit)
	from := max(len(text)-limit, 0)
	for i := from; i < len(text); i++ {
		if text[i] == '\n' {
			line = append(line, lineEnd...)
		} else {
			line = append(line, text[i])
		}
	}
	if cut := max(len(line)-limit, 0); cut > 0 || from > 0 {
		line = line[cut:]
		line[0] = '~'
	}
	return string(line)
}
