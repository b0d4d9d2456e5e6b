package health

import (
	"time"

	"github.com/beaminit/beaminit/logfmt"
)

// MaxRecord is the length that no encoded record exceeds, in bytes: a record
// must fit one kmsg line (printk's LINE_MAX is 1024 with its own prefix).
const MaxRecord = 900

// Bounds of the free texts, so that the fixed fields always have room.
const (
	maxWhy     = 200
	maxMissing = 240
	maxNode    = 160
	maxClock   = 8
	maxPhases  = 8
)

// Prefix is what a record's text begins with; a reader finds records by it.
const Prefix = "health v=1 "

// Append adds the record's text, from "health" to the last digit of its
// checksum, to dst: logfmt of ASCII, without a line end.
func (r Record) Append(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, Prefix...)
	dst = append(dst, "boot="...)
	dst = logfmt.AppendHex(dst, r.Boot)
	dst = logfmt.AppendUint(append(dst, " seq="...), uint64(r.Seq))
	dst = logfmt.AppendSeconds(append(dst, " up="...), r.Up)
	dst = logfmt.AppendWord(append(dst, " node="...), r.Node, maxNode)
	dst = append(append(dst, " state="...), r.State...)
	if r.PID > 0 {
		dst = logfmt.AppendUint(append(dst, " pid="...), uint64(r.PID))
	}
	dst = logfmt.AppendUint(append(dst, " restarts="...), uint64(r.Restarts))
	dst = append(dst, " peers="...)
	if r.Connected < 0 {
		dst = append(dst, '?')
	} else {
		dst = logfmt.AppendUint(dst, uint64(r.Connected))
	}
	dst = logfmt.AppendUint(append(dst, '/'), uint64(r.Peers))
	dst = appendMissing(dst, r.Missing)
	if r.Probe > 0 {
		ms := (r.Probe + time.Millisecond - 1) / time.Millisecond
		dst = append(logfmt.AppendUint(append(dst, " probe="...), uint64(ms)), "ms"...)
	}
	if mem := (r.Mem + 1<<19) >> 20; mem > 0 {
		dst = append(logfmt.AppendUint(append(dst, " mem="...), uint64(mem)), 'M')
	}
	if r.Why != "" {
		dst = logfmt.AppendWord(append(dst, " why="...), r.Why, maxWhy)
	}
	if r.Next > 0 {
		ms := (r.Next + time.Millisecond - 1) / time.Millisecond
		dst = append(logfmt.AppendUint(append(dst, " next="...), uint64(ms)), "ms"...)
	}
	if r.Clock != "" {
		dst = logfmt.AppendWord(append(dst, " clock="...), r.Clock, maxClock)
	}
	dst = appendPhases(dst, r.Phases)
	return logfmt.AppendChecksum(dst, start)
}

func appendMissing(dst []byte, missing []string) []byte {
	if len(missing) == 0 {
		return dst
	}
	dst = append(dst, " missing="...)
	start := len(dst)
	for i, name := range missing {
		if i > 0 {
			dst = append(dst, ',')
		}
		if len(dst)-start+len(name) > maxMissing {
			return logfmt.AppendUint(append(dst, '+'), uint64(len(missing)-i))
		}
		dst = append(dst, name...)
	}
	return dst
}

func appendPhases(dst []byte, phases []Phase) []byte {
	for i, p := range phases {
		if i == maxPhases {
			break
		}
		if i == 0 {
			dst = append(dst, " phases="...)
		} else {
			dst = append(dst, ',')
		}
		dst = append(append(dst, p.Name...), ':')
		dst = logfmt.AppendSeconds(dst, p.At)
	}
	return dst
}
