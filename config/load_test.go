package config

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

const (
	macPath = "/sys/class/net/eth0/address"
	macText = "52:54:00:AB:cd:06\n"
)

// files is what read finds. A content that begins with "error: " cannot be read.
type files map[string]string

func (f files) read(path string) ([]byte, error) {
	s, ok := f[path]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	if msg := strings.TrimPrefix(s, "error: "); msg != s {
		return nil, errors.New(msg)
	}
	return []byte(s), nil
}

// load loads a TOML text and a command line on a board with a MAC.
func load(t *testing.T, toml, cmdline string) *Config {
	t.Helper()
	c := Load(cmdline, files{Path: toml, macPath: macText}.read)
	valid(t, c)
	return c
}

func problems(c *Config) []string {
	var s []string
	for _, p := range c.Problems {
		s = append(s, p.String())
	}
	return s
}

func notes(c *Config) []string {
	var s []string
	for _, n := range c.Notes {
		s = append(s, n.String())
	}
	return s
}

// plan is what Each says, and what was wrong.
func plan(c *Config) string {
	var b strings.Builder
	c.Each(func(key, value, where string) { b.WriteString(key + " = " + value + "  # " + where + "\n") })
	for _, p := range c.Problems {
		b.WriteString("problem: " + p.String() + "\n")
	}
	for _, n := range c.Notes {
		b.WriteString("note: " + n.String() + "\n")
	}
	return b.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs, got:\n%s\nwant:\n%s", path, got, want)
	}
}

func TestFull(t *testing.T) {
	full, err := os.ReadFile("testdata/full.toml")
	if err != nil {
		t.Fatal(err)
	}
	c := load(t, string(full), "")
	golden(t, "full.plan", plan(c))
	if c.Problems != nil {
		t.Errorf("problems: %q", problems(c))
	}
	// Each key of the table stands in full.toml with another value than the default:
	// a key that forgets its field, or shares another's, shows here.
	for i := range keys {
		k := &keys[i]
		if table := k.table(); table != "" && table != "network" {
			continue
		}
		if _, where := c.Origin(keyOf(k.name)); !strings.HasPrefix(where, Path+":") {
			t.Errorf("origin of %s: got %s, want %s:LINE", k.name, where, Path)
		}
	}
	all, fresh := places(c), places(load(t, "", ""))
	for i := range keys {
		k := &keys[i]
		if got := literal(k.field(all)); got == literal(k.field(fresh)) && k.name != "network.dhcp" {
			t.Errorf("%s: got %s, the default", k.name, got)
		}
	}
}

// places has what lies in lists gathered into one entry of each.
func places(c *Config) place {
	at := place{c: c, n: &Network{Wait: 10 * time.Second}, route: &Route{}, peer: &Peer{}, mount: &Mount{}, device: &Device{}}
	service := newService()
	at.service = &service
	n := *at.n
	for _, from := range c.Network {
		switch from.Interface {
		case "eth0":
			from.VLAN, from.Bridge, from.Bond = n.VLAN, n.Bridge, n.Bond
			n = from
			at.route = &n.Route[0]
		case "eth0.100":
			n.VLAN = from.VLAN
		case "br0":
			n.Bridge = from.Bridge
		case "bond0":
			n.Bond = from.Bond
		}
	}
	at.n = &n
	for i := range c.Peers {
		if c.Peers[i].Aliases != nil {
			at.peer = &c.Peers[i]
		}
	}
	for i := range c.Mounts {
		if c.Mounts[i].Type != "" {
			at.mount = &c.Mounts[i]
		}
	}
	if len(c.Services) > 0 {
		at.service, at.device = &c.Services[0], &c.Devices[0]
	}
	return at
}

