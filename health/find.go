package health

import (
	"github.com/beaminit/beaminit/internal/logfmt"
)

// Find looks for a health record in a line of a serial console.
func Find(line []byte) (r Record, ok bool) {
	_, ok = logfmt.Find(line, Prefix, MaxRecord, func(text string) bool {
		var err error
		r, err = Parse(text)
		return err == nil
	})
	return r, ok
}
