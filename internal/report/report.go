// Package report reads what the children of PID 1 write that listen to a network: lines of
// JSON, of which nothing is believed that was not asked for.
package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// maxText bounds a text for the console, in bytes.
const maxText = 200

// Decode reads a line of at most most bytes: one document of JSON, with no field that into
// has not.
func Decode(line []byte, most int, into any) error {
	if len(line) > most {
		return fmt.Errorf("report of %d bytes, want %d at most", len(line), most)
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if d.More() {
		return errors.New("report: more than one document")
	}
	return nil
}

// Text is s as one line of ASCII that is not too long.
func Text(s string) string {
	b := []byte(s)[:min(len(s), maxText)]
	for i, c := range b {
		if c < ' ' || c >= 0x7f {
			b[i] = '?'
		}
	}
	return string(b)
}
