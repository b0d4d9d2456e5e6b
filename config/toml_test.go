package config

import (
	"reflect"
	"strings"
	"testing"
)

// TestTOMLProblems has one text for each thing that can be wrong, and its problems.
func TestTOMLProblems(t *testing.T) {
	const at = "/etc/beaminit.toml:"
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"out of range", "\n[distribution]\nport = 99999", []string{at + `3: distribution.port: 99999 is no TCP port; want 1 to 65535; using 17012`}},
		{"wrong type", "[distribution]\nport = \"17013\"", []string{at + `2: distribution.port: "17013" is a string, not an integer; want 1 to 65535; using 17012`}},
		{"integer for a string", "[node]\nhostname = 3", []string{at + `2: node.hostname: 3 is an integer, not a string; want ` + wantHostname + `; using "beaminit-abcd06"`}},
		{"string for a boolean", "[distribution]\nconnect = \"yes\"", []string{at + `2: distribution.connect: "yes" is a string, not a boolean; want true or false; using true`}},
		{"date", "[release]\nuser = 1979-05-27", []string{at + `2: release.user: a date or time, not a string; want a user name or number, such as "app" or "1000"; using "root"`}},
		{"negative duration", "[health]\ninterval = \"-1s\"", []string{at + `2: health.interval: "-1s" is out of range; want a duration such as "10s", 100ms to 24h; using "10s"`}},
		{"no criterion", "[health]\nready = \"up\"", []string{at + `2: health.ready: "up" is no criterion; want "listening", "started" or "notify"; using "started"`}},
		{"no duration", "[health]\nprobe_timeout = \"2\"", []string{at + `2: health.probe_timeout: "2" is no duration; want a duration such as "2s", 10ms to 1h; using "2s"`}},
		{"integer for a duration", "[network.eth0]\nwait = 10", []string{at + `2: network.eth0.wait: 10 is an integer, not a duration in quotes; want a duration such as "10s", 0s to 1h; using "10s"`}},
		{"unknown key", "[distribution]\nprot = 1", []string{at + `2: distribution.prot: unknown key, ignored; did you mean distribution.port?`}},
		{"half a key", "[distribution]\ncookie = \"secret\"", []string{at + `2: distribution.cookie: unknown key, ignored; did you mean distribution.cookie_file?`}},
		{"key of another table", "[release]\nport = 1", []string{at + `2: release.port: unknown key, ignored; did you mean distribution.port?`}},
		{"key without a table", "hostname = \"a\"", []string{at + `1: hostname: unknown key, ignored; did you mean node.hostname?`}},
		{"unknown key of an interface", "[network.eth0]\nadress = []", []string{at + `2: network.eth0.adress: unknown key, ignored; did you mean network.eth0.address?`}},
		{"unknown table, once", "[distributon]\nport = 1\nname = \"x\"", []string{at + `1: distributon: unknown key, ignored; did you mean [distribution]?`}},
		{"like nothing", "[zebra]\nx = 1", []string{at + `1: zebra: unknown key, ignored`}},
		{"scalar for a table", "node = 3", []string{at + `1: node: 3 is an integer, not a table; want a table: [node]; using the defaults`}},
		{"array for a table", "[[node]]\nhostname = \"x\"", []string{at + `1: node: an array of tables, not a table; want a table: [node]; using the defaults`}},
		{"array for the peers", "peers = [1, 2]", []string{at + `1: peers: an array, not a table; want a table: [peers]; using the defaults`}},
		{"network without interface", "[network]\naddress = [\"192.168.7.6/24\"]", []string{at + `2: network.address: an array, not a table; want a table for each interface: [network.eth0]; using nothing of it`}},
		{"bad interface", "[network.\"a/b\"]\nmtu = 1400", []string{at + `1: network.a/b: "a/b" is no name of an interface; want 1 to 15 bytes without blank, / and :, such as "eth0"; using nothing of it`}},
		{"table for a string", "[node.hostname]\nx = 1", []string{at + `1: node.hostname: a table, not a string; want ` + wantHostname + `; using "beaminit-abcd06"`}},
		{"no prefix length", "[network.eth0]\naddress = [\"192.168.7.6\"]", []string{at + `2: network.eth0.address: "192.168.7.6" has no prefix length; want one, such as "192.168.7.6/24"; using ["192.168.7.6/24"]`}},
		{"the good ones stay", "[network.eth0]\naddress = [\"192.168.7.256/24\", \"10.0.0.1/8\"]", []string{at + `2: network.eth0.address: "192.168.7.256/24" is no address with a prefix length; want addresses with a prefix length, such as "192.168.7.6/24", or "link-local"; using ["10.0.0.1/8"]`}},
		{"address of a network", "[network.eth0]\naddress = [\"192.168.7.0/24\"]", []string{at + `2: network.eth0.address: "192.168.7.0/24" is the address of the network, not of a host; want addresses with a prefix length, such as "192.168.7.6/24", or "link-local"; using []`}},
		{"broadcast address", "[network.eth0]\naddress = [\"192.168.7.255/24\"]", []string{at + `2: network.eth0.address: "192.168.7.255/24" is the broadcast address of the network, not of a host; want addresses with a prefix length, such as "192.168.7.6/24", or "link-local"; using []`}},
		{"gateway with a prefix", "[network.eth0]\ngateway = [\"192.168.7.1/24\"]", []string{at + `2: network.eth0.gateway: "192.168.7.1/24" has a prefix length; want the address alone, "192.168.7.1"; using ["192.168.7.1"]`}},
		{"MTU", "[network.eth0]\nmtu = 67", []string{at + `2: network.eth0.mtu: 67 is no MTU; want 68 to 65535; using 0`}},
		{"names", "[distribution]\nnames = \"Long\"", []string{at + `2: distribution.names: "Long" is no kind of node names; want "short", "long", "address" or "none"; using "short"`}},
		{"node name", "[distribution]\nname = \"a@b\"", []string{at + `2: distribution.name: "a@b" is no node name; want the part before the @: letters, digits, - and _; using ""`}},
		{"epmd", "[distribution]\nepmd = \"module:\"", []string{at + `2: distribution.epmd: "module:" is no way to find nodes; want "none", "daemon" or "module:NAME"; using "none"`}},
		{"TLS", "[distribution.tls]\ncert = \"cert.pem\"\ncrt = 1", []string{
			at + `2: distribution.tls.cert: "cert.pem" is no absolute path; want the path of the node's certificate, in PEM; using ""`,
			at + `3: distribution.tls.crt: unknown key, ignored; did you mean distribution.tls.cert?`}},
		{"half of TLS", "[distribution]\ntls = { cert = \"/a\", key = \"/b\" }", []string{at + `2: distribution.tls: cert, key or ca is missing; want all three; using none: without them the release is not started`}},
		{"no table of TLS", "[distribution]\ntls = true", []string{at + `2: distribution.tls: true is a boolean, not a table; want a table: [distribution.tls]; using nothing of it`}},
		{"attempts", "[supervise]\nattempts = 0", []string{at + `2: supervise.attempts: 0 is no number of attempts; want 1 to 1000000; using 5`}},
		{"on_exit", "[supervise]\non_exit = \"rescue\"", []string{at + `2: supervise.on_exit: "rescue" is no action; want "restart", "reboot", "poweroff" or "halt"; using "restart"`}},
		{"give_up", "[supervise]\ngive_up = \"restart\"", []string{at + `2: supervise.give_up: "restart" is no action; want "reboot", "rescue", "poweroff" or "halt"; using "reboot"`}},
		{"exit statuses", "[supervise]\nexit_ok = [0, 256, \"x\"]", []string{
			at + `2: supervise.exit_ok: 256 is no exit status; want a list of exit statuses such as [0], 0 to 255; using [0]`,
			at + `2: supervise.exit_ok: "x" is a string, not an integer in a list of integers; want a list of exit statuses such as [0], 0 to 255; using [0]`}},
		{"exit status without a list", "[supervise]\nexit_ok = 0", []string{at + `2: supervise.exit_ok: 0 is an integer, not a list of integers; want a list of exit statuses such as [0], 0 to 255; using []`}},
		{"boots", "[supervise]\nboots = -1", []string{at + `2: supervise.boots: -1 is no number of boots; want 1 to 1000, or 0 for no limit; using 5`}},
		{"relative command", "[supervise]\nfallback_exec = [\"slot\", \"/x\"]", []string{at + `2: supervise.fallback_exec: "slot" is no absolute path; want a list of an absolute path and arguments, such as ["/usr/sbin/slot", "previous"]; using []`}},
		{"command as a string", "[supervise]\nfallback_exec = \"/slot\"", []string{at + `2: supervise.fallback_exec: "/slot" is a string, not a list of strings; want a list of an absolute path and arguments, such as ["/usr/sbin/slot", "previous"]; using []`}},
		{"no size", "[dump]\nbytes = \"16MB\"", []string{at + `2: dump.bytes: "16MB" is no size; want a size such as "16M", 0 to 1G; using "16M"`}},
		{"size out of range", "[dump]\nbytes = \"2G\"", []string{at + `2: dump.bytes: "2G" is out of range; want a size such as "16M", 0 to 1G; using "16M"`}},
		{"float for a size", "[dump]\nbytes = 1.5", []string{at + `2: dump.bytes: 1.5 is a float, not a size in quotes; want a size such as "16M", 0 to 1G; using "16M"`}},
		{"backoff the wrong way", "[supervise]\nbackoff = [\"30s\", \"1s\"]", []string{at + `2: supervise.backoff: the first pause, 30s, is longer than the longest, 1s; want the first and the longest pause, such as ["100ms", "30s"], 1ms to 24h; using ["100ms", "30s"]`}},
		{"backoff of three", "[supervise]\nbackoff = [\"1s\", \"1s\", \"1s\"]", []string{at + `2: supervise.backoff: a list of 3, not of two durations; want the first and the longest pause, such as ["100ms", "30s"], 1ms to 24h; using ["100ms", "30s"]`}},
		{"control character", "[release]\nargs = [\"a\\u001bb\"]", []string{at + `2: release.args: "a\x1bb" has control characters or is not UTF-8; want printable text; using []`}},
		{"env", "[release]\nenv = { A = 1, \"B C\" = \"x\", D = \"y\", E = \"\\n\" }", []string{
			at + `2: release.env: 1 is an integer, not a string, as the value of "A"; want letters, digits and underscores, such as LANG = "C.UTF-8"; using { D = "y" }`,
			at + `2: release.env: "B C" is no name of an environment variable; want letters, digits and underscores, such as LANG = "C.UTF-8"; using { D = "y" }`,
			at + `2: release.env: the value of E has control characters or is not UTF-8; want printable text; using { D = "y" }`}},
		{"modules", "[kernel]\nmodules = [\"virtio_net\", \"../evil\"]", []string{at + `2: kernel.modules: "../evil" is no module name; want module names such as "virtio_net"; using ["virtio_net"]`}},
		{"relative path", "[release]\ntmp = \"tmp\"", []string{at + `2: release.tmp: "tmp" is no absolute path; want a writable directory; using "/run/beaminit/release"`}},
		{"watchdog", "[watchdog]\ncriterion = \"hart\"\ntimeout = \"1s\"\ndevice = \"watchdog\"", []string{
			at + `2: watchdog.criterion: "hart" is no criterion; want "probe", "heart" or "process"; using "probe"`,
			at + `3: watchdog.timeout: "1s" is out of range; want a duration such as "30s", 2s to 1h; using "30s"`,
			at + `4: watchdog.device: "watchdog" is no absolute path; want a device such as "/dev/watchdog", or "" for none; using "/dev/watchdog"`}},
		{"boot with suffix", "[release]\nboot = \"start.boot\"", []string{at + `2: release.boot: "start.boot" is no name of a boot script; want its file name without .boot, such as "start", or an absolute path; using ""`}},
		{"rest still counts", "[health]\ninterval = 1\nprobe_timeout = \"3s\"\n[distribution]\nport = 5", []string{at + `2: health.interval: 1 is an integer, not a duration in quotes; want a duration such as "10s", 100ms to 24h; using "10s"`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := load(t, tt.text, "")
			if got := problems(c); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
			if tt.name == "rest still counts" && (c.Distribution.Port != 5 || c.Health.ProbeTimeout != 3e9) {
				t.Errorf("rest of the file: got %+v %+v", c.Distribution, c.Health)
			}
		})
	}
}