// keyOf is a key with the interface that full.toml has it for.
func keyOf(name string) string {
	iface := "eth0"
	switch {
	case strings.HasPrefix(name, "network.vlan."):
		iface = "eth0.100"
	case strings.HasPrefix(name, "network.bridge."):
		iface = "br0"
	case strings.HasPrefix(name, "network.bond."):
		iface = "bond0"
	}
	return strings.Replace(name, "network.", "network."+iface+".", 1)
}

func TestDefaults(t *testing.T) {
	c := Load("", files{macPath: macText}.read)
	valid(t, c)
	want := &Config{
		Node:         Node{Hostname: "beaminit-abcd06"},
		Release:      Release{Path: []string{"/srv/erlang"}, User: "root", Tmp: "/run/beaminit/release", ReadAhead: true},
		Distribution: Distribution{Names: "short", Port: 17012, EPMD: "none", CookieFile: "/data/cookie", Connect: true},
		Supervise: Supervise{OnExit: "restart", BackoffFirst: 100 * time.Millisecond, BackoffLongest: 30 * time.Second,
			Attempts: 5, Window: time.Minute, GiveUp: "reboot", StopTimeout: 10 * time.Second,
			DownTimeout: 30 * time.Second, PowerButton: "poweroff", Boots: 5},
		Dump:      Dump{Bytes: 16 << 20, Timeout: 30 * time.Second, Keep: 5},
		Health:    Health{Interval: 10 * time.Second, ProbeTimeout: 2 * time.Second, ProbeFailures: 3, Ready: Started},
		Watchdog:  Watchdog{Device: "/dev/watchdog", Timeout: 30 * time.Second, Criterion: "probe"},
		Discovery: Discovery{Limit: 64},
		Cluster:   Cluster{Timeout: 3 * time.Second, Heal: 2 * time.Second, Respect: time.Minute},
		Update:    Update{After: time.Minute, Within: 10 * time.Minute},
		Root:      Root{Wait: 10 * time.Second, Program: "/sbin/init", Attempts: 12, Timeout: time.Minute},
		origins:   []origin{{name: "node.hostname", from: Derived}},
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got  %+v\nwant %+v", c, want)
	}
	golden(t, "defaults.plan", plan(c))
}

