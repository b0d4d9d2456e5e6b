package health

import (
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/internal/logfmt"
)

// A reader with the key takes what was signed with it and nothing else; one without takes
// all. A signed record is no longer than any.
func TestKey(t *testing.T) {
	key, other := Key("0123456789abcdef"), Key("0123456789abcdeg")
	long := full
	long.Node, long.Why = strings.Repeat("n", 500), strings.Repeat("w", 500)
	for i := range 60 {
		long.Missing = append(long.Missing, Missing{Name: strings.Repeat("p", i)})
		long.Phases = append(long.Phases, Phase{"phase", time.Hour})
	}
	for _, r := range []Record{full, long, {State: Up}} {
		signed := key.Append([]byte(Speaker), r)
		if len(signed)-len(Speaker) > MaxRecord {
			t.Errorf("%d bytes: %s", len(signed), signed)
		}
		unsigned := r.Append([]byte(Speaker))
		replayed := []byte(strings.Replace(string(signed), "state="+string(r.State), "state=rescue", 1)) // with the mac of another
		replayed = append(replayed[:0:0], resum(replayed)...)
		for _, tt := range []struct {
			name string
			by   Key
			line []byte
			want bool
		}{
			{"signed, with the key", key, signed, true},
			{"signed, with another key", other, signed, false},
			{"signed, without a key", nil, signed, true},
			{"not signed, with the key", key, unsigned, false},
			{"signed by another, with the key", key, other.Append([]byte(Speaker), r), false},
			{"changed, with the key", key, replayed, false},
			{"changed, without", nil, replayed, true},
		} {
			got, ok := tt.by.Find(tt.line)
			if ok != tt.want || ok && got.Seq != r.Seq {
				t.Errorf("%s: got %v %+v of %s", tt.name, ok, got, tt.line)
			}
		}
	}
}

// resum gives a record that was changed the right checksum.
func resum(line []byte) []byte {
	text := string(line[len(Speaker):strings.LastIndex(string(line), " crc=")])
	return logfmt.AppendChecksum([]byte(Speaker+text), len(Speaker))
}

func TestParseKey(t *testing.T) {
	for _, tt := range []struct {
		file, key, err string
	}{
		{"0123456789abcdef\n", "0123456789abcdef", ""},
		{"0123456789abcdef\r\n", "0123456789abcdef", ""},
		{"0123456789abcde\n", "", "a key of less than 16 bytes; want what head -c 32 /dev/urandom | base64 gives"},
		{"", "", "a key of less than 16 bytes; want what head -c 32 /dev/urandom | base64 gives"},
	} {
		key, err := ParseKey([]byte(tt.file))
		if string(key) != tt.key || (err != nil || tt.err != "") && (err == nil || err.Error() != tt.err) {
			t.Errorf("%q: got %q %v", tt.file, key, err)
		}
	}
}
