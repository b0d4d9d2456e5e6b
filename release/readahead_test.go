package release

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// script is a boot script as term_to_binary/1 of OTP 25 writes it, or, with utf8, that of
// OTP 26 and later: where paths and modules are lists in tuples.
func script(utf8 bool, items ...string) []byte {
	b := []byte{131, 104, 3}
	atom := func(s string) {
		if utf8 {
			b = append(append(b, 119, byte(len(s))), s...)
		} else {
			b = append(append(b, 100, 0, byte(len(s))), s...)
		}
	}
	for _, item := range items {
		words := strings.Fields(item)
		b = append(b, 104, 2)
		atom(words[0])
		b = append(b, 108, 0, 0, 0, byte(len(words)-1))
		for _, w := range words[1:] {
			if words[0] == "path" {
				b = append(append(b, 107, 0, byte(len(w))), w...)
			} else {
				atom(w)
			}
		}
		b = append(b, 106)
	}
	return b
}

func TestLoadOrder(t *testing.T) {
	items := []string{
		"path $ROOT/lib/kernel-8.5.3/ebin $ROOT/lib/stdlib-4.2/ebin", "primLoad code lists", "kernel_load_completed x",
		"path $RELEASE_LIB/bird-1.0/ebin /not/ours", "primLoad bird bird_sup", "path $ROOT/lib/no/ebin", "primLoad",
	}
	all := []string{
		"$ROOT/lib/kernel-8.5.3/ebin/code", "$ROOT/lib/stdlib-4.2/ebin/code", "$ROOT/lib/kernel-8.5.3/ebin/lists", "$ROOT/lib/stdlib-4.2/ebin/lists",
		"$RELEASE_LIB/bird-1.0/ebin/bird", "$RELEASE_LIB/bird-1.0/ebin/bird_sup",
	}
	for _, utf8 := range []bool{false, true} {
		text := script(utf8, items...)
		if got := loadOrder(text, true); !slices.Equal(got, all) {
			t.Errorf("embedded: got %q, want %q", got, all)
		}
		if got := loadOrder(text, false); !slices.Equal(got, all[:4]) {
			t.Errorf("interactive: got %q, want %q", got, all[:4])
		}
		for n := range text { // cut short anywhere
			if got := loadOrder(text[:n], true); len(got) > len(all) {
				t.Errorf("%d bytes: %q", n, got)
			}
		}
	}
}

// What is read ahead is what there is, and nothing else.
func TestReadAhead(t *testing.T) {
	boot := script(false, "path $ROOT/lib/kernel-8.5.3/ebin", "primLoad code", "kernel_load_completed x", "path $ERTS_LIB_DIR/a-1/ebin $NOBODY/b", "primLoad a")
	fsys := tree(t, with(ertsAt("/usr/lib/erlang/erts-13.1.5"), []string{"/srv/erlang/releases/1/start.boot: " + string(boot)})...)
	r := &Release{Root: "/srv/erlang", ERTSDir: "/usr/lib/erlang/erts-13.1.5", SystemLib: "/usr/lib/erlang/lib", Boot: "/srv/erlang/releases/1/start"}
	for all, want := range map[bool]string{
		true:  "[/srv/erlang/lib/kernel-8.5.3/ebin/code.beam /usr/lib/erlang/lib/a-1/ebin/a.beam]",
		false: "[/srv/erlang/lib/kernel-8.5.3/ebin/code.beam]",
	} {
		var got []string
		r.ReadAhead(fsys, all, func(path string) { got = append(got, path) })
		if fmt.Sprint(got) != want {
			t.Errorf("all=%v: got %v, want %s", all, got, want)
		}
	}
	r.Boot = "/no/such"
	r.ReadAhead(fsys, true, func(path string) { t.Errorf("%s of no boot script", path) })
}

func FuzzLoadOrder(f *testing.F) {
	f.Add(script(true, "path $ROOT/a", "primLoad b c"))
	f.Add([]byte("path\x6c\x00\x00\x00\x01\x6b\xff\xff"))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, file := range loadOrder(text, true) {
			if file[0] != '$' || !strings.Contains(file, "/") || !bytes.Contains(text, []byte(file[strings.LastIndexByte(file, '/')+1:])) {
				t.Errorf("%q", file)
			}
		}
	})
}
