package health

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/beaminit/beaminit/internal/logfmt"
)

// Key signs records, for consoles that others can write to: a record carries mac=, the
// first 64 bits of the HMAC-SHA-256 (RFC 2104) of its text before " mac=", and a reader
// with the key takes no others. nil: no key.
type Key []byte

// minKey is the length of the shortest key that is taken, in bytes.
const minKey = 16

const (
	macMark = " mac="
	macSize = 8 // bytes
)

// ParseKey takes the content of a key file: a line end behind it does not count.
func ParseKey(file []byte) (Key, error) {
	key := strings.TrimRight(string(file), "\r\n")
	if len(key) < minKey {
		return nil, errors.New("a key of less than 16 bytes; want what head -c 32 /dev/urandom | base64 gives")
	}
	return Key(key), nil
}

// Append is Record.Append, and signs it.
func (k Key) Append(dst []byte, r Record) []byte {
	if k == nil {
		return r.Append(dst)
	}
	text := r.fit(MaxRecord - logfmt.ChecksumSize - len(macMark) - 2*macSize)
	start := len(dst)
	dst = append(append(append(dst, text...), macMark...), k.mac(text)...)
	return logfmt.AppendChecksum(dst, start)
}

func (k Key) mac(text []byte) string {
	h := hmac.New(sha256.New, k)
	h.Write(text)
	return hex.EncodeToString(h.Sum(nil)[:macSize])
}

// Find is the function Find, for signed records only where there is a key.
func (k Key) Find(line []byte) (Record, bool) {
	text, ok := said(line)
	if !ok {
		return Record{}, false
	}
	n := whole(text)
	if k != nil && !k.signed(text[:n]) {
		return Record{}, false
	}
	return Decode(text)
}

// signed says whether a whole record ends with the right mac= before its checksum.
func (k Key) signed(record []byte) bool {
	end := len(record) - logfmt.ChecksumSize
	at := end - len(macMark) - 2*macSize
	if at < 0 || string(record[at:at+len(macMark)]) != macMark {
		return false
	}
	return hmac.Equal(record[at+len(macMark):end], []byte(k.mac(record[:at])))
}
