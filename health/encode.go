package health

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beaminit/beaminit/internal/logfmt"
)

// MaxRecord is the length that no encoded record exceeds, in bytes: a record
// must fit one kmsg line (printk's LINE_MAX is 1024 with its own prefix).
const MaxRecord = 900

// Bounds of the free texts, in bytes. All of them together are longer than a record may
// be; see omissible.
const (
	maxWhy     = 200
	maxMissing = 240
	maxList    = 80 // warn, net, cut, healed, brake
	maxNode    = 160
	maxShort   = 16 // clock, slot, discovery
	maxVersion = 40
	maxPhases  = 8
)

// Prefix is what a record's text begins with; a reader finds records by it.
const Prefix = "health v=1 "

// order is the order of the fields in a record, before its checksum. required must be
// there, each of the others at most once.
var order = [...]struct {
	name     string
	required bool
}{
	{"boot", true}, {"seq", true}, {"up", true}, {"node", true}, {"state", true},
	{"pid", false}, {"restarts", true}, {"peers", true}, {"missing", false}, {"probe", false}, {"mem", false},
	{"why", false}, {"next", false}, {"warn", false}, {"net", false},
	{"cut", false}, {"healed", false}, {"brake", false}, {"slot", false}, {"trial", false}, {"discovery", false},
	{"clock", false}, {"version", false}, {"phases", false}, {"omitted", false}, {"mac", false},
}

// omissible are the fields that are left out of a record that would be too long, in this
// order, until it is not. Then omitted= names them.
var omissible = [...]string{"version", "phases", "healed", "brake", "cut", "discovery", "net", "clock", "slot", "warn", "why"}

// Append adds the record's text, from "health" to the last digit of its
// checksum, to dst: logfmt of ASCII, without a line end.
func (r Record) Append(dst []byte) []byte {
	start := len(dst)
	return logfmt.AppendChecksum(append(dst, r.fit(MaxRecord-logfmt.ChecksumSize)...), start)
}

// fit is the record's text without what is made of it, in at most limit bytes.
func (r *Record) fit(limit int) (text []byte) {
	for n := range len(omissible) + 1 {
		if text = r.fields(omissible[:n]); len(text) <= limit {
			break
		}
	}
	return text
}

// fields are the words of the record, but for those to be omitted and its checksum.
func (r *Record) fields(omit []string) []byte {
	dst := make([]byte, 0, MaxRecord)
	dst = append(dst, strings.TrimSuffix(Prefix, " ")...)
	for _, f := range order {
		start := len(dst)
		dst = append(append(append(dst, ' '), f.name...), '=')
		name := len(dst)
		if f.name == "omitted" {
			dst = appendList(dst, omit, maxList)
		} else if !slices.Contains(omit, f.name) {
			dst = r.value(dst, f.name)
		}
		if len(dst) == name { // it has none
			dst = dst[:start]
		}
	}
	return dst
}

// value adds the value of a field; nothing where there is nothing to say.
func (r *Record) value(dst []byte, name string) []byte {
	switch name {
	case "boot":
		return logfmt.AppendHex(dst, r.Boot)
	case "seq":
		return logfmt.AppendUint(dst, uint64(r.Seq))
	case "up":
		return logfmt.AppendSeconds(dst, r.Up)
	case "node":
		return logfmt.AppendWord(dst, r.Node, maxNode)
	case "state":
		return append(dst, r.State...)
	case "pid":
		return appendCount(dst, int64(r.PID), "")
	case "restarts":
		return logfmt.AppendUint(dst, uint64(max(r.Restarts, 0)))
	case "peers":
		return r.appendPeers(dst)
	case "missing":
		return appendList(dst, texts(r.Missing), maxMissing)
	case "probe":
		return appendCount(dst, millis(r.Probe), "ms")
	case "mem":
		return appendCount(dst, (r.Mem+1<<19)>>20, "M")
	case "why":
		return appendText(dst, r.Why, maxWhy)
	case "next":
		return appendCount(dst, millis(r.Next), "ms")
	}
	return r.further(dst, name)
}

// further is value for the fields that say more than how the release is.
func (r *Record) further(dst []byte, name string) []byte {
	switch name {
	case "warn":
		return appendList(dst, sorted(r.Warn), maxList)
	case "net":
		return appendList(dst, r.Net, maxList)
	case "cut":
		return appendList(dst, r.Cut, maxList)
	case "healed":
		return appendList(dst, r.Healed, maxList)
	case "brake":
		return appendList(dst, texts(r.Brake), maxList)
	case "slot":
		return appendText(dst, r.Slot, maxShort)
	case "trial":
		if r.Trial {
			dst = append(dst, '1')
		}
	case "discovery":
		return appendText(dst, r.Discovery, maxShort)
	case "clock":
		return appendText(dst, r.Clock, maxShort)
	case "version":
		return appendText(dst, r.Version, maxVersion)
	case "phases":
		return appendPhases(dst, r.Phases)
	}
	return dst
}

func sorted(words []string) []string {
	words = slices.Clone(words)
	slices.Sort(words)
	return slices.Compact(words)
}

// millis rounds up, so that what is short is not nothing.
func millis(d time.Duration) int64 { return int64((d + time.Millisecond - 1) / time.Millisecond) }

func appendCount(dst []byte, n int64, unit string) []byte {
	if n <= 0 {
		return dst
	}
	return append(logfmt.AppendUint(dst, uint64(n)), unit...)
}

func appendText(dst []byte, s string, limit int) []byte {
	if s == "" {
		return dst
	}
	return logfmt.AppendWord(dst, s, limit)
}

func (r *Record) appendPeers(dst []byte) []byte {
	if r.Connected < 0 {
		dst = append(dst, '?')
	} else {
		dst = logfmt.AppendUint(dst, uint64(r.Connected))
	}
	return logfmt.AppendUint(append(dst, '/'), uint64(max(r.Peers, 0)))
}

func texts[T fmt.Stringer](items []T) []string {
	var list []string
	for _, item := range items {
		list = append(list, item.String())
	}
	return list
}

// appendList writes words with commas between them; where they are longer than limit, as
// many as fit, and "+" with the number of the rest.
func appendList(dst []byte, list []string, limit int) []byte {
	start := len(dst)
	for i, word := range list {
		word = listed(word)
		if i > 0 {
			dst = append(dst, ',')
		}
		if len(dst)-start+len(word) > limit {
			return append(dst, "+"+strconv.Itoa(len(list)-i)...)
		}
		dst = append(dst, word...)
	}
	return dst
}

// listed is a word as it can stand in a list: names come from configurations and from
// the network.
func listed(word string) string {
	if word == "" {
		return "?"
	}
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' || strings.ContainsRune(`,="'\`, r) {
			return '?'
		}
		return r
	}, word)
}

func appendPhases(dst []byte, phases []Phase) []byte {
	for i, p := range phases[:min(len(phases), maxPhases)] {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(dst, listed(p.Name)...), ':')
		dst = logfmt.AppendSeconds(dst, p.At)
	}
	return dst
}
