package logfmt

import (
	"hash/crc32"
	"testing"
)

func TestChecksum(t *testing.T) {
	for _, text := range []string{"", "\x00", "123456789", "health v=1 boot=3f2a91c0 seq=42", string(make([]byte, 900))} {
		if got, want := Checksum([]byte(text)), crc32.ChecksumIEEE([]byte(text)); got != want {
			t.Errorf("Checksum(%q) = %08x, want %08x", text, got, want)
		}
	}
}
