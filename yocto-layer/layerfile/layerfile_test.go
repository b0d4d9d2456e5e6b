package layerfile

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.bb")
	text := `# A = "comment"
A ?= "1"
B = "${A}/${base} \
	2"
B += "3"
LINK[init] = '${B}'
LOOP = "${LOOP}"

do_install() {
	C="not a variable"
	if x; then echo ${A} ${shell} ${x##*/}; }
	fi
}
do_install:class-native() {
	:
}
do_install[postfuncs] += "qa"
`
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := Read(file)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"A": "1", "B": "${A}/${base}  \t2 3", "LINK[init]": "${B}", "LOOP": "${LOOP}", "do_install[postfuncs]": "qa"}
	if !maps.Equal(f.Vars, want) {
		t.Errorf("variables %q, want %q", f.Vars, want)
	}
	if _, err := f.Value("LINK[init]"); err == nil || !strings.Contains(err.Error(), "${base}") {
		t.Errorf("a value with an unknown variable: error %v, want one that names it", err)
	}
	f.Vars["base"] = "b"
	if got, err := f.Value("LINK[init]"); got != "1/b  \t2 3" || err != nil {
		t.Errorf("LINK[init] is %q, %v", got, err)
	}
	for _, name := range []string{"LOOP", "NONE"} {
		if got, err := f.Value(name); err == nil {
			t.Errorf("%s is %q, want an error", name, got)
		}
	}
	body, err := f.Func("do_install")
	if want := "\tC=\"not a variable\"\n\tif x; then echo 1 ${shell} ${x##*/}; }\n\tfi\n"; body != want || err != nil {
		t.Errorf("do_install is %q, %v; want %q", body, err, want)
	}
	if body := f.Funcs["do_install:class-native"]; body != "\t:\n" {
		t.Errorf("do_install:class-native is %q", body)
	}
	if _, err := f.Func("none"); err == nil {
		t.Error("no error for a function that is not there")
	}
}