// TestCmdlineHasAll gives every key on the kernel command line what full.toml says, and
// expects the same configuration.
func TestCmdlineHasAll(t *testing.T) {
	full, err := os.ReadFile("testdata/full.toml")
	if err != nil {
		t.Fatal(err)
	}
	line := `beaminit.node.hostname=eclero6 beaminit.node.domain=lan beaminit.node.id=file:/etc/board-id
	beaminit.network.eth0.address=192.168.7.6/24,fd00::6/64,link-local beaminit.network.eth0.gateway=192.168.7.1
	beaminit.network.eth0.dhcp=off beaminit.network.eth0.mtu=1400 beaminit.network.eth0.wait=5s
	beaminit.network.eth0.100.address=10.0.0.6/31
	beaminit.dns.servers=192.168.7.1,fd00::1 beaminit.dns.search=lan
	beaminit.peers=eclero6:192.168.7.6,eclero8:192.168.7.8,eclero10:192.168.7.10
	beaminit.release.path=/srv/erlang,/data/erlang beaminit.release.boot=start beaminit.release.user=app
	"beaminit.release.env=LANG=C.UTF-8,B=two words,A=" beaminit.release.args=+sbwt,none beaminit.release.tmp=/run/app
	beaminit.release.group=dialout beaminit.release.wrapper=/usr/bin/strace,-f beaminit.release.pre_run=/usr/bin/prepare,--all
	beaminit.release.run_once=[["/usr/bin/format-data","-q"],["/usr/bin/swap-on"]] beaminit.release.run_on_exit=/usr/bin/gather beaminit.release.working_directory=/data/app beaminit.release.readahead=false
	beaminit.console.tty=ttyS1 beaminit.console.options=115200n8
	beaminit.distribution.name=eclero beaminit.distribution.names=long beaminit.distribution.port=17013
	beaminit.distribution.epmd=module:my_epmd beaminit.distribution.cookie-file=/data/secret beaminit.distribution.connect=0 beaminit.distribution.wait_for_peers
	beaminit.distribution.tls.cert=/data/cert.pem beaminit.distribution.tls.key=/data/key.pem beaminit.distribution.tls.ca=/data/ca.pem
	beaminit.supervise.on_exit=poweroff beaminit.supervise.backoff=200ms,1m beaminit.supervise.attempts=7
	beaminit.supervise.window=2m beaminit.supervise.give_up=rescue beaminit.supervise.stop-timeout=20s
	beaminit.supervise.down_timeout=1m beaminit.supervise.power_button=ignore
	beaminit.release.limits=nofile=65536,core=0,memlock=65536:unlimited beaminit.release.oom_score_adj=-500
	"beaminit.release.cgroup=memory.max=256M,memory.high=200M,memory.oom.group=1,cpu.weight=50,cpu.max=50000 100000,pids.max=max"
	beaminit.release.capabilities=net_bind_service,CAP_SYS_TIME beaminit.kernel.core_pattern=/data/core.%e
	beaminit.supervise.exit_ok=0,3 beaminit.supervise.boots=3 beaminit.supervise.fallback-exec=/usr/sbin/slot,previous
	beaminit.dump.directory=/data/dumps beaminit.dump.bytes=2M beaminit.dump.timeout=20s beaminit.dump.keep=2
	beaminit.health.interval=30s beaminit.health.probe_timeout=3s beaminit.health.probe_failures=4
	beaminit.health.start_timeout=5m beaminit.health.ready=notify beaminit.watchdog.device=/dev/watchdog1 beaminit.watchdog.timeout=1m
	beaminit.watchdog.criterion=heart beaminit.kernel.modules=virtio_net,virtio-blk beaminit.kernel.autoload beaminit.kernel.disk_links
	beaminit.network.eth0.mac=02:00:5E:00:53:01 beaminit.network.eth0.100.vlan.parent=eth0 beaminit.network.eth0.100.vlan.id=100
	beaminit.network.br0.bridge.ports=eth2 beaminit.network.br0.bridge.stp=1
	beaminit.network.bond0.bond.ports=eth3,eth4 beaminit.network.bond0.bond.mode=802.3ad
	beaminit.discovery.file=/data/peers beaminit.discovery.dns=_erlang._tcp.cluster.lan beaminit.discovery.mdns
	beaminit.discovery.key-file=/data/discovery.key beaminit.discovery.limit=32
	beaminit.cluster.timeout=5s beaminit.cluster.heal=off beaminit.cluster.respect=2m beaminit.health.key_file=/data/health.key
	beaminit.root.attempts=3 beaminit.root.timeout=20s beaminit.root.overlay=tmpfs
	beaminit.update.slot=cmdline:slot beaminit.update.trial=uboot:upgrade_available beaminit.update.peers=true beaminit.update.confirm=/usr/bin/rauc,status,mark-good
	beaminit.update.reject=/usr/bin/rauc,status,mark-bad beaminit.update.after=2m beaminit.update.within=5m`
	got, want := load(t, "", line), load(t, string(full), "")
	want.Peers[2] = Peer{Name: "eclero10", Address: want.Peers[2].Address} // what has no form there
	want.Mounts, want.Services, want.Devices = nil, nil, nil
	for i := range want.Network {
		want.Network[i].Route = nil
	}
	got.Notes, want.Notes = nil, nil
	got.origins, want.origins, got.text, want.text, want.mountAt, want.wanted = nil, nil, "", "", nil, ""
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	for i := range keys {
		if name := keys[i].name; noCmdline(&keys[i]) {
			continue
		} else if !strings.Contains(strings.ReplaceAll(line, "-", "_"), "beaminit."+keyOf(name)+"=") {
			t.Errorf("%s is not in this test", name)
		}
	}
}

