package config

import (
	"os"
	"strings"
	"testing"
)

func FuzzCmdline(f *testing.F) {
	for _, s := range []string{
		"", `"`, `a="x y" "b=c d" -- e`, "root=/dev/vda ro rootwait=3 init=/sbin/init quiet",
		"beaminit.node.hostname=b-%.4s beaminit.distribution.port=17013 beaminit.distribution.connect",
		"beaminit.network.eth0.100.address=10.0.0.6/8,fd00::6/64 beaminit.supervise.backoff=1s,2s",
		"rd.route=10.0.0.0/8:10.0.0.1:eth0 vlan=eth0.5:eth0 bond=a:b,c:mode=802.3ad bridge= ifname=a:02:00:00:00:00:01 nameserver=[::1] systemd.unit=a", "beaminit.release.args=[\"a,b\"],c\",d",
		"beaminit.release.env=A=b,C= hostname=a systemd.hostname=b ip=dhcp", "beaminit. beaminit.. beaminit.network..mtu=1400 beaminit.peers.=",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		valid(t, Load(line, files{macPath: macText}.read))
	})
}

func FuzzIP(f *testing.F) {
	for _, s := range []string{
		"", "dhcp", "off", "192.168.7.6::192.168.7.1:255.255.255.0:eclero6:eth0:off:8.8.8.8", "[fd00::6]::[fd00::1]:64:host:eth0:none",
		":::::eth0:dhcp", "10.0.0.6:10.0.0.1:::h:e:any:1.1.1.1:2.2.2.2:3.3.3.3:x", "[", "[]:", "10.0.0.6:::255.0.255.0",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ip, f := parseIP(s)
		if f.what != "" && (ip != ipConfig{} || f.want == "") {
			t.Errorf("ip=%s: got %+v beside fault %+v", s, ip, f)
		}
		if ip.client.IsValid() && (hostless(ip.client) != "" || ip.dhcp) {
			t.Errorf("ip=%s: got %+v", s, ip)
		}
		valid(t, Load(`ip="`+s+`" ip=`+s, files{macPath: macText}.read))
	})
}

func FuzzTOML(f *testing.F) {
	full, err := os.ReadFile("testdata/full.toml")
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{
		"", string(full), "node = 3", "[[node]]\nhostname = 1", "[peers]\na = { address = \"10.0.0.1\", aliases = [\"b\"] }\nb.address = 3",
		"mount = [{ source = \"a\" }]", "[network]\neth0 = { address = [\"10.0.0.1\"] }\n[network.\"a b\"]", "release.env.A = \"b\"\n[release]\nargs = [1]",
		"a = \"\xff\"", "a = \"\"\"x\n[b]\n", "a.b.c.d = { e = { f = [[[]]] } }\n", "[a\n[b]\nc", "node.hostname = \"%-.3s\"", "# \x00", "[network.eth0.address]\n", "[mount.a]\n[[mount]]",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c := Load("", files{Path: text, macPath: macText}.read)
		valid(t, c)
		for _, p := range c.Problems {
			if p.Line < 0 || p.Line > 1+strings.Count(text, "\n") {
				t.Errorf("problem in line %d of %d: %s", p.Line, 1+strings.Count(text, "\n"), p)
			}
		}
	})
}

func FuzzPeers(f *testing.F) {
	for _, s := range []string{"", "a:10.0.0.1", "eclero6:192.168.7.6,eclero8:[fd00::8]", "a:[", "a:[]", ",", ":", "a:10.0.0.1/8,A:10.0.0.2,b:10.0.0.1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c := Load(`beaminit.peers="`+s+`"`, files{macPath: macText}.read)
		valid(t, c)
	})
}

// BenchmarkLoad is the boot of a node of the lab: the TOML of an image and the few
// parameters that tell the nodes apart. It is allocations and page faults that a boot
// pays for.
func BenchmarkLoad(b *testing.B) {
	const toml = `[distribution]
name = "eclero"
port = 17012

[peers]
eclero6  = "192.168.7.6"
eclero8  = "192.168.7.8"
eclero10 = "192.168.7.10"

[release]
path = ["/srv/erlang"]
env = { LANG = "C.UTF-8" }

[network.eth0]
wait = "10s"
`
	const line = "console=ttyS0 root=/dev/vda rootfstype=squashfs ro quiet panic=1 ip=192.168.7.6::192.168.7.1:255.255.255.0:eclero6:eth0:off:8.8.8.8 beaminit.distribution.connect=1\n"
	full, err := os.ReadFile("testdata/full.toml")
	if err != nil {
		b.Fatal(err)
	}
	data := []byte(toml)
	for _, bb := range []struct {
		name, line string
		read       func(string) ([]byte, error)
	}{
		{"nothing", "", files{macPath: macText}.read},
		{"cmdline", line, files{}.read},
		{"node", line, func(string) ([]byte, error) { return data, nil }},
		{"full", line, func(string) ([]byte, error) { return full, nil }},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; i < b.N; i++ {
				if c := Load(bb.line, bb.read); len(c.Problems) > 0 {
					b.Fatal(c.Problems)
				}
			}
		})
	}
	b.Run("decode alone", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; i < b.N; i++ {
			if _, _, err := decode(toml); err != nil {
				b.Fatal(err)
			}
		}
	})
}
