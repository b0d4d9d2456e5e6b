package config

import "time"

// ReleaseTmp is release.tmp where nothing else is said: a directory that is nobody else's.
const ReleaseTmp = "/run/beaminit/release"

// defaults is the configuration of a node that nothing was said about.
func defaults() *Config {
	return &Config{
		Release:      Release{Path: []string{"/srv/erlang"}, User: "root", Tmp: ReleaseTmp, ReadAhead: true},
		Distribution: Distribution{Names: "short", Port: 17012, EPMD: "none", CookieFile: "/data/cookie", Connect: true},
		Discovery:    Discovery{Limit: 64},
		Cluster:      Cluster{Timeout: 3 * time.Second, Heal: 2 * time.Second, Respect: time.Minute},
		Supervise: Supervise{
			OnExit: Restart, BackoffFirst: 100 * time.Millisecond, BackoffLongest: 30 * time.Second,
			Attempts: 5, Window: time.Minute, GiveUp: Reboot, StopTimeout: 10 * time.Second, DownTimeout: 30 * time.Second,
			PowerButton: PowerOff, Boots: 5,
		},
		Dump:     Dump{Bytes: 16 << 20, Timeout: 30 * time.Second, Keep: 5},
		Health:   Health{Interval: 10 * time.Second, ProbeTimeout: 2 * time.Second, ProbeFailures: 3, Ready: Started},
		Watchdog: Watchdog{Device: "/dev/watchdog", Timeout: 30 * time.Second, Criterion: ByProbe},
		Update:   Update{After: time.Minute, Within: 10 * time.Minute},
		Root:     Root{Wait: 10 * time.Second, Program: "/sbin/init", Attempts: 12, Timeout: time.Minute},
	}
}

// network is the entry of an interface, made where there is none yet. The pointer
// holds until the next call. (Inlined in all its callers: 6 KB more.)
//
//go:noinline
func (c *Config) network(iface string) *Network {
	for i := range c.Network {
		if c.Network[i].Interface == iface {
			return &c.Network[i]
		}
	}
	c.Network = append(c.Network, Network{Interface: iface, Wait: 10 * time.Second})
	return &c.Network[len(c.Network)-1]
}

func newMount() Mount { return Mount{} }

func newService() Service {
	return Service{User: "root", Restart: Always, Start: With, Ready: Started, ReadyTimeout: 30 * time.Second, StopTimeout: 10 * time.Second}
}
