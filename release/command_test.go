package release

import (
	"flag"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/config"
)

var update = flag.Bool("update", false, "write the golden files anew")

// node is a node of a cluster of three.
func node() Inputs {
	return Inputs{
		Release:      config.Release{Path: []string{"/srv/erlang"}, Tmp: "/run/beaminit/release"},
		Distribution: config.Distribution{Names: "short", Port: 17012, EPMD: "none", CookieFile: "/data/cookie", Connect: true},
		Hostname:     "eclero6",
		Peers:        []string{"eclero6", "eclero8", "eclero10"},
		Inetrc:       "/run/beaminit/inetrc",
		Cookie:       []byte("monster\n"),
		StopTimeout:  10 * time.Second,
		Notify:       "/run/beaminit/notify",
		Dump:         "/run/beaminit/dumps/erl_crash-3f2a91c0-1.dump", DumpBytes: 4 << 20, DumpSeconds: 30,
	}
}

func TestCommand(t *testing.T) {
	erts := ertsAt("/srv/erlang/erts-13.1.5")
	systools := with(erts, []string{"/srv/erlang/releases/eclero.rel", "/srv/erlang/releases/0.1.0/start.boot", "/srv/erlang/releases/0.1.0/sys.config: []."})
	vmargs, err := os.ReadFile("testdata/toy/vm.args")
	if err != nil {
		t.Fatal(err)
	}
	relx := with(erts, []string{"/srv/erlang/releases/start_erl.data: 13.1.5 0.1.0", "/srv/erlang/releases/0.1.0/toliman.rel",
		"/srv/erlang/releases/0.1.0/start.boot", "/srv/erlang/releases/0.1.0/start_clean.boot",
		"/srv/erlang/releases/0.1.0/sys.config: [].", "/srv/erlang/releases/0.1.0/vm.args: " + string(vmargs)})
	mix := with(ertsAt("/srv/erlang/erts-15.2"), []string{"/srv/erlang/releases/start_erl.data: 15.2 0.2.0", "/srv/erlang/releases/COOKIE: FROMMIX==",
		"/srv/erlang/releases/0.2.0/my_app.rel", "/srv/erlang/releases/0.2.0/start.boot", "/srv/erlang/releases/0.2.0/start_clean.boot",
		"/srv/erlang/releases/0.2.0/elixir", "/srv/erlang/releases/0.2.0/env.sh", "/srv/erlang/releases/0.2.0/remote.vm.args",
		"/srv/erlang/releases/0.2.0/sys.config: %% coding: utf-8\n%% RUNTIME_CONFIG=true\n[{kernel,[{inetrc,\"/etc/erl_inetrc\"},{sync_nodes_optional,[a@b]}]}].\n",
		"/srv/erlang/releases/0.2.0/vm.args: ## Customize flags\n#-heart\n\n+S 2:2\n"})

	// The vm.args of the eclero nodes, as they were when they had variables.
	eclero, err := os.ReadFile("testdata/eclero/vm.args.src")
	if err != nil {
		t.Fatal(err)
	}
	templates := with(erts, []string{"/srv/erlang/releases/start_erl.data: 13.1.5 0.1.0", "/srv/erlang/releases/0.1.0/eclero.rel",
		"/srv/erlang/releases/0.1.0/start.boot", "/srv/erlang/releases/0.1.0/vm.args: -not this",
		"/srv/erlang/releases/0.1.0/vm.args.src: " + string(eclero),
		"/srv/erlang/releases/0.1.0/sys.config.src: [{a,[{b,\"${WORD}\"},{c,${C:-3}},{node,'${RELEASE_NODE}'}]},{d,${NOBODY}}]."})

	cases := []struct {
		name   string
		files  []string
		change func(in *Inputs)
	}{
		{"relx-templates", templates, func(in *Inputs) { in.Release.Env = []string{"WORD=open"} }},
		{"systools", systools, func(in *Inputs) { in.Distribution.Name = "eclero" }},
		{"relx", relx, func(in *Inputs) { in.Cookie = nil }},
		{"relx-config-wins", relx, func(in *Inputs) {
			in.Release.Args = strings.Fields("first +sbwt none -name other@host -mode embedded -erl_epmd_port 1 -proto_dist inet_tls -proto_dist inet_tls -setcookie hush -extra -name stays")
			in.Release.Env = []string{"ERL_AFLAGS=-setcookie hush +S 1 -toyflag 'a b'", "HOME=/data/home", "LANG=de_DE.UTF-8", "MY=a=b"}
		}},
		{"system-erts", with(ertsAt("/usr/lib/erlang/erts-13.1.5"), []string{"/srv/erlang/my app/releases/start_erl.data: 13.1.5 1", "/srv/erlang/my app/releases/1/start.boot"}),
			func(in *Inputs) { in.Distribution.Connect = false; in.Inetrc = ""; in.Cookie = nil }},
		{"mix", mix, func(in *Inputs) { in.Cookie = nil; in.Hostname = "bird-1.farm.local"; in.Distribution.Names = "long" }},
		{"module", relx, func(in *Inputs) {
			in.Distribution.EPMD, in.Distribution.Port = "module:epmdless_client", 17013
		}},
		{"epmd", relx, func(in *Inputs) {
			in.Distribution.EPMD = "daemon"
			in.Release.Args = strings.Fields("-kernel inet_dist_listen_min 9100 x y -start_epmd true")
		}},
		{"tls", relx, func(in *Inputs) {
			in.Distribution.TLS = config.TLS{Cert: "/data/cert.pem", Key: `/data/a "key".pem`, CA: "/data/ca.pem"}
			in.Release.Args = strings.Fields("-proto_dist inet_tls -ssl_dist_optfile /etc/tls.config -mode embedded")
			in.IPv6 = true
		}},
		{"tls-of-the-release", systools, func(in *Inputs) {
			in.Release.Args = strings.Fields("-proto_dist inet_tls -ssl_dist_optfile /etc/tls.config")
		}},
		{"shell", relx, func(in *Inputs) {
			in.Term = "linux"
			in.Release.Args = strings.Fields("+Bd -noshell -toyflag -extra -noinput")
		}},
		{"iex", with(mix, []string{"/srv/erlang/lib/elixir-1.18.3/ebin/elixir.app", "/srv/erlang/lib/iex-1.18.3/ebin/iex.app"}), func(in *Inputs) {
			in.Term = "vt220"
		}},
		{"iex-1.16", with(mix, []string{"/srv/erlang/lib/elixir-1.16.0/ebin/elixir.app", "/srv/erlang/lib/iex-1.16.0/ebin/iex.app"}), func(in *Inputs) {
			in.Term, in.Release.Args = "linux", strings.Fields("-extra mine")
		}},
		{"iex-1.14", with(mix, []string{"/srv/erlang/lib/elixir-1.14.0/ebin/elixir.app", "/srv/erlang/lib/iex-1.14.0/ebin/iex.app"}), func(in *Inputs) {
			in.Term = "linux"
		}},
		{"iex-of-its-own", with(mix, []string{"/srv/erlang/lib/elixir-1.18.3/ebin/elixir.app", "/srv/erlang/lib/iex-1.18.3/ebin/iex.app"}), func(in *Inputs) {
			in.Term, in.Release.Args = "linux", strings.Fields("+Bc -noshell -user elixir -run elixir start_iex -extra --no-halt")
		}},
		{"no-iex", mix, func(in *Inputs) { in.Term = "linux" }},
		{"ipv6", systools, func(in *Inputs) { in.IPv6 = true }},
		{"long-by-domain", systools, func(in *Inputs) { in.Distribution.Names = "long"; in.Domain = "lan" }},
		{"long-without-domain", systools, func(in *Inputs) { in.Distribution.Names = "long"; in.Cookie = []byte("schl\xc3\xbcssel") }},
		{"heart", relx, func(in *Inputs) {
			in.Release.Args = []string{"-heart", "-heart"}
			in.WhoseHeart = func() Heart { return OwnHeart }
		}},
		{"heart-by-path", relx, func(in *Inputs) {
			in.Release.Env = append(in.Release.Env, "PATH=/opt/bin")
			in.WhoseHeart = func() Heart { return PathHeart }
		}},
		{"heart-wanted", systools, func(in *Inputs) { in.Heart = true; in.WhoseHeart = func() Heart { return OwnHeart } }},
		{"heart-missing", systools, func(in *Inputs) { in.Heart = true }},
		{"wait-for-peers", systools, func(in *Inputs) { in.WaitForPeers = true }},
		{"distributed", with(systools, []string{"/srv/erlang/releases/0.1.0/sys.config: [{kernel,[{distributed, [{proxima,0,['toliman@n1',{'toliman@n2','toliman@n3'}]}]}]}]."}), func(in *Inputs) { in.Keepalive = true }},
		{"no-hostname", systools, func(in *Inputs) { in.Hostname = ""; in.Peers = nil; in.StopTimeout = 0; in.Notify = "" }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			in := node()
			c.change(&in)
			r, err := Find(tree(t, c.files...), in.Release)
			if err != nil {
				t.Fatal(err)
			}
			if in.Term != "" {
				r.FindIEx(tree(t, c.files...))
			}
			command := r.Command(in)
			got := golden(r, &command)
			if c.name == "relx-templates" {
				filled(t, &command)
			}
			path := "testdata/" + c.name + ".golden"
			if *update {
				write(t, path, got)
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant %s:\n%s", got, path, want)
			}
			secret(t, &command, got)
		})
	}
}

