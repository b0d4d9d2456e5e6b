package boot

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"strings"
	"testing"
)

// TestParseMapped has the kernel's own examples (dm-init.rst) among the rows.
func TestParseMapped(t *testing.T) {
	for _, c := range []struct {
		text string
		want []mapped
		err  string
	}{
		{"lroot,,,rw,0 4096 linear 98:16 0,4096 4096 linear 98:32 0", []mapped{{"lroot", "", -1, false, []mapTarget{{0, 4096, "linear", "98:16 0"}, {4096, 4096, "linear", "98:32 0"}}}}, ""},
		{"vroot,id,0,ro,0 1740800 verity 254:0 254:0 1740800 sha1 76e9 5f9d;vram,,,rw,0 32768 linear 1:0 0", []mapped{
			{"vroot", "id", 0, true, []mapTarget{{0, 1740800, "verity", "254:0 254:0 1740800 sha1 76e9 5f9d"}}},
			{"vram", "", -1, false, []mapTarget{{0, 32768, "linear", "1:0 0"}}}}, ""},
		{"z,,,rw, 0 8 zero", []mapped{{"z", "", -1, false, []mapTarget{{0, 8, "zero", ""}}}}, ""},
		{"vroot,,,ro", nil, `"vroot,,,ro" is no device; want NAME,UUID,MINOR,ro,TABLE`},
		{",,,ro,0 8 zero", nil, "is no device"},
		{"a,,,r,0 8 zero", nil, "is no device"},
		{"a,,x,ro,0 8 zero", nil, `"x" is no minor number`},
		{"a,,,ro,0 zero", nil, `"0 zero" is no line of a table; want START LENGTH TYPE PARAMS`},
		{"a,,,ro,0 -8 zero", nil, "0 -8 are no sectors"},
		{"a,,,ro,0 8 a-name-that-is-too-long", nil, "is no line of a table"},
		{"a,,,ro,0 8 zero;", nil, `"" is no device`},
	} {
		got, err := parseMapped(c.text)
		if !reflect.DeepEqual(got, c.want) || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s\ngot  %+v, %v\nwant %+v, %s", c.text, got, err, c.want, c.err)
		}
	}
}

// FuzzMapped: what is given to the kernel can be read again by the rule of struct dm_target_spec.
func FuzzMapped(f *testing.F) {
	f.Add("lroot,,,rw,0 4096 linear 98:16 0,4096 4096 linear 98:32 0;a,,1,ro,0 8 zero")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := parseMapped(text)
		for i := range list {
			rest := list[i].table()
			for _, target := range list[i].targets {
				next := binary.NativeEndian.Uint32(rest[20:])
				end := 40 + bytes.IndexByte(rest[40:next], 0)
				if next%8 != 0 || int(next) > len(rest) || string(rest[40:end]) != target.params && !strings.Contains(target.params, "\x00") {
					t.Errorf("%q: %d bytes, next %d, parameters to %d of %q", text, len(rest), next, end, target.params)
				}
				rest = rest[next:]
			}
			if len(rest) != 0 || err != nil || list[i].name == "" {
				t.Errorf("%q: %+v, %v, and %d bytes left", text, list[i], err, len(rest))
			}
		}
	})
}
