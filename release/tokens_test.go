package release

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestMain lets the test binary stand in for beam.smp, to see what the real
// erlexec gives it (TestTokeniseAsErlexec).
func TestMain(m *testing.M) {
	if os.Getenv("BEAMINIT_SHOW_ARGV") != "" {
		b, _ := os.ReadFile("/proc/self/cmdline")
		os.Stdout.Write(b)
		return
	}
	os.Exit(m.Run())
}

var tokeniseCases = []struct {
	text string
	want []string
}{
	{"", nil},
	{"  \n\t ", nil},
	{"-sname toliman", []string{"-sname", "toliman"}},
	{"-a\n-b\r\n-c\v-d\f-e", []string{"-a", "-b", "-c", "-d", "-e"}},
	{"# all of it", nil},
	{"a # b\nc", []string{"a", "c"}},
	{"a#b c\nd", []string{"a", "d"}},
	{`a\#b "c#d" '#'`, []string{"a#b", "c#d", "#"}},
	{`'a b' "c d" e\ f`, []string{"a b", "c d", "e f"}},
	{`a'b'"c"d`, []string{"abcd"}},
	{`"it's" 'say "x"'`, []string{"it's", `say "x"`}},
	{`"a\"b`, []string{`a\b`}},
	{`'a\' b`, []string{`a\`, "b"}},
	{`"" ''`, []string{"", ""}},
	{`'open # to the end`, []string{"open # to the end"}},
	{`a\`, []string{"a"}},
	{`\`, []string{""}},
	{"\\\n", []string{"\n"}},
	{"a\x00b", []string{"a"}},
	{"'a\nb' c", []string{"a\nb", "c"}},
	{"-kernel inetrc '\"/etc/erl_inetrc\"'", []string{"-kernel", "inetrc", `"/etc/erl_inetrc"`}},
	{"-name \xc3\xa9\xff", []string{"-name", "\xc3\xa9\xff"}},
}

func TestTokenise(t *testing.T) {
	for _, c := range tokeniseCases {
		if got := tokenise([]byte(c.text), true); !slices.Equal(got, c.want) {
			t.Errorf("tokenise(%q) = %q, want %q", c.text, got, c.want)
		}
	}
	if got, want := tokenise([]byte("a#b # c"), false), []string{"a#b", "#", "c"}; !slices.Equal(got, want) {
		t.Errorf("without comments: %q, want %q", got, want)
	}
}

// erlexecArgs is what the erlexec of this machine makes of each text as an
// -args_file: what follows -extra comes out as it went in, file after file, each
// with a -- at its end.
func erlexecArgs(t *testing.T, texts []string) [][]string {
	t.Helper()
	bin := fakeBeam(t)
	cmd := exec.Command(erlexec(t))
	cmd.Env = []string{"BINDIR=" + bin, "ROOTDIR=" + bin, "EMU=beam", "BEAMINIT_SHOW_ARGV=1"}
	mark := func(i int) string { return "@" + strconv.Itoa(i) + "@" }
	for i, text := range texts {
		file := filepath.Join(bin, strconv.Itoa(i))
		write(t, file, "-extra "+mark(i)+"\n"+text)
		cmd.Args = append(cmd.Args, "-args_file", file)
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("erlexec: %v\n%s", err, out)
	}
	args := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	var got [][]string
	for i := range texts {
		at := slices.Index(args, mark(i))
		end := slices.Index(args, mark(i+1))
		if i == len(texts)-1 {
			end = len(args)
		}
		if at < 0 || end <= at+1 || args[end-1] != "--" {
			t.Fatalf("erlexec gave %q", args)
		}
		got = append(got, args[at+1:end-1])
	}
	return got
}

func erlexec(t *testing.T) string {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/erlang/erts-*/bin/erlexec")
	if len(found) == 0 {
		t.Skip("needs Erlang (Debian: apt install erlang-base)")
	}
	return found[0]
}

func fakeBeam(t *testing.T) string {
	t.Helper()
	bin := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, bin+"/beam.smp"); err != nil {
		t.Fatal(err)
	}
	return bin
}

// The same texts through the real erlexec: tokenise reads them as it does, and it
// reads what appendArgs writes.
func TestTokeniseAsErlexec(t *testing.T) {
	var texts []string
	for _, c := range tokeniseCases {
		texts = append(texts, c.text, string(appendArgs(nil, c.want)))
	}
	for i, got := range erlexecArgs(t, texts) {
		if want := tokeniseCases[i/2].want; !slices.Equal(got, want) {
			t.Errorf("erlexec reads %q as %q, want %q", texts[i], got, want)
		}
	}
}

func FuzzTokenise(f *testing.F) {
	for _, c := range tokeniseCases {
		f.Add([]byte(c.text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, comments := range []bool{true, false} {
			tokens := tokenise(text, comments)
			quoted := appendArgs(nil, tokens)
			if got := tokenise(quoted, comments); !slices.Equal(got, tokens) {
				t.Errorf("tokenise(%q) = %q, want %q", quoted, got, tokens)
			}
		}
		for _, token := range tokenise(text, true) {
			if bytes.IndexByte([]byte(token), 0) >= 0 {
				t.Errorf("%q: a token with a NUL, which no argument can have", text)
			}
		}
	})
}

// Whatever a vm.args says, no flag of beaminit's comes out of the filter.
func FuzzFilter(f *testing.F) {
	f.Add([]byte("-sname a -name b -setcookie c d +Bd x -heart -kernel erl_epmd_node_listen_port 1 a b -extra -name c"))
	f.Add([]byte("-start_epmd -sname -epmd"))
	f.Add([]byte("-kernel +B i -mode -proto_dist inet_tls -proto_dist inet_tls -- -boot x"))
	vm, err := os.ReadFile("testdata/toy/vm.args")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(vm)
	f.Fuzz(func(t *testing.T, text []byte) {
		in := tokenise(text, true)
		if slices.Contains(in, "-env") {
			return // its values may look like any flag
		}
		var filter filter
		out := filter.run("vm.args", in)
		if again := filter.run("vm.args", out); !slices.Equal(again, out) && filter.proto == "" {
			t.Errorf("%q comes out as %q, and that as %q", in, out, again)
		}
		for _, arg := range out {
			if arg == "-extra" {
				break
			}
			for _, r := range rules {
				if arg == r.flag {
					t.Errorf("%q: %s comes out: %q", in, arg, out)
				}
			}
		}
	})
}
