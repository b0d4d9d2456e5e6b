package config

import "time"

// key is one key of beaminit.toml and of the kernel command line: both go through
// this one table, so none can be known to one and not to the other.
type key struct {
	name  string                          // dotted; of [network.IFACE] without the interface
	field func(c *Config, n *Network) any // a pointer to where the value goes; its type says what kind of value it is
	check func(s string) bool             // of a string, or of each string of a list
	value func(s string) bool             // of each value of a table
	noun  string                          // what a value that fails is not: "99999 is no TCP port"
	want  string                          // what would be right
	empty bool                            // an empty string is allowed too
	min   int64                           // of an integer, or of a duration in nanoseconds
	max   int64
}

// Kinds of values that have no Go type of their own in Config.
type (
	env     []string // KEY=value
	backoff struct{ first, longest *time.Duration }
	command []string // an absolute path and arguments
	size    int64    // bytes
)

// keys is the whole table. It holds constants and plain functions only, so that the
// linker lays it out and a boot pays nothing for it.
var keys = [...]key{
	{name: "node.hostname", field: func(c *Config, _ *Network) any { return &c.Node.Hostname },
		noun: "host name", want: wantHostname},
	{name: "node.id", field: func(c *Config, _ *Network) any { return &c.Node.ID },
		check: isID, noun: "source of an id", want: `the absolute path of a program with its arguments, or "file:/path"`, empty: true},

	{name: "network.address", field: func(_ *Config, n *Network) any { return &n.Address },
		noun: "address of a host", want: `addresses with a prefix length, such as "192.168.7.6/24"`},
	{name: "network.gateway", field: func(_ *Config, n *Network) any { return &n.Gateway },
		noun: "address of a host", want: `addresses such as "192.168.7.1"`},
	{name: "network.dhcp", field: func(_ *Config, n *Network) any { return &n.DHCP }, want: "true or false"},
	{name: "network.mtu", field: func(_ *Config, n *Network) any { return &n.MTU },
		noun: "MTU", want: "68 to 65535", min: 68, max: 65535},
	{name: "network.wait", field: func(_ *Config, n *Network) any { return &n.Wait },
		want: `a duration such as "10s", 0s to 1h`, max: int64(time.Hour)},

	{name: "dns.servers", field: func(c *Config, _ *Network) any { return &c.DNS.Servers },
		noun: "address of a host", want: `addresses such as "192.168.7.1"`},
	{name: "dns.search", field: func(c *Config, _ *Network) any { return &c.DNS.Search },
		check: isHostname, noun: "domain name", want: `domain names such as "lan"`},

	{name: "peers", field: func(c *Config, _ *Network) any { return &c.Peers },
		want: `name = "192.168.7.6", or name = { address = "192.168.7.6", aliases = ["other"] }`},

	{name: "release.path", field: func(c *Config, _ *Network) any { return &c.Release.Path },
		check: isAbs, noun: "absolute path", want: `directories such as "/srv/erlang"`},
	{name: "release.boot", field: func(c *Config, _ *Network) any { return &c.Release.Boot },
		check: isBoot, noun: "name of a boot script", want: `its file name without .boot, such as "start", or an absolute path`, empty: true},
	{name: "release.user", field: func(c *Config, _ *Network) any { return &c.Release.User },
		check: isUser, noun: "user", want: `a user name or number, such as "app" or "1000"`},
	{name: "release.env", field: func(c *Config, _ *Network) any { return (*env)(&c.Release.Env) },
		check: isEnvName, noun: "name of an environment variable", want: `letters, digits and underscores, such as LANG = "C.UTF-8"`},
	{name: "release.args", field: func(c *Config, _ *Network) any { return &c.Release.Args },
		want: `a list of strings such as ["+sbwt", "none"]`},
	{name: "release.tmp", field: func(c *Config, _ *Network) any { return &c.Release.Tmp },
		check: isAbs, noun: "absolute path", want: "a writable directory"},
	{name: "release.limits", field: func(c *Config, _ *Network) any { return (*env)(&c.Release.Limits) },
		check: isLimit, value: isLimits, noun: "resource limit", want: `resources of prlimit(1) with a number, "unlimited", or "SOFT:HARD", such as nofile = "65536"`},
	{name: "release.capabilities", field: func(c *Config, _ *Network) any { return &c.Release.Capabilities },
		check: isCapability, noun: "capability", want: `names of capabilities(7), such as "net_bind_service"`},
	{name: "release.oom_score_adj", field: func(c *Config, _ *Network) any { return &c.Release.OOMScoreAdj },
		noun: "oom_score_adj", want: "-1000 (never killed) to 1000 (killed first)", min: -1000, max: 1000},

	{name: "release.group", field: func(c *Config, _ *Network) any { return &c.Release.Group },
		check: isUser, noun: "group", want: `a group name or number, such as "app" or "1000"`, empty: true},
	{name: "release.wrapper", field: func(c *Config, _ *Network) any { return &c.Release.Wrapper }, want: wantProgram},
	{name: "release.pre_run", field: func(c *Config, _ *Network) any { return &c.Release.PreRun }, want: wantProgram},
	{name: "release.run_on_exit", field: func(c *Config, _ *Network) any { return &c.Release.RunOnExit }, want: wantProgram},
	{name: "release.working_directory", field: func(c *Config, _ *Network) any { return &c.Release.WorkingDirectory },
		check: isAbs, noun: "absolute path", want: "a directory", empty: true},
	{name: "release.readahead", field: func(c *Config, _ *Network) any { return &c.Release.ReadAhead }, want: "true or false"},

	{name: "distribution.name", field: func(c *Config, _ *Network) any { return &c.Distribution.Name },
		check: isNodeName, noun: "node name", want: "the part before the @: letters, digits, - and _", empty: true},
	{name: "distribution.names", field: func(c *Config, _ *Network) any { return &c.Distribution.Names },
		check: isNames, noun: "kind of node names", want: `"short", "long" or "none"`},
	{name: "distribution.port", field: func(c *Config, _ *Network) any { return &c.Distribution.Port },
		noun: "TCP port", want: "1 to 65535", min: 1, max: 65535},
	{name: "distribution.epmd", field: func(c *Config, _ *Network) any { return &c.Distribution.EPMD },
		check: isEPMD, noun: "way to find nodes", want: `"none", "daemon" or "module:NAME"`},
	{name: "distribution.cookie_file", field: func(c *Config, _ *Network) any { return &c.Distribution.CookieFile },
		check: isAbs, noun: "absolute path", want: "the path of a file that holds the cookie"},
	{name: "distribution.connect", field: func(c *Config, _ *Network) any { return &c.Distribution.Connect }, want: "true or false"},
	{name: "distribution.tls.cert", field: func(c *Config, _ *Network) any { return &c.Distribution.TLS.Cert },
		check: isAbs, noun: "absolute path", want: "the path of the node's certificate, in PEM", empty: true},
	{name: "distribution.tls.key", field: func(c *Config, _ *Network) any { return &c.Distribution.TLS.Key },
		check: isAbs, noun: "absolute path", want: "the path of the key of the certificate, in PEM", empty: true},
	{name: "distribution.tls.ca", field: func(c *Config, _ *Network) any { return &c.Distribution.TLS.CA },
		check: isAbs, noun: "absolute path", want: "the path of the certificates that peers are judged by, in PEM", empty: true},

	{name: "supervise.on_exit", field: func(c *Config, _ *Network) any { return &c.Supervise.OnExit },
		check: isOnExit, noun: "action", want: `"restart", "reboot", "poweroff" or "halt"`},
	{name: "supervise.backoff", field: func(c *Config, _ *Network) any {
		return backoff{&c.Supervise.BackoffFirst, &c.Supervise.BackoffLongest}
	}, want: `the first and the longest pause, such as ["100ms", "30s"], 1ms to 24h`, min: int64(time.Millisecond), max: int64(24 * time.Hour)},
	{name: "supervise.attempts", field: func(c *Config, _ *Network) any { return &c.Supervise.Attempts },
		noun: "number of attempts", want: "1 to 1000000", min: 1, max: 1e6},
	{name: "supervise.window", field: func(c *Config, _ *Network) any { return &c.Supervise.Window },
		want: `a duration such as "1m", 1s to 720h`, min: int64(time.Second), max: int64(720 * time.Hour)},
	{name: "supervise.give_up", field: func(c *Config, _ *Network) any { return &c.Supervise.GiveUp },
		check: isGiveUp, noun: "action", want: `"reboot", "rescue", "poweroff" or "halt"`},
	{name: "supervise.stop_timeout", field: func(c *Config, _ *Network) any { return &c.Supervise.StopTimeout },
		want: `a duration such as "10s", 0s to 1h`, max: int64(time.Hour)},
	{name: "supervise.down_timeout", field: func(c *Config, _ *Network) any { return &c.Supervise.DownTimeout },
		want: `a duration such as "30s", 1s to 24h`, min: int64(time.Second), max: int64(24 * time.Hour)},
	{name: "supervise.power_button", field: func(c *Config, _ *Network) any { return &c.Supervise.PowerButton },
		check: isButton, noun: "action", want: `"poweroff", "reboot", "halt" or "ignore"`},

	{name: "supervise.exit_ok", field: func(c *Config, _ *Network) any { return &c.Supervise.ExitOK },
		noun: "exit status", want: "a list of exit statuses such as [0], 0 to 255", max: 255},
	{name: "supervise.boots", field: func(c *Config, _ *Network) any { return &c.Supervise.Boots },
		noun: "number of boots", want: "1 to 1000, or 0 for no limit", max: 1000},
	{name: "supervise.fallback_exec", field: func(c *Config, _ *Network) any { return (*command)(&c.Supervise.FallbackExec) },
		noun: "command", want: `a list of an absolute path and arguments, such as ["/usr/sbin/slot", "previous"]`},

	{name: "health.interval", field: func(c *Config, _ *Network) any { return &c.Health.Interval },
		want: `a duration such as "10s", 100ms to 24h`, min: int64(100 * time.Millisecond), max: int64(24 * time.Hour)},
	{name: "health.probe_timeout", field: func(c *Config, _ *Network) any { return &c.Health.ProbeTimeout },
		want: `a duration such as "2s", 10ms to 1h`, min: int64(10 * time.Millisecond), max: int64(time.Hour)},
	{name: "health.probe_failures", field: func(c *Config, _ *Network) any { return &c.Health.ProbeFailures },
		noun: "number of probes", want: "1 to 1000, or 0 for never", max: 1000},
	{name: "health.start_timeout", field: func(c *Config, _ *Network) any { return &c.Health.StartTimeout },
		want: `a duration such as "5m", to 24h, or "0s" for no limit`, max: int64(24 * time.Hour)},
	{name: "health.ready", field: func(c *Config, _ *Network) any { return &c.Health.Ready },
		check: isReady, noun: "criterion", want: `"listening", "started" or "notify"`},

	{name: "watchdog.device", field: func(c *Config, _ *Network) any { return &c.Watchdog.Device },
		check: isAbs, noun: "absolute path", want: `a device such as "/dev/watchdog", or "" for none`, empty: true},
	{name: "watchdog.timeout", field: func(c *Config, _ *Network) any { return &c.Watchdog.Timeout },
		want: `a duration such as "30s", 2s to 1h`, min: int64(2 * time.Second), max: int64(time.Hour)},
	{name: "watchdog.criterion", field: func(c *Config, _ *Network) any { return &c.Watchdog.Criterion },
		check: isCriterion, noun: "criterion", want: `"probe", "heart" or "process"`},

	{name: "dump.directory", field: func(c *Config, _ *Network) any { return &c.Dump.Directory },
		check: isAbs, noun: "absolute path", want: "a directory that the release can write to", empty: true},
	{name: "dump.bytes", field: func(c *Config, _ *Network) any { return (*size)(&c.Dump.Bytes) },
		want: `a size such as "16M", 0 to 1G`, max: 1 << 30},
	{name: "dump.timeout", field: func(c *Config, _ *Network) any { return &c.Dump.Timeout },
		want: `a duration such as "30s", 1s to 1h`, min: int64(time.Second), max: int64(time.Hour)},
	{name: "dump.keep", field: func(c *Config, _ *Network) any { return &c.Dump.Keep },
		noun: "number of dumps", want: "0 to 1000", max: 1000},

	{name: "console.tty", field: func(c *Config, _ *Network) any { return &c.Console.TTY },
		check: isTTY, noun: "tty", want: `its name in /dev, such as "ttyS1"`, empty: true},
	{name: "console.options", field: func(c *Config, _ *Network) any { return &c.Console.Options },
		check: isTTYOptions, noun: "setting of a tty", want: `as the kernel's console= has it, such as "115200n8"`, empty: true},

	{name: "mount", field: func(c *Config, _ *Network) any { return &c.Mounts },
		want: "[[mount]] tables with source, target, type and options"},

	{name: "kernel.modules", field: func(c *Config, _ *Network) any { return &c.Kernel.Modules },
		check: isModule, noun: "module name", want: `module names such as "virtio_net"`},
	{name: "kernel.core_pattern", field: func(c *Config, _ *Network) any { return &c.Kernel.CorePattern },
		check: isCorePattern, noun: "core pattern", want: `1 to 127 bytes as in core(5), such as "/data/core.%e"`, empty: true},
}

