package config

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/config/cmdline"
)

func TestCmdlineProblems(t *testing.T) {
	const at = "kernel command line: "
	for _, tt := range []struct {
		line string
		want []string
	}{
		{"beaminit.distribution.port=99999", []string{at + `distribution.port: 99999 is no TCP port; want 1 to 65535; using 17013`}},
		{"beaminit.distribution.port=x", []string{at + `distribution.port: "x" is not an integer; want 1 to 65535; using 17013`}},
		{"beaminit.distribution.port", []string{at + `distribution.port: no value; want 1 to 65535; using 17013`}},
		{"beaminit.distribution.connect=maybe", []string{at + `distribution.connect: "maybe" is not a boolean; want true or false; using true`}},
		{"beaminit.distribution.connect=", []string{at + `distribution.connect: "" is not a boolean; want true or false; using true`}},
		{"beaminit.distribution.prot=1", []string{at + `beaminit.distribution.prot: unknown key, ignored; did you mean beaminit.distribution.port?`}},
		{"beaminit.prot=1", []string{at + `beaminit.prot: unknown key, ignored; did you mean beaminit.distribution.port?`}},
		{"beaminit.hostname=x", []string{at + `beaminit.hostname: unknown key, ignored; did you mean beaminit.node.hostname?`}},
		{"beaminit.network.mtu=1400", []string{at + `beaminit.network.mtu: unknown key, ignored; did you mean beaminit.network.IFACE.mtu?`}},
		{"beaminit.network=x", []string{at + `beaminit.network: unknown key, ignored; did you mean [network]?`}},
		{"beaminit.network.eth0.mut=1400", []string{at + `beaminit.network.eth0.mut: unknown key, ignored; did you mean beaminit.network.eth0.mtu?`}},
		{"beaminit.network.abcdefghijklmnop.mtu=1400", []string{at + `network.abcdefghijklmnop: "abcdefghijklmnop" is no name of an interface; want 1 to 15 bytes without blank, / and :, such as "eth0"`}},
		{"beaminit.mount=a:b:c:d", []string{at + `mount: mounts have no form on the kernel command line; want a [[mount]] table in /etc/beaminit.toml`}},
		{"beaminit.mount.source=a", []string{at + `mount.source: mounts have no form on the kernel command line; want a [[mount]] table in /etc/beaminit.toml`}},
		{"beaminit.peers.a=10.0.0.1 beaminit.peers.b.lan=[fd00::8]", nil},
		{"beaminit.peers.a", []string{at + `peers.a: no value; want an address such as "192.168.7.6"; using the other peers`}},
		{"beaminit.peers.a=10.0.0.1 beaminit.peers.A=x", []string{at + `peers.A: "x" is no address of a host; want an address such as "192.168.7.6"; using the other peers`}},
		{"beaminit.peers.a=10.0.0.1 beaminit.peers.b=10.0.0.1", []string{at + `peers.b: 10.0.0.1 is the address of a too; want each address once; using the other peers`}},
		{"beaminit.release.env.A-B=1", []string{at + `release.env: "A-B" is no name of an environment variable; want ` + wantEnv + `; using {}`}},
		{"beaminit.release.env.A", []string{at + `release.env.A: no value; want beaminit.release.env.A=VALUE; using {}`}},
		{"beaminit.service.name=a", []string{at + `service.name: services have no form on the kernel command line; want a [[service]] table in /etc/beaminit.toml`}},
		{"beaminit.network.eth0.route=a", []string{at + `network.eth0.route: routes have no form on the kernel command line; want network.IFACE.route in /etc/beaminit.toml`}},
		{"beaminit.peers", []string{at + `peers: no value; want eclero6:192.168.7.6,eclero8:[fd00::8]; using {}`}},
		{"beaminit.peers=a", []string{at + `peers: "a" is no name and address; want eclero6:192.168.7.6,eclero8:[fd00::8]; using the other peers`}},
		{"beaminit.peers=a:fd00::6", []string{at + `peers: "a:fd00::6" is no name and address; want eclero6:192.168.7.6,eclero8:[fd00::8]; using the other peers`}},
		{"beaminit.peers=a:[10.0.0.1]", []string{at + `peers: "a:[10.0.0.1]" is no name and address; want eclero6:192.168.7.6,eclero8:[fd00::8]; using the other peers`}},
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

// TestCommas has lists of the kernel command line in all the ways that protect a comma.
func TestCommas(t *testing.T) {
	for _, tt := range []struct {
		line string
		want []string
	}{
		{`beaminit.release.args=a,b`, []string{"a", "b"}},
		{`beaminit.release.args="a,b c"`, []string{"a", "b c"}},
		{`"beaminit.release.args=a,b c"`, []string{"a", "b c"}},
		{`beaminit.release.args="a,b",c`, []string{"a,b", "c"}},
		{`beaminit.release.args=c,"a, b"`, []string{"c", "a, b"}},
		{`beaminit.release.args=["a,b","c d"]`, []string{"a,b", "c d"}},
		{`beaminit.release.args=['a,b','c']`, []string{"a,b", "c"}},
		{`beaminit.release.args=["a,b"]`, []string{"a,b"}},
		{`beaminit.release.args=[]`, []string{}},
		{`beaminit.release.args=`, []string{}},
		{`beaminit.release.args=[a,b`, []string{"[a", "b"}},
	} {
		if c := load(t, "", tt.line); !reflect.DeepEqual(c.Release.Args, tt.want) || c.Problems != nil {
			t.Errorf("%s: got %q, want %q; problems %q", tt.line, c.Release.Args, tt.want, problems(c))
		}
	}
	c := load(t, "[release]\nenv = { A = \"toml\", B = \"toml\" }\n[peers]\na = { address = \"10.0.0.1\", aliases = [\"x\"] }\nb = \"10.0.0.2\"",
		`beaminit.release.env.A=1,2 beaminit.release.env.C="x, y" beaminit.release.limits.nofile=64 beaminit.peers.A=10.0.0.9 beaminit.peers.c=10.0.0.3`)
	want := `[A=1,2 B=toml C=x, y] [nofile=64] [{a 10.0.0.9 [x]  0} {b 10.0.0.2 []  0} {c 10.0.0.3 []  0}]`
	if got := fmt.Sprint(c.Release.Env, c.Release.Limits, c.Peers); got != want || c.Problems != nil {
		t.Errorf("got %s, want %s; problems %q", got, want, problems(c))
	}
	if _, where := c.Origin("peers.a"); where != "kernel command line" {
		t.Errorf("origin of peers.a: got %s", where)
	}
}

// TestCutOff has lines that are as long as a limit: their last word is not used.
func TestCutOff(t *testing.T) {
	pad := func(size int, tail string) string {
		return "hostname=a " + strings.Repeat("x", size-1-len("hostname=a ")-1-len(tail)) + " " + tail
	}
	for _, tt := range []struct {
		line     string
		port     int
		problems int
	}{
		{pad(2048, "beaminit.distribution.port=170") + "\n", 17012, 1},
		{pad(1024, `beaminit.release.env="A=1 beaminit.distribution.port=170`), 17012, 1},
		{pad(512, "beaminit.distribution.port=170 "), 170, 0},
		{pad(2047, "beaminit.distribution.port=170"), 170, 0},
		{pad(128, "beaminit.distribution.port=170"), 170, 0},
	} {
		c := load(t, "", tt.line)
		if c.Distribution.Port != tt.port || len(c.Problems) != tt.problems || len(c.Release.Env) > 0 || c.Node.Hostname != "a" {
			t.Errorf("%d bytes: got port %d, problems %q", len(tt.line), c.Distribution.Port, problems(c))
		}
	}
	// A word for init that is cut off is none.
	line := pad(1024, "-- -n from-args --uid 10")
	c := Sources{Cmdline: line, Args: cmdline.InitArgs(line), Read: files{macPath: macText}.read}.Load()
	if c.Release.User != "root" || len(c.Problems) != 2 {
		t.Errorf("got %s, problems %q", c.Release.User, problems(c))
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
	def := defaults().Root
	with := func(f func(*Root)) Root { r := def; f(&r); return r }
	for _, tt := range []struct {
		line string
		want Root
	}{
		{"", def},
		{`dm-mod.create="a,,0,ro,0 8 zero" root=/dev/dm-0`, with(func(r *Root) { r.Map, r.Device = "a,,0,ro,0 8 zero", "/dev/dm-0" })},
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
