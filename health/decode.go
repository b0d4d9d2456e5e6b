package health

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/beaminit/beaminit/logfmt"
)

// Find looks for a health record anywhere in a line of a serial console: after a
// printk stamp, behind the cut-off half of another line, between two others. It
// gives a record only if its checksum is right, so a garbled line is no record.
func Find(line []byte) (r Record, ok bool) {
	_, ok = logfmt.Find(line, Prefix, MaxRecord, func(text string) bool {
		var err error
		r, err = Parse(text)
		return err == nil
	})
	return r, ok
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
		if key, value, rest, ok = logfmt.Next(rest); !ok {
			return r, fmt.Errorf("health record: %q has no value", key)
		}
		if err := r.set(key, value); err != nil {
			return r, fmt.Errorf("health record: %s=%s: %w", key, value, err)
		}
	}
	if r.State == "" {
		return r, errors.New("health record: no state")
	}
	return r, nil
}

func (r *Record) set(key, value string) (err error) {
	switch key {
	case "boot":
		r.Boot, err = logfmt.ParseHex(value)
	case "seq":
		var n uint64
		n, err = strconv.ParseUint(value, 10, 32)
		r.Seq = uint32(n)
	case "up":
		r.Up, err = logfmt.ParseSeconds(value)
	case "node":
		r.Node = value
	case "state":
		r.State, err = parseState(value)
	case "pid":
		r.PID, err = logfmt.ParseCount(value)
	case "restarts":
		r.Restarts, err = logfmt.ParseCount(value)
	case "peers":
		err = r.setPeers(value)
	case "missing":
		r.Missing = strings.Split(value, ",")
	case "probe":
		r.Probe, err = time.ParseDuration(value)
	case "mem":
		var n int
		n, err = logfmt.ParseCount(strings.TrimSuffix(value, "M"))
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
		if r.Connected, err = logfmt.ParseCount(have); err != nil {
			return err
		}
	}
	r.Peers, err = logfmt.ParseCount(want)
	return err
}

func parseState(s string) (State, error) {
	switch st := State(s); st {
	case Booting, Starting, Up, Degraded, Hung, Down, Stopping, Rescue:
		return st, nil
	}
	return "", errors.New("no such state")
}

func parsePhases(s string) ([]Phase, error) {
	var phases []Phase
	for _, item := range strings.Split(s, ",") {
		name, at, _ := strings.Cut(item, ":")
		d, err := logfmt.ParseSeconds(at)
		if err != nil {
			return nil, err
		}
		phases = append(phases, Phase{name, d})
	}
	return phases, nil
}