// filled looks at the sys.config, which no golden file shows.
func filled(t *testing.T, c *Command) {
	t.Helper()
	want := `[{a,[{b,"open"},{c,3},{node,'eclero@eclero6'}]},{d,}].`
	for _, f := range c.Files {
		if strings.HasSuffix(f.Path, "/sys.config") && string(f.Content) == want {
			return
		}
	}
	t.Errorf("no sys.config with %s", want)
}

// secret wants no cookie anywhere but in its file.
func secret(t *testing.T, c *Command, shown string) {
	t.Helper()
	for _, f := range c.Files {
		if !f.Secret {
			shown += string(f.Content)
		}
	}
	shown += strings.Join(c.Argv, " ") + strings.Join(c.Env, " ")
	for _, cookie := range []string{"monster", "hush", "sesame", "FROMMIX", "schl"} {
		if strings.Contains(shown, cookie) {
			t.Errorf("the cookie %q can be seen", cookie)
		}
	}
}

func golden(r *Release, c *Command) string {
	var b strings.Builder
	for _, l := range r.Why {
		b.WriteString("why: " + l + "\n")
	}
	for _, l := range c.Lines() {
		b.WriteString(l + "\n")
	}
	for _, n := range c.Notes {
		b.WriteString("note: " + n + "\n")
	}
	for _, err := range append(r.Problems, c.Problems...) {
		b.WriteString("problem: " + err.Error() + "\n")
	}
	return b.String()
}

