package release

import (
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/config"
)

// How a remote shell is started: the flags and the environment of the VM that it is, on the
// node, and the line that does it elsewhere.
func TestRemoteShell(t *testing.T) {
	// What systools:make_script has for an application, as codeDirs finds it.
	const paths = "\x83k\x00\x1b$ROOT/lib/kernel-8.5.3/ebink\x00\x1b$ROOT/lib/bird-1.0-rc1/ebin"
	own := with(ertsAt("/srv/erlang/erts-13.1.5"), []string{"/srv/erlang/releases/start_erl.data: 13.1.5 1", "/srv/erlang/lib/kernel-8.5.3/ebin/kernel.app",
		"/srv/erlang/releases/1/bird.rel", "/srv/erlang/releases/1/start.boot: " + paths})
	clean := with(own, []string{"/srv/erlang/releases/1/start_clean.boot"})
	mix := with(ertsAt("/srv/erlang/erts-15.2"), []string{"/srv/erlang/releases/start_erl.data: 15.2 1", "/srv/erlang/releases/COOKIE: c",
		"/srv/erlang/releases/1/bird.rel", "/srv/erlang/releases/1/start.boot", "/srv/erlang/releases/1/start_clean.boot",
		"/srv/erlang/lib/elixir-1.18.3/", "/srv/erlang/lib/iex-1.18.3/"})
	var got strings.Builder
	for _, c := range []struct {
		name   string
		files  []string
		change func(in *Inputs)
	}{
		{"systools", own, func(in *Inputs) {}},
		{"relx, long names, IPv6", clean, func(in *Inputs) {
			in.Distribution.Names, in.Domain, in.IPv6 = "long", "lan", true
			in.Release.Env = []string{"ERL_FLAGS=+S 4", "LANG=de_DE.UTF-8", "TERM=none"}
		}},
		{"mix, OTP 27, TLS", mix, func(in *Inputs) {
			in.Distribution.TLS = config.TLS{Cert: "/data/cert.pem", Key: "/data/key.pem", CA: "/data/ca.pem"}
		}},
		{"TLS of the release, a library of its own", clean, func(in *Inputs) {
			in.Release.Args = strings.Fields("-proto_dist inet_tls -ssl_dist_opt server_secure_renegotiate true -boot_var LIBS /opt/libs +S 1")
		}},
		{"epmdless", clean, func(in *Inputs) {
			in.Distribution.EPMD, in.Distribution.Port = "module:epmdless_client", 17013
			in.Release.Args = strings.Fields("-proto_dist epmdless_proto")
		}},
	} {
		in := node()
		c.change(&in)
		fsys := tree(t, c.files...)
		r, err := Find(fsys, in.Release)
		if err != nil {
			t.Fatal(err)
		}
		cmd := r.Command(in)
		iex, _, ok := r.IEx(fsys)
		argv, env, err := r.RemoteShellCommand(fsys, &in, &cmd, RemoteShell{Name: "remote-7", Inetrc: "/proc/self/fd/3", Env: []string{"TERM=xterm"}}, iex, []string{"-remsh", cmd.Node})
		if err != nil {
			t.Fatal(err)
		}
		line, needs := cmd.RemoteShellLine(in.Distribution.Port, netip.MustParseAddr("192.168.7.6"), ok)
		got.WriteString(c.name + "\n  " + strings.ReplaceAll(strings.Join(argv, " "), " -", "\n    -") + "\n  " + strings.Join(env, "\n  ") + "\n  " + line + "\n  # " + strings.Join(needs, "\n  # ") + "\n")
	}
	const path = "testdata/remoteshell.golden"
	if *update {
		write(t, path, got.String())
	}
	if want, err := os.ReadFile(path); err != nil || got.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s%v", got.String(), want, err)
	}
}

// IEx is started as the scripts of its version do.
func TestIEx(t *testing.T) {
	for version, want := range map[string]string{
		"1.14.0": "-noshell -user Elixir.IEx.CLI", "1.15.0-rc.1": "-noshell -s elixir start_iex -user elixir",
		"1.16.3": "-noshell -s elixir start_iex -user elixir", "1.17.0": "-noshell -user elixir", "1.20.4": "-noshell -user elixir",
	} {
		r := Release{Root: "/srv/erlang", Mix: true}
		flags, extra, ok := r.IEx(tree(t, "/srv/erlang/lib/elixir-"+version+"/", "/srv/erlang/lib/iex-"+version+"/", "/srv/erlang/lib/iex-1.9.0/"))
		if got := strings.Join(flags, " "); !ok || strings.Join(extra, " ") != "--no-halt +iex" || got != want+" -elixir ansi_enabled true" {
			t.Errorf("%s: %s, want %s", version, got, want)
		}
	}
	if _, _, ok := (&Release{Root: "/srv/erlang", Mix: true}).IEx(tree(t, "/srv/erlang/lib/iex-1.9.0/")); ok {
		t.Error("IEx without its Elixir")
	}
}

func TestInetrc(t *testing.T) {
	for address, want := range map[string]string{
		"192.168.7.6":      `{host,{192,168,7,6},["a\"b"]}. {lookup,[file]}.`,
		"::ffff:10.0.0.1":  `{host,{10,0,0,1},["a\"b"]}. {lookup,[file]}.`,
		"fd77::1:ffff:2:0": `{host,{16#fd77,16#0,16#0,16#0,16#1,16#ffff,16#2,16#0},["a\"b"]}. {lookup,[file]}.`,
	} {
		if got := Inetrc(`a"b`, netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}

func TestCall(t *testing.T) {
	for _, c := range [][2]string{{"lists", "apply('lists','é'"}, {"Bird.Word", "apply('Elixir.Bird.Word','é'"}, {"Elixir.Bird", "apply('Elixir.Bird','é'"}} {
		want := strings.ReplaceAll(c[1], "é", `\x{e9}`) + `,["\x{20ac}"]) of`
		if got := Call(c[0], "é", `["€"]`); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s in it", c[0], got, want)
		}
	}
}

func TestCallAnswer(t *testing.T) {
	for _, c := range []struct {
		out, printed, result string
		failed, ok           bool
	}{
		{out: "hi {ok, {1, 7}}\n[a]\n{ok, {0, 4}}", printed: "hi {ok, {1, 7}}\n", result: "[a]\n", ok: true},
		{out: "undef\n{ok, {1, 6}}", result: "undef\n", failed: true, ok: true},
		{out: "{error, \"*** syntax error before: ')'\"}"},
		{out: "a\n{ok, {0, 3}}"},
		{out: "a\n{ok, {2, 2}}"},
		{out: "a\n{ok, {0, -2}}"},
		{out: ""},
	} {
		printed, result, failed, ok := ParseErlCall([]byte(c.out))
		if string(printed) != c.printed || string(result) != c.result || failed != c.failed || ok != c.ok {
			t.Errorf("%q: got %q, %q, %v, %v", c.out, printed, result, failed, ok)
		}
	}
}

func FuzzCallAnswer(f *testing.F) {
	f.Add([]byte("[a]\n{ok, {0, 4}}"))
	f.Fuzz(func(t *testing.T, out []byte) {
		printed, result, _, ok := ParseErlCall(out)
		if ok && !strings.HasPrefix(string(out), string(printed)+string(result)+"{ok, {") {
			t.Errorf("%q: %q and %q", out, printed, result)
		}
	})
}
