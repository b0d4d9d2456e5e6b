package config

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestNextParam follows the kernel's next_arg in all its corners.
func TestNextParam(t *testing.T) {
	v := func(name, value string) param { return param{name: name, value: value} }
	b := func(name string) param { return param{name: name, bare: true} }
	for _, tt := range []struct {
		line string
		want []param
	}{
		{"", nil},
		{" \t\n", nil},
		{"ro", []param{b("ro")}},
		{"a=1  b\tc=\n", []param{v("a", "1"), b("b"), v("c", "")}},
		{`a="x y" b`, []param{v("a", "x y"), b("b")}},
		{`"a=x y" b`, []param{v("a", "x y"), b("b")}},
		{`a=x" "y b`, []param{v("a", `x" "y`), b("b")}}, // quotes within stay
		{`a="x y`, []param{v("a", "x y")}},              // never closed
		{`a="x"y`, []param{v("a", `x"y`)}},              // only the first goes
		{`"a b"`, []param{b("a b")}},
		{`"a b`, []param{b("a b")}},
		{`"`, []param{b("")}},
		{`""`, []param{b("")}},
		{`a="`, []param{v("a", "")}},
		{`a=""`, []param{v("a", "")}},
		{`"a="`, []param{v("a", "")}},
		{`a="x\" b`, []param{v("a", `x\`), b("b")}}, // no escapes
		{`=a`, []param{b("=a")}},                    // a name is not empty
		{`=a=b`, []param{v("=a", "b")}},
		{`a=b=c`, []param{v("a", "b=c")}},
		{"a=\xa0b", []param{v("a", ""), b("b")}},
		{`dyndbg="file a +p; file b +p" quiet -- -s "x y"`, []param{v("dyndbg", "file a +p; file b +p"), b("quiet"), b("--"), b("-s"), b("x y")}},
	} {
		var got []param
		for line := skipSpace(tt.line); line != ""; {
			var p param
			p, line = nextParam(line)
			got = append(got, p)
		}
		if !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%q: got %+v, want %+v", tt.line, got, tt.want)
		}
	}
}

func TestCmdlineProblems(t *testing.T) {
	const at = "kernel command line: "
	for _, tt := range []struct {
		line string
		want []string
	}{
		{"beaminit.distribution.port=99999", []string{at + `distribution.port: 99999 is no TCP port; want 1 to 65535; using 17013`}},
		{"beaminit.distribution.port=x", []string{at + `distribution.port: "x" is not an integer; want 1 to 65535; using 17013`}},
		{"beaminit.distribution.port", []string{at + `distribution.port: no value; want 1 to 65535; using 17013`}},
		{"beaminit.distribution.connect=maybe", []string{at + `distribution.connect: "maybe" is not true or false; want true or false; using true`}},
		{"beaminit.distribution.connect=", []string{at + `distribution.connect: "" is not true or false; want true or false; using true`}},
		{"beaminit.distribution.prot=1", []string{at + `distribution.prot: unknown key, ignored; did you mean distribution.port?`}},
		{"beaminit.prot=1", []string{at + `prot: unknown key, ignored; did you mean distribution.port?`}},
		{"beaminit.hostname=x", []string{at + `hostname: unknown key, ignored; did you mean node.hostname?`}},
		{"beaminit.network.mtu=1400", []string{at + `network.mtu: unknown key, ignored; did you mean network.IFACE.mtu?`}},
		{"beaminit.network=x", []string{at + `network: unknown key, ignored; did you mean [network]?`}},
		{"beaminit.network.eth0.mut=1400", []string{at + `network.eth0.mut: unknown key, ignored; did you mean network.eth0.mtu?`}},
		{"beaminit.network.abcdefghijklmnop.mtu=1400", []string{at + `network.abcdefghijklmnop: "abcdefghijklmnop" is no name of an interface; want 1 to 15 bytes without blank, / and :, such as "eth0"`}},
		{"beaminit.mount=a:b:c:d", []string{at + `mount: mounts have no form on the kernel command line; want a [[mount]] table in /etc/beaminit.toml`}},
		{"beaminit.mount.source=a", []string{at + `mount.source: mounts have no form on the kernel command line; want a [[mount]] table in /etc/beaminit.toml`}},
		{"beaminit.peers.a=10.0.0.1", []string{at + `peers.a: unknown key, ignored; did you mean beaminit.peers=eclero6:192.168.7.6,eclero8:[fd00::8]?`}},
		{"beaminit.peers", []string{at + `peers: no value; want eclero6:192.168.7.6,eclero8:[fd00::8]; using {}`}},
		{"beaminit.peers=a", []string{at + `peers: "a" is no name and address; want eclero6:192.168.7.6,eclero8:[fd00::8]; using the peers without it`}},
		{"beaminit.peers=a:fd00::6", []string{at + `peers: "a:fd00::6" is no name and address; want eclero6:192.168.7.6,eclero8:[fd00::8]; using the peers without it`}},
		{"beaminit.peers=a:[10.0.0.1]", []string{at + `peers: "a:[10.0.0.1]" is no name and address; want eclero6:192.168.7.6,eclero8:[fd00::8]; using the peers without it`}},
		{"beaminit.peers=a:10.0.0.1/24", []string{at + `peers: "10.0.0.1/24" has a prefix length; want the address alone; using "10.0.0.1"`}},
		{"beaminit.release.env=A", []string{at + `release.env: "A" has no =; want KEY=value,KEY=value; using {}`}},
		{"beaminit.node.hostname", []string{at + `node.hostname: no value; want ` + wantHostname + `; using "beaminit-abcd06"`}},
		{"beaminit.node.hostname=a\xffb", []string{at + `node.hostname: "a\xffb" is no host name; want ` + wantHostname + `; using "beaminit-abcd06"`}},
		{"rootdelay=soon", []string{at + `rootdelay: "soon" is no number of seconds; want 0 to 2147483647; using 0s`}},
		{"rootwait=-1", []string{at + `rootwait: "-1" is no number of seconds; want 0 to 2147483647; using 10s`}},
		{"init=bin/init", []string{at + `init: "bin/init" is no absolute path; want the path of the init program; using "/sbin/init"`}},
		{"quiet console=ttyS0 beaminit=1 beaminit foo.bar=1 ip ro=x rw=y -- beaminit.distribution.port=x", nil},
	} {
		if got := problems(load(t, "[distribution]\nport = 17013", tt.line)); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got\n%s\nwant\n%s", tt.line, strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
		}
	}
}

func TestBooleans(t *testing.T) {
	for _, v := range []string{"", "=1", "=true", "=on", "=yes"} {
		if c := load(t, "[distribution]\nconnect = false", "beaminit.distribution.connect"+v); !c.Distribution.Connect {
			t.Errorf("connect%s: got false", v)
		}
	}
	for _, v := range []string{"=0", "=false", "=off", "=no"} {
		if c := load(t, "", "beaminit.distribution.connect"+v); c.Distribution.Connect {
			t.Errorf("connect%s: got true", v)
		}
	}
}

func TestRoot(t *testing.T) {
	def := Root{Wait: 10 * time.Second, Program: "/sbin/init"}
	with := func(f func(*Root)) Root { r := def; f(&r); return r }
	for _, tt := range []struct {
		line string
		want Root
	}{
		{"", def},
		{"root=/dev/vda rootfstype=squashfs rootflags=noatime,errors=continue ro", with(func(r *Root) { r.Device, r.Type, r.Flags = "/dev/vda", "squashfs", "noatime,errors=continue" })},
		{"root=PARTUUID=1-2 rw", with(func(r *Root) { r.Device, r.Write = "PARTUUID=1-2", true })},
		{"rw ro", def},
		{"rootwait", with(func(r *Root) { r.Wait = -1 })},
		{"rootwait rootwait=0x10 rootdelay=2", with(func(r *Root) { r.Wait, r.Delay = 16*time.Second, 2*time.Second })},
		{"init=/sbin/beaminit", with(func(r *Root) { r.Program = "/sbin/beaminit" })},
		{"root=/dev/a root=/dev/b init=/a -- root=/dev/c", with(func(r *Root) { r.Device, r.Program = "/dev/b", "/a" })},
		{"root-wait rootwaits=4 roots=a", def},
	} {
		if c := load(t, "", tt.line); c.Root != tt.want || c.Problems != nil {
			t.Errorf("%s: got %+v, want %+v; problems %q", tt.line, c.Root, tt.want, problems(c))
		}
	}
	if _, where := load(t, "", "root=/dev/vda").Origin("root"); where != "kernel command line" {
		t.Errorf("origin of root: got %s", where)
	}
}

// TestMerge has the three places that can say the same: the stronger wins, key by key.
func TestMerge(t *testing.T) {
	const toml = `
[network.eth0]
address = ["10.0.0.6/8", "fd00::6/64"]
gateway = ["10.0.0.1"]
dhcp = true
mtu = 1400
wait = "3s"
[dns]
servers = ["10.0.0.1"]
search = ["lan"]
[peers]
a = "10.0.0.1"
[distribution]
port = 5
`
	c := load(t, toml, "beaminit.distribution.port=7 beaminit.network.eth0.gateway=192.168.7.2 ip=192.168.7.6::192.168.7.1:255.255.255.0:n6:eth0:off:8.8.8.8"+
		" beaminit.distribution.port=6 beaminit.peers=b:10.0.0.2,c:[fd00::3]")
	golden(t, "merge.plan", plan(c))
	if c.Problems != nil {
		t.Errorf("problems: %q", problems(c))
	}
	if c := load(t, toml, "beaminit.peers="); len(c.Peers) != 0 {
		t.Errorf("empty peers: got %v", c.Peers)
	}
	if c := load(t, toml, "beaminit.peers=x_y:1"); len(c.Peers) != 1 || c.Peers[0].Name != "a" {
		t.Errorf("peers that are all bad: got %v, want the TOML's", c.Peers)
	}
}
