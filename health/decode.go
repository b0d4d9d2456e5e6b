package health

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/beaminit/beaminit/internal/logfmt"
)

// Parse reads a record's text without its checksum: the fields that this version knows
// in their order, each once, and all that are required. Fields it does not know are
// passed over: a later version may add some. Errors name the field.
func Parse(text string) (Record, error) {
	rest, ok := strings.CutPrefix(text, Prefix)
	if !ok {
		return Record{}, errors.New("no health record of version 1")
	}
	var r Record
	due := 0 // the field of order that may come next
	for rest != "" {
		var key, value string
		if key, value, rest, ok = logfmt.Next(rest); !ok {
			return r, fmt.Errorf("health record: %q is no name with a value", key)
		}
		at := fieldAt(key)
		if at < 0 {
			continue
		}
		if err := inOrder(due, at); err != nil {
			return r, err
		}
		due = at + 1
		if err := r.set(key, value); err != nil {
			return r, fmt.Errorf("health record: %s=%s: %w", key, value, err)
		}
	}
	return r, inOrder(due, len(order))
}

// fieldAt is the place of a field in order; -1: it is not known.
func fieldAt(name string) int {
	for i := range order {
		if order[i].name == name {
			return i
		}
	}
	return -1
}

// inOrder says whether the field at may come where due is the first that may.
func inOrder(due, at int) error {
	if at < due {
		return errors.New("health record: " + order[at].name + " stands twice, or too late")
	}
	for _, f := range order[due:at] {
		if f.required {
			return errors.New("health record: no " + f.name)
		}
	}
	return nil
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
		r.Missing = parseMissing(value)
	case "probe":
		r.Probe, err = parseSpan(value)
	case "mem":
		var n int
		n, err = logfmt.ParseCount(strings.TrimSuffix(value, "M"))
		r.Mem = int64(n) << 20
	case "why":
		r.Why = value
	case "next":
		r.Next, err = parseSpan(value)
	default:
		err = r.setFurther(key, value)
	}
	return err
}

func (r *Record) setFurther(key, value string) (err error) {
	switch key {
	case "warn":
		r.Warn = strings.Split(value, ",")
	case "net":
		r.Net = strings.Split(value, ",")
	case "cut":
		r.Cut = strings.Split(value, ",")
	case "healed":
		r.Healed = strings.Split(value, ",")
	case "brake":
		r.Brake, err = parseBrakes(value)
	case "slot":
		r.Slot = value
	case "trial":
		if r.Trial = value == "1"; !r.Trial {
			err = errors.New("want 1")
		}
	case "discovery":
		r.Discovery = value
	case "clock":
		r.Clock = value
	case "version":
		r.Version = value
	case "phases":
		r.Phases, err = parsePhases(value)
	case "omitted":
		r.Omitted = strings.Split(value, ",")
	}
	return err
}

// parseSpan reads milliseconds.
func parseSpan(value string) (time.Duration, error) {
	n, ok := strings.CutSuffix(value, "ms")
	if !ok {
		return 0, errors.New("want milliseconds")
	}
	ms, err := strconv.ParseUint(n, 10, 43) // fits a Duration
	return time.Duration(ms) * time.Millisecond, err
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

func parseMissing(value string) (list []Missing) {
	for _, item := range strings.Split(value, ",") {
		name, reason, _ := strings.Cut(item, ":")
		list = append(list, Missing{name, reason})
	}
	return list
}

func parseBrakes(value string) (list []Brake, err error) {
	for _, item := range strings.Split(value, ",") {
		b := Brake{Name: item}
		if name, next, ok := strings.Cut(item, ":"); ok {
			n, err := logfmt.ParseCount(strings.TrimSuffix(next, "s"))
			if err != nil {
				return nil, err
			}
			b = Brake{name, time.Duration(n) * time.Second}
		}
		list = append(list, b)
	}
	return list, nil
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