// TestParsePrefix has texts that do not parse: what stands before the fault counts.
func TestParsePrefix(t *testing.T) {
	const good = "[distribution]\nport = 5\n"
	for _, tt := range []struct {
		name, text, problem string
		port                int
		name2               string
	}{
		{"fault in a line", good + "name = \"x\"\n[health\ninterval = \"5s\"\n",
			`/etc/beaminit.toml:4: expected '.' or ']' to end table name, but got '\n' instead ("[health"); want TOML 1.0: text in double quotes, lists in [ ]; using what stands before line 4`, 5, "x"},
		{"no value", good + "name =\n[health]\n", `/etc/beaminit.toml:3: expected value but found '\n' instead ("name ="); want TOML 1.0: text in double quotes, lists in [ ]; using what stands before line 3`, 5, ""},
		{"key twice", good + "port = 6\nname = \"x\"", `/etc/beaminit.toml:3: Key 'distribution.port' has already been defined. ("port = 6"); want TOML 1.0: text in double quotes, lists in [ ]; using what stands before line 3`, 5, ""},
		{"open string", good + "name = \"x\n[health]\n", `/etc/beaminit.toml:3: strings cannot contain newlines ("name = \"x"); want TOML 1.0: text in double quotes, lists in [ ]; using what stands before line 3`, 5, ""},
		{"open array", good + "\n[release]\nargs = [\n\"a\",\n\n[health]\ninterval = 3\n", ``, 5, ""},
		{"open long string", good + "[release]\nuser = \"\"\"x\n[health]\n", ``, 5, ""},
		{"first line", "[\n" + good, ``, 17012, ""},
		{"empty", "", "-", 17012, ""},
		{"binary", "\x7fELF\x02\x01\x00", ``, 17012, ""},
		{"UTF-16", "\xff\xfe[\x00n\x00", ``, 17012, ""},
		{"invalid UTF-8", good + "name = \"\xff\"\n", ``, 5, ""},
		{"deep arrays", good + "[release]\nargs = " + strings.Repeat("[", 20000), ``, 5, ""},
		{"deep keys", good + strings.Repeat("a.", 30000) + "b = 1", ``, 5, ""},
		{"deep tables", good + "a = " + strings.Repeat("{a=", 9000), ``, 5, ""},
		{"too long", good + strings.Repeat("#\n", 140000), `/etc/beaminit.toml: 280024 bytes; want 256 KiB at most; using the defaults`, 17012, ""},
		{"BOM", "\ufeff" + good, "-", 5, ""},
		{"CRLF", strings.ReplaceAll(good, "\n", "\r\n"), "-", 5, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := load(t, tt.text, "")
			got := problems(c)
			if tt.problem == "-" {
				if got != nil {
					t.Errorf("got %q, want no problem", got)
				}
			} else if len(got) != 1 || tt.problem != "" && got[0] != tt.problem {
				t.Errorf("got  %q\nwant [%q]", got, tt.problem)
			} else {
				t.Log(got[0])
			}
			if d := c.Distribution; d.Port != tt.port || d.Name != tt.name2 {
				t.Errorf("got port %d name %q, want %d %q", d.Port, d.Name, tt.port, tt.name2)
			}
		})
	}
}

