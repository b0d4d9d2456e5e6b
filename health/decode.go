package health

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Find looks for a health record anywhere in a line of a serial console: after a
// printk stamp, behind the cut-off half of another line, between two others. It
// gives a record only if its checksum is right, so a garbled line is no record.
func Find(line []byte) (Record, bool) {
	for {
		at := bytes.Index(line, []byte(Prefix))
		if at < 0 {
			return Record{}, false
		}
		line = line[at:]
		if r, ok := findHere(line); ok {
			return r, true
		}
		line = line[len(Prefix):]
	}
}

// findHere tries every "crc=" behind a record's beginning: a line that was cut
// and joined with another can hold more than one.
func findHere(line []byte) (Record, bool) {
	const mark = " crc="
	for at := 0; ; {
		i := bytes.Index(line[at:], []byte(mark))
		if i < 0 || at+i > MaxRecord {
			return Record{}, false
		}
		at += i
		end := at + len(mark) + 8
		if end > len(line) {
			return Record{}, false
		}
		sum, err := strconv.ParseUint(string(line[at+len(mark):end]), 16, 32)
		if err == nil && checksum(line[:at]) == uint32(sum) {
			r, err := Parse(string(line[:at]))
			return r, err == nil
		}
		at += len(mark)
	}
}

// Parse reads a record's text without its checksum. Fields it does not know are
// passed over: a later version may add some. Errors name the field.
func Parse(text string) (Record, error) {
	rest, ok := strings.CutPrefix(text, Prefix)
	if !ok {
		return Record{}, errors.New("no health record of version 1")
	}
	var r Record
	for rest != "" {
		var key, value string
		key, rest, ok = strings.Cut(rest, "=")
		if !ok {
			return r, fmt.Errorf("health record: %q has no value", key)
		}
		value, rest = cutValue(rest)
		if err := r.set(key, value); err != nil {
			return r, fmt.Errorf("health record: %s=%s: %w", key, value, err)
		}
	}
	if r.State == "" {
		return r, errors.New("health record: no state")
	}
	return r, nil
}

// cutValue takes one logfmt value off the front of s.
func cutValue(s string) (value, rest string) {
	if after, quoted := strings.CutPrefix(s, `"`); quoted {
		value, rest, _ = strings.Cut(after, `"`)
		return value, strings.TrimPrefix(rest, " ")
	}
	value, rest, _ = strings.Cut(s, " ")
	return value, rest
}

func (r *Record) set(key, value string) (err error) {
	switch key {
	case "boot":
		var n uint64
		n, err = strconv.ParseUint(value, 16, 32)
		r.Boot = uint32(n)
	case "seq":
		var n uint64
		n, err = strconv.ParseUint(value, 10, 32)
		r.Seq = uint32(n)
	case "up":
		r.Up, err = parseSeconds(value)
	case "node":
		r.Node = value
	case "state":
		r.State, err = parseState(value)
	case "pid":
		r.PID, err = parseCount(value)
	case "restarts":
		r.Restarts, err = parseCount(value)
	case "peers":
		err = r.setPeers(value)
	case "missing":
		r.Missing = strings.Split(value, ",")
	case "probe":
		r.Probe, err = time.ParseDuration(value)
	case "mem":
		var n int
		n, err = parseCount(strings.TrimSuffix(value, "M"))
		r.Mem = int64(n) << 20
	case "why":
		r.Why = value
	case "next":
		r.Next, err = time.ParseDuration(value)
	case "clock":
		r.Clock = value
	case "phases":
		r.Phases, err = parsePhases(value)
	}
	return err
}

func (r *Record) setPeers(value string) (err error) {
	have, want, ok := strings.Cut(value, "/")
	if !ok {
		return errors.New("want CONNECTED/PEERS")
	}
	r.Connected = -1
	if have != "?" {
		if r.Connected, err = parseCount(have); err != nil {
			return err
		}
	}
	r.Peers, err = parseCount(want)
	return err
}

func parseState(s string) (State, error) {
	switch st := State(s); st {
	case Booting, Starting, Up, Degraded, Hung, Down, Stopping, Rescue:
		return st, nil
	}
	return "", errors.New("no such state")
}

func parseCount(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 31)
	return int(n), err
}

func parseSeconds(s string) (time.Duration, error) {
	sec, frac, _ := strings.Cut(s, ".")
	whole, err := strconv.ParseUint(sec, 10, 32)
	if err != nil {
		return 0, err
	}
	ms, err := strconv.ParseUint(frac, 10, 10)
	if err != nil || len(frac) != 3 {
		return 0, errors.New("want seconds with three decimals")
	}
	return time.Duration(whole)*time.Second + time.Duration(ms)*time.Millisecond, nil
}

func parsePhases(s string) ([]Phase, error) {
	var phases []Phase
	for _, item := range strings.Split(s, ",") {
		name, at, _ := strings.Cut(item, ":")
		d, err := parseSeconds(at)
		if err != nil {
			return nil, err
		}
		phases = append(phases, Phase{name, d})
	}
	return phases, nil
}
