package release

import (
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
			[]string{"A=1", "B=two", "D=", "E=yes", "F=a b"}, "C=${GIVEN:+it is}"},
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
