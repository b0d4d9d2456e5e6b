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
		{"two lines", "A=a\\\nb\nB=1\n", []string{"B=1"}, `A=a`},
		{"a home", "A=~/x\nB=a~b\nC=\"~\"\nD=/a:~/b\n", []string{"B=a~b", "C=~"}, "A=~/x"},
		{"variables", "export A=$RELEASE_NAME@127.0.0.1\nB=${A}-$GIVEN-${NOT:-x}-$NOT\nC=\"${RELEASE_VSN} \"\n", []string{"A=bird@127.0.0.1", "B=bird@127.0.0.1-yes-x-", "C=1 "}, ""},
		{"a program", "export A=$(hostname)\nB=1\n", []string{"B=1"}, "export A=$(hostname)"},
		{"an old one", "A=`hostname`\n", nil, "A=`hostname`"},
		{"what follows", "A=1; B=2\nC=1 && D=2\n", nil, "A=1; B=2"},
		{"more than a default", "A=${B:-$(x)}\nC=${D%%.*}\n", nil, "A=${B:-$(x)}"},
		{"an open quote", "A='b\n", nil, "A='b"},
		{"a condition", "A=1\nif true; then\n  B=2\nfi\nC=3\n", []string{"A=1", "C=3"}, "if true; then"},
		{"what mix writes", "# case $RELEASE_COMMAND in\n#   *) ;;\n# esac\n", nil, ""},
		{"a choice", "case $X in\n  a) A=1 ;;\nesac\nB=2\n", []string{"B=2"}, "case $X in"},
	} {
		fs := tree(t, "/srv/erlang/releases/1/env.sh: "+tt.script)
		r := &Release{Name: "bird", Version: "1", Root: "/srv/erlang", Dir: "/srv/erlang/releases/1"}
		r.readEnvScript(fs, []string{"GIVEN=yes"})
		if !slices.Equal(r.envScript, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, r.envScript, tt.want)
		}
		said := ""
		if len(r.Problems) > 0 {
			said = r.Problems[0].Error()
		}
		if tt.unknown == "" && said != "" || !strings.Contains(strings.ReplaceAll(said, `\`, ""), tt.unknown) {
			t.Errorf("%s: problem %q, want one of %q", tt.name, said, tt.unknown)
		}
	}
}

func FuzzEnvScript(f *testing.F) {
	f.Add("export A=${B:-c}'d'\"$E\" # f")
	f.Fuzz(func(t *testing.T, line string) {
		if v, ok := assignment(line, []string{"E=1"}); ok && v != "" && !strings.Contains(v, "=") {
			t.Errorf("%q gives %q", line, v)
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
