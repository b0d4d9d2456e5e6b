package cmdline

import (
	"reflect"
	"testing"
)

// TestParams follows the kernel's next_arg in all its corners.
func TestParams(t *testing.T) {
	v := func(name, value string) Param { return Param{Name: name, Value: value} }
	b := func(name string) Param { return Param{Name: name, Bare: true} }
	for _, tt := range []struct {
		line string
		want []Param
	}{
		{"", nil},
		{" \t\n", nil},
		{"ro", []Param{b("ro")}},
		{"a=1  b\tc=\n", []Param{v("a", "1"), b("b"), v("c", "")}},
		{`a="x y" b`, []Param{v("a", "x y"), b("b")}},
		{`"a=x y" b`, []Param{v("a", "x y"), b("b")}},
		{`a=x" "y b`, []Param{v("a", `x" "y`), b("b")}}, // quotes within stay
		{`a="x y`, []Param{v("a", "x y")}},              // never closed
		{`a="x"y`, []Param{v("a", `x"y`)}},              // only the first goes
		{`"a b"`, []Param{b("a b")}},
		{`"a b`, []Param{b("a b")}},
		{`"`, []Param{b("")}},
		{`""`, []Param{b("")}},
		{`a="`, []Param{v("a", "")}},
		{`a=""`, []Param{v("a", "")}},
		{`"a="`, []Param{v("a", "")}},
		{`a="x\" b`, []Param{v("a", `x\`), b("b")}}, // no escapes
		{`=a`, []Param{b("=a")}},                    // a name is not empty
		{`=a=b`, []Param{v("=a", "b")}},
		{`a=b=c`, []Param{v("a", "b=c")}},
		{"a=\xa0b", []Param{v("a", ""), b("b")}},
		{`dyndbg="file a +p; file b +p" quiet -- -s "x y"`, []Param{v("dyndbg", "file a +p; file b +p"), b("quiet"), b("--"), b("-s"), b("x y")}},
	} {
		got := Params(tt.line)
		for i := range got {
			got[i].Written = "" // TestCommas of config has it
		}
		if !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%q: got %+v, want %+v", tt.line, got, tt.want)
		}
	}
}

// What the kernel gives its init; TestErlinitWords of the lab asks a real one.
func TestInitArgs(t *testing.T) {
	tests := []struct {
		line string
		want []string
	}{
		{"", nil},
		{"console=ttyS0 a.b=1 c.d", nil},
		{`splash -t quiet some.module -- -v --env FROM=args;B=1 --run-on-exit "/bin/no such" a.b`,
			[]string{"splash", "-t", "quiet", "-v", "--env", "FROM=args;B=1", "--run-on-exit", "/bin/no such", "a.b"}},
		{"splash -v -- -e LANG=C;A=b --mount /dev/a:/b:vfat::", []string{"splash", "-v", "-e", "LANG=C;A=b", "--mount", "/dev/a:/b:vfat::"}},
		{`-- -s "/usr/bin/strace -f" e.f A="b c" --`, []string{"-s", "/usr/bin/strace -f", "e.f", "A=b c", "--"}},
	}
	for _, tt := range tests {
		if got := InitArgs(tt.line); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%q: got %q, want %q", tt.line, got, tt.want)
		}
	}
}

func TestWord(t *testing.T) {
	const line = "\tconsole=ttyS0 rauc.slot=A trial quiet rauc.slot=B \"two words=x y\" empty= -- init\n"
	for _, tt := range []struct {
		name, value string
		there       bool
	}{
		{"rauc.slot", "B", true}, {"trial", "1", true}, {"empty", "", true}, {"two words", "x y", true}, {"slot", "", false}, {"", "", false},
	} {
		if value, there := Word(line, tt.name); value != tt.value || there != tt.there {
			t.Errorf("%s: got %q, %v, want %q, %v", tt.name, value, there, tt.value, tt.there)
		}
	}
}

// FuzzParams: reading comes to an end, and each parameter is found by its name.
func FuzzParams(f *testing.F) {
	for _, s := range []string{"", `"`, `a="x y" "b=c d" -- e`, "root=/dev/vda ro rootwait=3 init=/sbin/init quiet", "=\xa0 a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		for rest := skipSpace(line); rest != ""; {
			before := len(rest)
			var p Param
			if p, rest = next(rest); len(rest) >= before {
				t.Fatalf("%q: no progress at %q", line, rest)
			}
			if _, there := Word(line, p.Name); !there {
				t.Fatalf("%q: no word %q", line, p.Name)
			}
		}
	})
}