// The command is a value: making it twice gives the same, and changes nothing in
// the release or the inputs.
func TestCommandIsPure(t *testing.T) {
	r, err := Find(tree(t, with(ertsAt("/srv/erlang/erts-13.1.5"), []string{"/srv/erlang/releases/1/start.boot", "/srv/erlang/releases/1/vm.args: -sname a -x b +K true"})...), srv)
	if err != nil {
		t.Fatal(err)
	}
	in := node()
	in.Release.Args = []string{"-name", "x", "+S", "1"}
	in.Release.Env = []string{"HOME=/x"}
	a := r.Command(in)
	b := r.Command(in)
	if x, y := golden(r, &a), golden(r, &b); x != y {
		t.Errorf("first\n%s\nthen\n%s", x, y)
	}
	if got := strings.Join(in.Release.Args, " ") + strings.Join(r.args, " "); got != "-name x +S 1-sname a -x b +K true" {
		t.Errorf("the inputs are now %q", got)
	}
}

func TestNodeName(t *testing.T) {
	for in, want := range map[string]string{"eclero": "eclero", "my app@x": "my_app_x", "a.b-c_9": "a_b-c_9", "": "node", "é": "__"} {
		if got := nodeName(in); got != want {
			t.Errorf("nodeName(%q) = %q, want %q", in, got, want)
		}
	}
	for _, c := range []struct {
		n          naming
		host, want string
	}{
		{naming{}, "eclero6.lan", "eclero6"},
		{naming{}, "eclero6", "eclero6"},
		{naming{long: true, domain: "lan"}, "eclero6", "eclero6.lan"},
		{naming{long: true, domain: "lan"}, "eclero6.farm", "eclero6.farm"},
		{naming{long: true, domain: "lan"}, netip.MustParseAddr("10.0.0.1").String(), "10.0.0.1"},
	} {
		if got := c.n.of(c.host); got != c.want {
			t.Errorf("%+v of %s is %s, want %s", c.n, c.host, got, c.want)
		}
	}
}

