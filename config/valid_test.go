package config

import (
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/config/lex"
)

// valid checks what every Config promises, whatever the sources said.
func valid(t *testing.T, c *Config) {
	t.Helper()
	check := func(ok bool, what string, got any) {
		t.Helper()
		if !ok {
			t.Errorf("%s: got %#v", what, got)
		}
	}
	between := func(d, least, most time.Duration, what string) {
		t.Helper()
		check(d >= least && d <= most, what, d)
	}
	check(isHostname(c.Node.Hostname) && c.Node.Hostname == strings.ToLower(c.Node.Hostname), "node.hostname", c.Node.Hostname)
	check(c.Node.ID == "" || isID(c.Node.ID), "node.id", c.Node.ID)
	validNetworks(t, c)
	for _, s := range c.DNS.Search {
		check(isHostname(s), "dns.search", s)
	}
	check(len(c.Peers) <= maxPeers, "number of peers", len(c.Peers))
	for i, p := range c.Peers {
		check(isHostname(p.Name) && p.Name == strings.ToLower(p.Name) && !unusable(p.Address), "peer", p)
		for _, a := range p.Aliases {
			check(isHostname(a), "alias", a)
		}
		for _, q := range c.Peers[:i] {
			check(!q.answers(p.Name) && !p.answers(q.Name) && p.Address != q.Address, "peer that is there twice", p)
		}
	}
	d, s := &c.Distribution, &c.Supervise
	check(d.Port >= 1 && d.Port <= 65535, "distribution.port", d.Port)
	check(isNames(d.Names), "distribution.names", d.Names)
	check(isEPMD(d.EPMD), "distribution.epmd", d.EPMD)
	check(d.Name == "" || isNodeName(d.Name), "distribution.name", d.Name)
	check(isAbs(d.CookieFile), "distribution.cookie_file", d.CookieFile)
	check(isOnExit(s.OnExit) && isGiveUp(s.GiveUp), "supervise", *s)
	check(s.Attempts >= 1, "supervise.attempts", s.Attempts)
	between(s.BackoffFirst, time.Millisecond, s.BackoffLongest, "supervise.backoff[0]")
	between(s.BackoffLongest, time.Millisecond, 24*time.Hour, "supervise.backoff[1]")
	between(s.Window, time.Second, 720*time.Hour, "supervise.window")
	between(s.StopTimeout, 0, time.Hour, "supervise.stop_timeout")
	for _, status := range s.ExitOK {
		check(status >= 0 && status <= 255, "supervise.exit_ok", status)
	}
	check(s.Boots >= 0, "supervise.boots", s.Boots)
	check(len(s.FallbackExec) == 0 || isAbs(s.FallbackExec[0]), "supervise.fallback_exec", s.FallbackExec)
	check(c.Dump.Directory == "" || isAbs(c.Dump.Directory), "dump.directory", c.Dump.Directory)
	check(c.Dump.Bytes >= 0 && c.Dump.Bytes <= 1<<30 && c.Dump.Keep >= 0, "dump", c.Dump)
	between(c.Dump.Timeout, time.Second, time.Hour, "dump.timeout")
	between(c.Health.Interval, 100*time.Millisecond, 24*time.Hour, "health.interval")
	between(c.Health.ProbeTimeout, 10*time.Millisecond, time.Hour, "health.probe_timeout")
	between(c.Health.StartTimeout, 0, 24*time.Hour, "health.start_timeout")
	check(isReady(c.Health.Ready), "health.ready", c.Health.Ready)
	between(c.Watchdog.Timeout, 2*time.Second, time.Hour, "watchdog.timeout")
	check(isUser(c.Release.User) && isAbs(c.Release.Tmp) && isBoot(c.Release.Boot), "release", c.Release)
	for i, e := range c.Release.Env {
		name, value, found := strings.Cut(e, "=")
		check(found && isEnvName(name) && lex.IsPrintable(value), "release.env", e)
		if i > 0 {
			before, _, _ := strings.Cut(c.Release.Env[i-1], "=")
			check(before < name, "order of release.env", c.Release.Env)
		}
	}
	for _, l := range c.Release.Limits {
		name, value, found := strings.Cut(l, "=")
		check(found && isLimit(name) && isLimits(value), "release.limits", l)
	}
	for _, s := range c.Release.Cgroup {
		check(cgroupFault(s).what == "", "release.cgroup", s)
	}
	for _, name := range c.Release.Capabilities {
		check(isCapability(name), "release.capabilities", name)
	}
	check(c.Release.OOMScoreAdj >= -1000 && c.Release.OOMScoreAdj <= 1000, "release.oom_score_adj", c.Release.OOMScoreAdj)
	check(c.Kernel.CorePattern == "" || isCorePattern(c.Kernel.CorePattern), "kernel.core_pattern", c.Kernel.CorePattern)
	check(c.Node.MachineID == "" || IsMachineID(c.Node.MachineID), "systemd.machine_id", c.Node.MachineID)
	check(isButton(s.PowerButton), "supervise.power_button", s.PowerButton)
	between(s.DownTimeout, time.Second, 24*time.Hour, "supervise.down_timeout")
	for _, a := range c.Release.Args {
		check(lex.IsPrintable(a), "release.args", a)
	}
	for _, m := range c.Mounts {
		check(m.Type == "swap" || isAbs(m.Target) && (m.Source != "" && m.Target != "/" && m.Type != "" || len(m.Options) > 0), "mount", m)
	}
	check(len(c.Mounts) == len(c.mountAt), "mountAt", c.mountAt)
	check(isAbs(c.Root.Program) && c.Root.Delay >= 0 && c.Root.Wait >= -1, "root", c.Root)
	names := map[string]bool{}
	for _, s := range c.Services {
		check(isServiceName(s.Name) && !names[s.Name] && isAbs(s.Exec[0]) && isUser(s.User) && isRestart(s.Restart) && isStart(s.Start) && isServiceReady(s.Ready), "service", s)
		names[s.Name] = true
	}
	for _, d := range c.Devices {
		check(match(d.Match).fault() == "" && d.Mode >= 0 && d.Mode <= 0o777, "device", d)
	}
	between(c.Cluster.Timeout, 0, time.Hour, "cluster.timeout")
	check(c.Cluster.Timeout == 0 || c.Cluster.Timeout >= time.Second, "cluster.timeout", c.Cluster.Timeout)
	check(c.Discovery.Limit >= 1 && c.Discovery.Limit <= 1000, "discovery.limit", c.Discovery.Limit)
	check(c.Update.Slot == "" || isSlot(c.Update.Slot), "update.slot", c.Update.Slot)
	check(c.Update.Trial == "" || isTrial(c.Update.Trial), "update.trial", c.Update.Trial)
	for _, p := range c.Problems {
		line := p.String()
		check(p.File != "" && p.What != "", "problem without file or fault", p)
		check(!strings.ContainsAny(line, "\n\r\x1b") && line == oneLine([]byte(line)), "line of a problem", line)
	}
	c.Each(func(key, value, where string) {
		check(key != "" && value != "" && where != "" && lex.IsPrintable(value), "plan of "+key, value)
	})
}

func validNetworks(t *testing.T, c *Config) {
	t.Helper()
	seen := map[string]bool{}
	for _, n := range c.Network {
		if seen[n.Interface] || !isInterface(n.Interface) {
			t.Errorf("interface %q twice or not valid", n.Interface)
		}
		seen[n.Interface] = true
		if n.MTU != 0 && (n.MTU < 68 || n.MTU > 65535) || n.Wait < 0 || n.Wait > time.Hour {
			t.Errorf("network: got %+v", n)
		}
		for _, a := range n.Address {
			if hostless(a) != "" {
				t.Errorf("address of %s: got %v", n.Interface, a)
			}
		}
		for _, r := range n.Route {
			if !r.To.IsValid() || r.To != r.To.Masked() || r.Via.IsValid() && r.Via.Is4() != r.To.Addr().Is4() {
				t.Errorf("route of %s: got %+v", n.Interface, r)
			}
		}
		for _, g := range n.Gateway {
			if unusable(g) {
				t.Errorf("gateway of %s: got %v", n.Interface, g)
			}
		}
	}
	for _, s := range c.DNS.Servers {
		if unusable(s) {
			t.Errorf("name server: got %v", s)
		}
	}
}