const wantProgram = `a program with its arguments, such as ["/usr/bin/strace", "-f"]`

const wantHostname = "labels of letters, digits and inner hyphens with dots between, 64 bytes at most, or a pattern with %s, %.4s or %-.4s"

// find looks a key up; nil: there is none. loose makes - and _ equal, as they are in
// the names of kernel parameters.
func find(section, name string, loose bool) *key {
	for i := range keys {
		k := &keys[i]
		if len(k.name) == len(section)+1+len(name) && k.name[len(section)] == '.' &&
			same(k.name[:len(section)], section, loose) && same(k.name[len(section)+1:], name, loose) {
			return k
		}
	}
	return nil
}

func same(a, b string, loose bool) bool {
	if !loose || len(a) != len(b) {
		return a == b
	}
	for i := 0; i < len(a); i++ {
		if a[i] != b[i] && (a[i] != '_' || b[i] != '-') {
			return false
		}
	}
	return true
}

// isSection says whether there are keys in a table, or a key, of this name.
func isSection(s string) bool {
	for i := range keys {
		n := keys[i].name
		if len(n) >= len(s) && n[:len(s)] == s && (len(n) == len(s) || n[len(s)] == '.') {
			return s != ""
		}
	}
	return false
}

// defaults is the configuration of a node that nothing was said about.
func defaults() *Config {
	return &Config{
		Release:      Release{Path: []string{"/srv/erlang"}, User: "root", Tmp: "/run/beaminit/release", ReadAhead: true},
		Distribution: Distribution{Names: "short", Port: 17012, EPMD: "none", CookieFile: "/data/cookie", Connect: true},
		Supervise: Supervise{
			OnExit: Restart, BackoffFirst: 100 * time.Millisecond, BackoffLongest: 30 * time.Second,
			Attempts: 5, Window: time.Minute, GiveUp: Reboot, StopTimeout: 10 * time.Second, DownTimeout: 30 * time.Second,
			PowerButton: PowerOff, Boots: 5,
		},
		Dump:     Dump{Bytes: 16 << 20, Timeout: 30 * time.Second, Keep: 5},
		Health:   Health{Interval: 10 * time.Second, ProbeTimeout: 2 * time.Second, ProbeFailures: 3, Ready: Started},
		Watchdog: Watchdog{Device: "/dev/watchdog", Timeout: 30 * time.Second, Criterion: ByProbe},
		Root:     Root{Wait: 10 * time.Second, Program: "/sbin/init"},
	}
}

// network is the entry of an interface, made where there is none yet. The pointer
// holds until the next call.
func (c *Config) network(iface string) *Network {
	for i := range c.Network {
		if c.Network[i].Interface == iface {
			return &c.Network[i]
		}
	}
	c.Network = append(c.Network, Network{Interface: iface, Wait: 10 * time.Second})
	return &c.Network[len(c.Network)-1]
}
