package release

import (
	"os/exec"
	"reflect"
	"testing"
)

func TestWrap(t *testing.T) {
	tests := []struct {
		words []string
		want  []string
	}{
		{nil, []string{"erlexec", "-a", "b c"}},
		{[]string{"/usr/bin/strace", "-f"}, []string{"/usr/bin/strace", "-f", "/erts/bin/erlexec", "-a", "b c"}},
		{[]string{"nbtty"}, []string{"/erts/bin/nbtty", "/erts/bin/erlexec", "-a", "b c"}},
		{[]string{"run_erl", "1", "2", "exec", "3"}, []string{"/erts/bin/run_erl", "1", "2", "exec 3 /erts/bin/erlexec -a 'b c'"}},
		{[]string{"/x", "exec"}, []string{"/x", "exec /erts/bin/erlexec -a 'b c'"}},
	}
	for _, tt := range tests {
		c := Command{Path: "/erts/bin/erlexec", Argv: []string{"erlexec", "-a", "b c"}}
		words := append([]string(nil), tt.words...)
		c.wrap(words, "/erts/bin")
		if !reflect.DeepEqual(c.Argv, tt.want) || !reflect.DeepEqual(words, append([]string(nil), tt.words...)) {
			t.Errorf("%q: got %q, want %q", tt.words, c.Argv, tt.want)
		}
		if tt.words != nil && c.Path != tt.want[0] {
			t.Errorf("%q: got path %s", tt.words, c.Path)
		}
	}
}

// What protects an argument from the shell does so for a shell.
func TestShellWord(t *testing.T) {
	for _, s := range []string{"", "a", "-sname", "a@b", "+Bi", "a b", "it's", `"$HOME" \ *`, "~", "a;b", "\n", "[{kernel,[]}]", "ü"} {
		out, err := exec.Command("sh", "-c", "printf %s "+shellWord(s)).Output()
		if err != nil || string(out) != s {
			t.Errorf("%q: a shell makes %q of %s (%v)", s, out, shellWord(s), err)
		}
	}
}