// TestHostile has full-length texts that would keep a boot busy for minutes if depth and
// number of problems had no bounds.
func TestHostile(t *testing.T) {
	long := func(begin, line, end string) string {
		var b strings.Builder
		b.WriteString(begin)
		for i := 0; b.Len() < maxTOML-300; i++ {
			b.WriteString(strings.ReplaceAll(line, "#", itoa(i)))
		}
		return b.String() + end
	}
	for name, text := range map[string]string{
		"dotted keys":     long("", "k#"+strings.Repeat(".a", 63)+" = 1\n", ""),
		"deep tables":     long("", "k# = "+strings.Repeat("{a=", 60)+"1"+strings.Repeat("}", 60)+"\n", ""),
		"unknown keys":    long("", "k# = 1\n", ""),
		"bad peers":       long("[peers]\n", "k# = { a = 1, b = 2 }\n", ""),
		"bad mounts":      long("", "[[mount]]\n", ""),
		"fault at an end": long("", "[k#]\n", "a = \"\"\""),
	} {
		c := load(t, text, "")
		if n := len(c.Problems); n == 0 || n > maxProblems+1 {
			t.Errorf("%s: got %d problems", name, n)
		}
	}
}

func TestReadError(t *testing.T) {
	c := Load("", files{Path: "error: input/output error", macPath: macText}.read)
	valid(t, c)
	want := []string{`/etc/beaminit.toml: cannot be read: input/output error; using the defaults`}
	if got := problems(c); !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// What is wrong with the table of TLS must not end in plain TCP.
func TestBrokenTLS(t *testing.T) {
	for text, want := range map[string]bool{
		"": false, "[distribution.tls]": false, "[distribution.tls]\ncert = \"/c\"\nkey = \"/k\"\nca = \"/a\"": false,
		"[distribution.tls]\ncert = \"c\"": true, "[distribution.tls]\nx = 1": true, "[distribution]\ntls = 1": true, "[distribution.tls]\ncert = \"/c\"": true,
	} {
		if got := load(t, text, "").Distribution.TLS.Broken; got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	if !load(t, "", "beaminit.distribution.tls.cert=c").Distribution.TLS.Broken {
		t.Error("a path on the command line that is none is taken for no TLS")
	}
}

// TestOrder: interfaces and peers have the order of the file, not of a Go map.
func TestOrder(t *testing.T) {
	c := load(t, `
network.wlan0.mtu = 1400
node.hostname = "x"
[peers]
z = "10.0.0.1"
a.address = "10.0.0.2"
m = { address = "10.0.0.3" }
a.aliases = ["aa"]
b = "10.0.0.4"
[network.eth1]
[network.eth0]
mtu = 1500
`, "")
	var got []string
	for _, p := range c.Peers {
		got = append(got, p.Name)
	}
	for _, n := range c.Network {
		got = append(got, n.Interface)
	}
	want := []string{"z", "a", "m", "b", "wlan0", "eth1", "eth0"}
	if !reflect.DeepEqual(got, want) || c.Problems != nil || c.Peers[1].Aliases == nil {
		t.Errorf("got %v, want %v; problems %q", got, want, problems(c))
	}
}

func TestPeersTOML(t *testing.T) {
	const at = "/etc/beaminit.toml:"
	const without = "; using the other peers"
	for _, tt := range []struct {
		text string
		want []string
	}{
		{`a = "1.2.3.4/24"`, []string{at + `2: peers.a: "1.2.3.4/24" has a prefix length; want the address alone; using "1.2.3.4"`}},
		{`a = 3`, []string{at + `2: peers.a: 3 is an integer, not a string or a table; want "192.168.7.6" or { address = "192.168.7.6", aliases = ["other"] }` + without}},
		{`a = ["10.0.0.1"]`, []string{at + `2: peers.a: an array, not a string or a table; want "192.168.7.6" or { address = "192.168.7.6", aliases = ["other"] }` + without}},
		{`a = {}`, []string{at + `2: peers.a.address: missing; want an address such as "192.168.7.6"` + without}},
		{`a = { address = 5 }`, []string{at + `2: peers.a.address: 5 is an integer, not a string; want an address such as "192.168.7.6"` + without}},
		{`a = { address = "10.0.0.1", port = 0 }`, []string{at + `2: peers.a.port: 0 is no TCP port; want 1 to 65535; using distribution.port`}},
		{`a = { address = "10.0.0.1", port = "1" }`, []string{at + `2: peers.a.port: "1" is a string, not an integer; want 1 to 65535; using distribution.port`}},
		{`a = { address = "10.0.0.1", port = 17013 }`, []string{at + `2: peers.a.port: without a module that knows the ports, all nodes have the same one; want distribution.epmd = "module:NAME" or "daemon"; using distribution.port`}},
		{`a = { address = "10.0.0.1", port = 17012 }`, nil},
		{"a = { address = \"10.0.0.1\", port = 17013 }\n[distribution]\nepmd = \"module:my_epmd\"", nil},
		{`a = { address = "10.0.0.1", alias = ["x"] }`, []string{at + `2: peers.a.alias: unknown key, ignored; did you mean aliases?`}},
		{`a = { address = "10.0.0.1", aliases = "x" }`, []string{at + `2: peers.a.aliases: "x" is a string, not a list of strings; want host names such as ["ten"]; using []`}},
		{`a = { address = "10.0.0.1", aliases = ["x_y", "b", "B", "A"] }`, []string{
			at + `2: peers.a.aliases: "x_y" is no host name; want host names such as ["ten"]; using ["b", "B", "A"]`,
			at + `2: peers.a: alias "B" is there twice; want a host name, such as "eclero6"; using the peer without it`,
			at + `2: peers.a: alias "A" is there twice; want a host name, such as "eclero6"; using the peer without it`}},
		{`a_b = "10.0.0.1"`, []string{at + `2: peers.a_b: "a_b" is no host name; want a host name, such as "eclero6"` + without}},
		{`a = "0.0.0.0"`, []string{at + `2: peers.a: "0.0.0.0" is no address of a host; want an address such as "192.168.7.6"` + without}},
		{`a = "fe80::1"`, []string{at + `2: peers.a: fe80::1 means nothing without its link, which /etc/hosts cannot say; want an IPv4 address, or one of IPv6 that is good beyond a link` + without}},
		{`a = "fe80::1%eth0"`, []string{at + `2: peers.a: "fe80::1%eth0" is no address of a host; want an address such as "192.168.7.6"` + without}},
		{"a = \"10.0.0.1\"\nA = \"10.0.0.2\"", []string{at + `2: peers.A: "a" is there twice; want each name once` + without}},
		{"a = \"10.0.0.1\"\nb = \"10.0.0.1\"", []string{at + `3: peers.b: 10.0.0.1 is the address of a too; want each address once` + without}},
		{"a = { address = \"10.0.0.1\", aliases = [\"b\"] }\nb = \"10.0.0.2\"", []string{at + `3: peers.b: "b" is there twice; want each name once` + without}},
	} {
		if got := problems(load(t, "[peers]\n"+tt.text, "")); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got\n%s\nwant\n%s", tt.text, strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
		}
	}
}

// Several nodes may share an alias; a name is one node's.
func TestSharedAlias(t *testing.T) {
	c := load(t, "[peers]\na = { address = \"10.0.0.1\", aliases = [\"web\"] }\nb = { address = \"10.0.0.2\", aliases = [\"web\", \"a\"] }", "")
	want := []string{`/etc/beaminit.toml:3: peers.b: alias "a" is the name of another peer; want a host name, such as "eclero6"; using the peer without it`}
	if got := problems(c); !reflect.DeepEqual(got, want) || len(c.Peers) != 2 || len(c.Peers[1].Aliases) != 1 {
		t.Errorf("got %+v, %q", c.Peers, got)
	}
}

func TestManyPeers(t *testing.T) {
	var b strings.Builder
	b.WriteString("[peers]\n")
	for i := 0; i < 1001; i++ {
		b.WriteString("n" + itoa(i) + " = { address = \"10.0." + itoa(i/256) + "." + itoa(i%256) + "\", aliases = [\"x" + itoa(i) + "\"] }\n")
	}
	c := load(t, b.String(), "")
	want := []string{`/etc/beaminit.toml:1002: peers.n1000: there are more than 1000 peers; want 1000 at most; using the other peers`}
	if got := problems(c); len(c.Peers) != 1000 || !reflect.DeepEqual(got, want) {
		t.Errorf("got %d peers, %q", len(c.Peers), got)
	}
}

func TestLineOf(t *testing.T) {
	const text = `# [node]
title = "x"
node.hostname = "a"

[network."eth0.100"]
mtu = 1
  [network.eth0] # more
	mtu = [
  "x = 1",
]
[[mount]]
source = "a"
[[mount]]
target = "b"
source = "c"
[ peers ]
Eclero6 = { address = "x" }
"quoted" . address = 1
`
	for _, tt := range []struct {
		path string
		nth  int
		want int
	}{
		{"node hostname", 0, 3}, {"node id", 0, 0}, {"network eth0.100 mtu", 0, 6}, {"network eth0 mtu", 0, 8},
		{"network eth0 wait", 0, 7}, {"mount source", 0, 12}, {"mount source", 1, 15}, {"mount type", 1, 13}, {"mount source", 2, 0},
		{"peers eclero6", 0, 17}, {"peers Eclero6 address", 0, 17}, {"peers quoted address", 0, 18}, {"peers", 0, 16}, {"peers none", 0, 16},
	} {
		if got := lineOf(text, strings.Fields(tt.path), tt.nth); got != tt.want {
			t.Errorf("line of %s %d: got %d, want %d", tt.path, tt.nth, got, tt.want)
		}
	}
}