// Only what is not used as it stands there is worth a line on the console.
func TestNotesOfNameAndCookie(t *testing.T) {
	for _, c := range []struct {
		vmargs, names, cookie string
		want                  string
	}{
		{"-sname hello -setcookie monster", "short", "monster\n", ""},
		{"-sname hello@eclero6", "short", "monster", ""},
		{"-name hello@eclero6.lan -setcookie sesame", "long", "", ""},
		{"-sname hello@elsewhere", "short", "monster", "vm.args: -sname hello@elsewhere is left out: the node is hello@eclero6 "},
		{"-name hello@127.0.0.1", "short", "monster", "vm.args: -name hello@127.0.0.1 is left out: the node is hello@eclero6 "},
		{"-sname ${NODE}", "short", "monster", "vm.args: -sname ${NODE} is left out: the node is erlang@eclero6 "},
		{"-sname hello -setcookie sesame", "short", "monster", "vm.args: -setcookie is left out: the cookie in /data/cookie is used"},
	} {
		in := node()
		in.Domain = "lan"
		in.Distribution.Names = c.names
		if in.Cookie = []byte(c.cookie); c.cookie == "" {
			in.Cookie = nil
		}
		r, err := Find(tree(t, with(ertsAt("/srv/erlang/erts-13.1.5"), []string{"/srv/erlang/releases/1/start.boot", "/srv/erlang/releases/1/vm.args: " + c.vmargs})...), srv)
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(r.Command(in).Notes, "\n")
		if !strings.HasPrefix(got, c.want) || c.want == "" && got != "" {
			t.Errorf("%s: notes %q, want %q", c.vmargs, got, c.want)
		}
	}
}

// What the release says of itself is a value where the configuration is silent.
func TestFilter(t *testing.T) {
	var f filter
	f.run("release.args", strings.Fields("-sname ${NODE}@host -mode interactive"))
	f.run("vm.args", strings.Fields("-setcookie one -name app@${HOST} -mode embedded -setcookie two -name other -kernel sync_nodes_mandatory [] x 1"))
	if f.name != "app" || f.mode != "interactive" || f.cookie.value != "one" || !f.hidden || !f.syncNodes {
		t.Errorf("got %+v", f)
	}
	r := &Release{Root: "/srv/erlang"}
	in, c := node(), Command{}
	in.Cookie = nil
	if got := r.chooseCookie(&in, &c, &f); string(got) != "one" || len(c.Problems) != 1 || !strings.Contains(c.Problems[0].Error(), "more than once") {
		t.Errorf("cookie %q, problems %v, want the first one and why", got, c.Problems)
	}
	n := naming{name: "app", host: "eclero6"}
	if got := r.extraConfig(&in, &c, &n, &f); strings.Contains(string(got), "sync_nodes") {
		t.Errorf("sets sync_nodes beside the release's own: %s", got)
	}
}

func TestFingerprint(t *testing.T) {
	// CRC-32 of "123456789" is cbf43926 (the check value of its definition).
	if got, want := (&Command{cookie: []byte("123456789")}).Fingerprint(), "f2d2"; got != want {
		t.Errorf("Fingerprint = %s, want %s", got, want)
	}
}

func TestCookies(t *testing.T) {
	for _, c := range []struct{ text, cookie, wrong string }{
		{"monster", "monster", ""},
		{"monster\r\n", "monster", ""},
		{" a b ", " a b", ""},
		{"\n", "", "is empty"},
		{"a\nb", "", "has other characters"},
		{strings.Repeat("x", 255), strings.Repeat("x", 255), ""},
		{strings.Repeat("x", 256), "", "is too long for an atom"},
	} {
		cookie, wrong := cleanCookie([]byte(c.text))
		if string(cookie) != c.cookie || wrong != c.wrong {
			t.Errorf("%q: %q, %q, want %q, %q", c.text, cookie, wrong, c.cookie, c.wrong)
		}
	}
}

// BenchmarkBoot is what a boot spends in this room but for Prepare.
func BenchmarkBoot(b *testing.B) {
	root := b.TempDir() + "/srv/erlang"
	for _, f := range append(ertsAt("/erts-13.1.5"), "/releases/0.1.0/start.boot", "/releases/0.1.0/sys.config", "/releases/eclero.rel") {
		if err := os.MkdirAll(root+f[:strings.LastIndexByte(f, '/')], 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(root+f, nil, 0o755); err != nil {
			b.Fatal(err)
		}
	}
	in := node()
	in.Release.Path = []string{root}
	b.ReportAllocs()
	for range b.N {
		r, err := Find(Root("/"), in.Release)
		if err != nil {
			b.Fatal(err)
		}
		r.Command(in)
	}
}
