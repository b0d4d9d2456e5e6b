package elf

import (
	"bytes"
	"os"
	"testing"
)

// Whatever is read, it ends, and does not panic.
func FuzzRead(f *testing.F) {
	f.Add([]byte("\x7fELF\x02\x01"))
	if b, err := os.ReadFile("/proc/self/exe"); err == nil {
		f.Add(b[:1024])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Read(bytes.NewReader(b))
		if err != nil {
			return
		}
		p.Interpreter()
		p.Libraries()
	})
}
