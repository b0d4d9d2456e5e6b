package history

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/beaminit/beaminit/internal/logfmt"
)

// Parse gives all entries that are in b, in their order.
func Parse(b []byte) (entries []Entry) {
	scan(b, func(e Entry, _ []byte) { entries = append(entries, e) })
	return entries
}

// scan gives each entry in b with its text. What is between them is passed over,
// whatever it is: a line that a power cut left unfinished has no right checksum.
func scan(b []byte, each func(e Entry, line []byte)) {
	for {
		var e Entry
		size := 0
		rest, ok := logfmt.Find(b, Prefix, maxEntry, func(text string) (ok bool) {
			var err error
			e, err = parse(text)
			size = len(text) + logfmt.ChecksumSize
			return err == nil
		})
		if !ok {
			return
		}
		end := len(b) - len(rest)
		each(e, b[end-size:end])
		b = rest
	}
}

// parse reads the text of an entry without its checksum. Words and kinds that it does
// not know are passed over: a later version may add some.
func parse(text string) (e Entry, err error) {
	for rest, ok := text[len(Prefix):], true; rest != ""; {
		var name, value string
		if name, value, rest, ok = logfmt.Next(rest); !ok {
			return e, errors.New(name + " has no value")
		}
		if err := e.set(name, value); err != nil {
			return e, fmt.Errorf("%s=%s: %w", name, value, err)
		}
	}
	if e.Kind == "" {
		return e, errors.New("no kind")
	}
	return e, nil
}

func (e *Entry) set(name, value string) (err error) {
	switch name {
	case "kind":
		e.Kind = Kind(value)
	case "boot":
		e.Boot, err = logfmt.ParseHex(value)
	case "at":
		e.At, err = strconv.ParseInt(value, 10, 64)
	case "up":
		e.Up, err = logfmt.ParseSeconds(value)
	case "pid":
		e.PID, err = logfmt.ParseCount(value)
	case "ran":
		e.Ran, err = logfmt.ParseSeconds(value)
	case "restarts":
		e.Restarts, err = logfmt.ParseCount(value)
	case "asked":
		e.Asked = value == "yes"
	case "why":
		e.Why = value
	case "slogan":
		e.Slogan = value
	case "dump":
		e.Dump = value
	case "tail":
		e.Tail = value
	}
	return err
}

// Failed is failedBoots of all entries.
func Failed(entries []Entry, present uint32) (n int, fellBack bool) {
	n, _, fellBack = failedBoots(entries, present)
	return n, fellBack
}

// failedBoots is how many boots in a row, up to the last one before the present, never
// came so far that the release answered; ended says that what ended the row is among the
// entries. One that was told to go down before that, or that powered off, is not counted,
// neither as a failure nor as the end of the row. A boot in which the node gave up and
// stayed ends the row: whoever started it after that wants it to try. So does one in which
// the fallback command was run, or a system on trial was given up (fellBack): what comes after
// it has its own tries.
func failedBoots(entries []Entry, present uint32) (n int, ended, fellBack bool) {
	for i := len(entries); i > 0; {
		var up, asked, fell, rescue bool
		boot := entries[i-1].Boot
		for ; i > 0 && entries[i-1].Boot == boot; i-- {
			e := &entries[i-1]
			up = up || e.Kind == Up
			asked = asked || e.Kind == Down && (e.Asked || strings.HasPrefix(e.Why, "poweroff") || strings.HasPrefix(e.Why, "halt"))
			fell = fell || e.Kind == Fallback
			rescue = rescue || e.Kind == Rescue
		}
		switch {
		case boot == present:
		case rescue || up && !fell:
			return n, true, false
		case fell:
			return n, true, true
		case !asked:
			n++
		}
	}
	return n, false, false
}
