package release

import (
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// What env.sh of a mix release sets, as a shell would set it, and what is said of the rest.
func TestEnvScript(t *testing.T) {
	for _, tt := range []struct {
		name, script string
		want         []string
		unknown      string // the line that is told of; empty: none
	}{
		{"comments", "#!/bin/sh\n\n# export A=1\n  # B=2\nset -e\n", nil, ""},
		{"words", "export A=1\nB=two\nexport A\nexport C= # nothing\nD=x#y\n", []string{"A=1", "B=two", "C=", "D=x#y"}, ""},
		{"quotes", `A="a b" # c` + "\nB='$A \"x\"'\nC=a\\ b\"c\"'d'\nD=\"it's\"\n", []string{"A=a b", `B=$A "x"`, "C=a bcd", "D=it's"}, ""},
		{"a backslash in quotes", `A="a\b \$c \"d\" \\e"` + "\nB=a\\b\n", []string{`A=a\b $c "d" \e`, "B=ab"}, ""},
		{"two lines", "A=a\\\nb\nB=1\n", []string{"A=ab", "B=1"}, ""},
		{"a home", "A=~/x\nB=a~b\nC=\"~\"\nD=/a:~/b\n", []string{"B=a~b", "C=~"}, "A=~/x"},
		{"variables", "export A=$RELEASE_NAME@127.0.0.1\nB=${A}-$GIVEN-${NOT:-x}-$NOT\nC=\"${RELEASE_VSN} \"\n", []string{"A=bird@127.0.0.1", "B=bird@127.0.0.1-yes-x-", "C=1 "}, ""},
		{"a program", "export A=$(hostname)\nB=1\n", []string{"B=1"}, "export A=$(hostname)"},
		{"an old one", "A=`hostname`\n", nil, "A=`hostname`"},
		{"what follows", "A=1; B=2\nC=1 && D=2\n", []string{"A=1", "B=2"}, "C=1 && D=2"},
		{"more than a default", "A=${B:-$(x)}\nC=${GIVEN%%.*}\n", nil, "A=${B:-$(x)}"},
		{"of nothing", "A=${B##*-}\nC=${B%.*}x\n", []string{"A=", "C=x"}, ""},
		{"kinds of defaults", "A=${N-1}\nB=${N:=two}\nC=${GIVEN:+it is}\nD=${N:+x}\nE=${N:-${M:-$GIVEN}}\nF=\"${N:-'a b'}\"\n",
			[]string{"A=1", "B=two", "D=", "E=yes", "F='a b'"}, "C=${GIVEN:+it is}"},
		{"several in one", "export A=1 B=\"x y\" C\nD=1 E=2\nexport\tF=3\nG=1 program\n", []string{"A=1", "B=x y", "D=1", "E=2", "F=3"}, "G=1 program"},
		{"a condition in one line", "if [ -n \"$X\" ]; then export A=1; fi\nexport B=2\n", []string{"B=2"}, `if [ -n "$X" ]`},
		{"loops in one line", "for i in 1 2; do A=$i; done\nwhile read l; do B=$l; done < /x\nC=1\n", []string{"C=1"}, "for i in 1 2"},
		{"nested", "if a; then\n if b; then\n A=1\n else\n B=1\n fi\n C=1\nfi\nD=1\n", []string{"D=1"}, "if a"},
		{"functions", "f() {\n  A=1\n}\nfunction g {\n B=1\n}\nh ()\n{\n C=1\n}\nk() { D=1; }\nE=1\n", []string{"E=1"}, "f() {"},
		{"groups", "(\n A=1\n)\n{\n B=1\n}\n[ x ] && {\n C=1\n}\nD=1\n", []string{"D=1"}, "("},
		{"a document", "cat > /x <<EOF\nA=1\nEOF\ncat <<-'END' > /y\n\tB=1\n\tEND\nC=1\n", []string{"C=1"}, "cat > /x <<EOF"},
		{"text over lines", "A=\"a\nB=1\"\nC=$(echo 'x\nD=1')\nE=1\n", []string{"A=a\nB=1", "E=1"}, "C=$(echo"},
		{"what a shell found out", "ip=$(hostname -i)\nexport A=$ip:80\nB=1\n", []string{"B=1"}, "ip=$(hostname -i)"},
		{"it is said", "set -e\necho \"Starting $X\"\n:\nA=1\n", []string{"A=1"}, ""},
		{"host names", "export RELEASE_NODE=\"bird@$(hostname -f)\"\n", []string{"RELEASE_NODE=bird"}, ""},
		{"host names of old", "RELEASE_NODE=bird@`hostname`\n", []string{"RELEASE_NODE=bird"}, ""},
		{"an address", "ip=$(cat /x)\nexport RELEASE_NODE=\"bird@$ip\"\n", []string{"RELEASE_NODE=bird@$ip"}, "ip=$(cat /x)"},
		{"the words of export come first", "A=1\nexport A=2 B=$A\nA=3 C=$A\n", []string{"A=1", "A=2", "B=1", "A=3", "C=3"}, ""},
		{"empty is set", "A=\nB=${A-x}\nC=${A:-x}\nD=${N-x}\n", []string{"A=", "B=", "C=x", "D=x"}, ""},
		{"quotes in quotes", "A=\"${N:-\"x\"}\"\nB=\"${N:-a b}\"\n", []string{"B=a b"}, "A="},
		{"some of a command", "export A=1 B=$(x)\nC=${B-z}\n", nil, "export A=1 B=$(x)"},
		{"the end of a line elsewhere", "export A=1\r\nB=2\r\n", []string{"A=1", "B=2"}, ""},
		{"an open quote", "A='b\n", nil, "A='b"},
		{"a condition", "A=1\nif true; then\n  B=2\nfi\nC=3\n", []string{"A=1", "C=3"}, "if true"},
		{"what mix writes", "# case $RELEASE_COMMAND in\n#   *) ;;\n# esac\n", nil, ""},
		{"a choice", "case $X in\n  a) A=1 ;;\nesac\nB=2\n", []string{"B=2"}, "case $X in"},
	} {
		fs := tree(t, "/srv/erlang/releases/1/env.sh: "+tt.script)
		r := &Release{Name: "bird", Version: "1", Root: "/srv/erlang", Dir: "/srv/erlang/releases/1"}
		r.readEnvScript(fs, []string{"GIVEN=yes"})
		if !slices.Equal(r.envScript, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, r.envScript, tt.want)
		}
		said := strings.Join(r.notes, "")
		if len(r.Problems) > 0 {
			said += r.Problems[0].Error()
		}
		if tt.unknown == "" && said != "" || !strings.Contains(strings.ReplaceAll(said, `\`, ""), tt.unknown) {
			t.Errorf("%s: problem %q, want one of %q", tt.name, said, tt.unknown)
		}
	}
}

// What is taken from a script is what sh(1) makes of it, and what is not is told: scripts put
// together of pieces, each with the same seed every time.
func TestEnvScriptAsShell(t *testing.T) {
	values := strings.Split(`x|"a b"|'q $A'|a\ b|$A|${B}|"$A-${C}"|${A:-z}|${B-z}|${D:+z}|${A:-$B}|"${A:-a b}"|"${B:-'q'}"|${A##*-}|$(echo k)|`+"`echo j`"+`||'it'"s"|a#b|x=y|"a\"b\\c\d"|a:~|$((1+1))|*|${A:-${B:-deep}}|"\$A"|-$C-`, "|")
	forms := []string{"%s=%v\n", "export %s=%v\n", "export %s=%v %s=%v # c\n", "%s=%v; %s=%v\n", "if [ -n \"$%s\" ]; then export %s=%v; fi\n",
		"if true\nthen\n %s=%v\nelse\n %s=%v\nfi\n", "f() {\n %s=%v\n}\n", "cat > /dev/null <<EOF\n%s=here\nEOF\n", "[ -z \"$%s\" ] && %s=%v\n",
		"case $%s in\n x) %s=%v ;;\n *)\n  %s=%v\n  ;;\nesac\n", "for i in 1 2; do %s=$i; done\n", "# %s=c\n", "f() { %s=%v; }; f\n"}
	const print = `; for n in A B C D; do eval "v=\$$n"; printf '%s=%s\0' $n "$v"; done`
	for seed := range 150 {
		random := rand.New(rand.NewPCG(uint64(seed), 0))
		script := ""
		for range 5 {
			form := strings.ReplaceAll(forms[random.IntN(len(forms))], "$%s", "$A")
			for strings.Contains(form, "%") {
				form = strings.Replace(form, "%s", string("ABCD"[random.IntN(4)]), 1)
				form = strings.Replace(form, "%v", values[random.IntN(len(values))], 1)
			}
			script += form
		}
		const path = "/srv/erlang/releases/1/env.sh"
		fs := tree(t, path+": "+script)
		r := &Release{Name: "bird", Version: "1", Root: "/srv/erlang", Dir: "/srv/erlang/releases/1"}
		r.readEnvScript(fs, nil)
		sh := exec.Command("sh", "-c", ". "+string(fs)+path+" >/dev/null"+print)
		sh.Env = []string{"PATH=/bin:/usr/bin", "HOME=/h"}
		out, err := sh.Output()
		if err != nil {
			t.Fatalf("%v\n%s", err, script)
		}
		told := ""
		for _, err := range r.Problems {
			told += err.Error() + ","
		}
		for _, want := range strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00") {
			name, value, _ := strings.Cut(want, "=")
			lost := strings.Contains(told, " "+name+",")
			if got := valueOf(r.envScript, name); !lost && got != value {
				t.Errorf("%s is %q, sh has %q; told %s of\n%s", name, got, value, told, script)
			}
		}
	}
}

// What is not run of env.sh is a problem until release.env has what it sets; what sets nothing
// is a note.
func TestNotRun(t *testing.T) {
	const script = "/srv/erlang/releases/1/env.sh: has "
	for _, tt := range []struct{ script, given, problem, note string }{
		{"A=$(x)\n[ y ] && export B=1\nC=$A\n", "", script + `"A=$(x)" and 2 more for a shell, and is not run: there is no shell; want what it sets in release.env: A, B, C`, ""},
		{"A=$(x)\nif y; then export B=1; fi\n", "A=1", script + `"if y", and is not run: there is no shell; want what it sets in release.env: B`, ""},
		{"if y; then export A=1; fi\n", "A=1", "", ""},
		{"A=$(x)\n[ y ] && export B=1\n", "A=1 B=", "", ""},
		{"mkdir -p /x\ncd /x\n", "", "", script + `"mkdir -p /x" and 1 more for a shell, and is not run: there is no shell; want release.pre_run where it is needed`},
	} {
		r := &Release{Name: "bird", Version: "1", Root: "/srv/erlang", Dir: "/srv/erlang/releases/1"}
		r.readEnvScript(tree(t, "/srv/erlang/releases/1/env.sh: "+tt.script), strings.Fields(tt.given))
		problem := ""
		for _, err := range r.Problems {
			problem += err.Error()
		}
		if note := strings.Join(r.notes, "; "); problem != tt.problem || note != tt.note {
			t.Errorf("%q with %q: problem\n%s\nnote\n%s\nwant\n%s\n%s", tt.script, tt.given, problem, note, tt.problem, tt.note)
		}
	}
}

func FuzzEnvScript(f *testing.F) {
	f.Add("export A=${B:-c}'d'\"$E\" # f")
	f.Fuzz(func(t *testing.T, line string) {
		for _, c := range commands(line) {
			set, ok := assignments(c, []string{"E=1"})
			for _, v := range set {
				if !ok || !strings.Contains(v, "=") {
					t.Errorf("%q gives %q", line, v)
				}
			}
		}
	})
}

// Parameters of kernel as a sys.config has them.
func TestParameter(t *testing.T) {
	const text = "%% {inet_dist_use_interface, {1,2,3,4}}\n[{kernel, [{inet_dist_use_interface , {10, 77,0,11}}, {start_distribution,\n false}]},\n" +
		" {x, [{transport, tcp}]}, {epmdless, [{transport, tls}]}, {y"
	for name, want := range map[string]string{
		"inet_dist_use_interface": "{10,77,0,11}", "start_distribution": "false", "transport": "tcp", "not_there": "", "y": "", "kernel": "[{inet_dist_use_interface,{10,77,0,11}},{start_distribution,false}]",
	} {
		if got := parameter([]byte(text), name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if !anyIs([]byte(text), "transport", "tls") || anyIs([]byte(text), "transport", "none") {
		t.Error("transport: want tls among them, and no none")
	}
	for tuple, want := range map[string]string{
		"{10,77,0,11}": "10.77.0.11", "{0,0,0,0}": "invalid IP", "{0,0,0,0,0,0,0,1}": "::1", "{16#fd,2}": "invalid IP", "": "invalid IP", "{10,77,0,256}": "invalid IP", "{64768,0,0,0,0,0,0,7}": "fd00::7",
	} {
		if got := listensOn(tuple).String(); got != want {
			t.Errorf("%s: %s, want %s", tuple, got, want)
		}
	}
}

// A release talks to its own nodes by a carrier of its own; a shell, by that of OTP.
func TestCarrierOf(t *testing.T) {
	for proto, want := range map[string]string{
		"inet_tcp": "inet_tcp", "inet6_tls": "inet6_tls", "epmdless_proto": "inet_tcp", "Elixir.Caravan.Epmd.Dist": "inet_tcp", "": "inet_tcp",
	} {
		if got := carrierOf(proto); got != want {
			t.Errorf("%q: %s, want %s", proto, got, want)
		}
	}
}