func noCmdline(k *key) bool {
	return k.name == "network.route" || k.table() != "" && k.table() != "network" || listKey(k.name) != nil
}

func TestOrigin(t *testing.T) {
	c := load(t, "[network.eth0]\nmtu = 1400\n[peers]\na = \"10.0.0.1\"\n[[mount]]\nsource = \"a\"\ntarget = \"/b\"\ntype = \"c\"",
		"ip=10.0.0.6:::::eth1:off beaminit.network.eth0.100.mtu=1500 rw")
	for _, tt := range []struct {
		key   string
		from  Source
		where string
	}{
		{"network.eth0", TOML, "/etc/beaminit.toml:1"}, {"network.eth0.mtu", TOML, "/etc/beaminit.toml:2"}, {"network.eth0.wait", BuiltIn, "built in"},
		{"network.eth1", IPParam, "kernel command line, ip="}, {"network.eth1.address", IPParam, "kernel command line, ip="},
		{"network.eth0.100.mtu", Cmdline, "kernel command line"}, {"network.eth7", BuiltIn, "built in"},
		{"peers", TOML, "/etc/beaminit.toml:3"}, {"peers.a", TOML, "/etc/beaminit.toml:4"}, {"mount", TOML, "/etc/beaminit.toml:5"},
		{"rw", Cmdline, "kernel command line"}, {"zebra", BuiltIn, "built in"}, {"", BuiltIn, "built in"},
	} {
		if from, where := c.Origin(tt.key); from != tt.from || where != tt.where {
			t.Errorf("origin of %s: got %v %s, want %v %s", tt.key, from, where, tt.from, tt.where)
		}
	}
}

func TestChecks(t *testing.T) {
	for _, tt := range []struct {
		name     string
		check    func(string) bool
		good, no []string
	}{
		{"user", isUser, []string{"root", "app", "_x", "0", "1000", "4294967294"}, []string{"", "-a", "a b", "4294967295", "99999999999", "a:b"}},
		{"id", isID, []string{"/bin/id -s", "file:/id"}, []string{"", "id", "file:id", "file:"}},
		{"host name", isHostname, []string{"a", "a-b.c", "0", "A.lan", strings.Repeat("a", 63)}, []string{"", "-a", "a-", "a_b", "a.", ".a", "a..b", strings.Repeat("a", 64), strings.Repeat("a.", 32) + "a"}},
		{"interface", isInterface, []string{"eth0", "eth0.100", "a-b_c"}, []string{"", ".", "..", "a b", "a/b", "a:b", "a\tb", "a\u00a0", "abcdefghijklmnop"}},
		{"epmd", isEPMD, []string{"none", "daemon", "module:my_epmd", "module:Elixir.My.Epmd"}, []string{"", "module:", "module:My", "module:a b", "other"}},
		{"env", isEnvName, []string{"A", "_", "a1"}, []string{"", "1A", "A-B", "A=B"}},
		{"boot", isBoot, []string{"start", "start_clean"}, []string{"..", "a/b", "start.boot"}},
	} {
		for _, s := range tt.good {
			if !tt.check(s) {
				t.Errorf("%s: %q is refused", tt.name, s)
			}
		}
		for _, s := range tt.no {
			if tt.check(s) {
				t.Errorf("%s: %q passes", tt.name, s)
			}
		}
	}
}

func itoa(i int) string { return strconv.Itoa(i) }

func TestDomain(t *testing.T) {
	for _, tt := range []struct{ toml, want string }{
		{"", ""},
		{"[dns]\nsearch = [\"c\", \"d\"]", "c"},
		{"[node]\ndomain = \"farm\"\n[dns]\nsearch = [\"c\", \"d\"]", "farm"},
		{"[node]\ndomain = \"farm\"\nhostname = \"a.b.lan\"", "b.lan"},
	} {
		if got := load(t, tt.toml, "").Domain(); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.toml, got, tt.want)
		}
	}
}
