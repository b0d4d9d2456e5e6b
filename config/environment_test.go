package config

import (
	"io/fs"
	"strings"
	"testing"
	"time"
)

func TestEnvironment(t *testing.T) {
	for _, tt := range []struct {
		name, set, key string
		want           string // value, origin
	}{
		{"a key", "BEAMINIT_CLUSTER_TIMEOUT=4s", "cluster.timeout", `"4s" environment`},
		{"a key of three words", "BEAMINIT_SUPERVISE_STOP_TIMEOUT=7s", "supervise.stop_timeout", `"7s" environment`},
		{"an underscore of its own", "BEAMINIT_HEALTH_PROBE_TIMEOUT=2s", "health.probe_timeout", `"2s" environment`},
		{"a list", "BEAMINIT_DNS_SEARCH=a.lan,b.lan", "dns.search", `["a.lan", "b.lan"] environment`},
		{"blanks and quotes", `BEAMINIT_RELEASE_ENV_GREETING=say "hi" to me`, "release.env", `{ GREETING = "say \"hi\" to me" } environment`},
		{"a peer", "BEAMINIT_PEERS_NODE_2=10.0.0.2", "peers.node-2", `"10.0.0.2" environment`},
		{"an interface", "BEAMINIT_NETWORK_ETH1_MTU=1400", "network.eth1.mtu", `1400 environment`},
		{"an argument", "beaminit.cluster.timeout=5s", "cluster.timeout", `"5s" environment`},
		{"a host name", "hostname=bird", "node.hostname", `"bird" environment`},
		{"its variable", "BEAMINIT_HOSTNAME=bird", "node.hostname", `"bird" environment`},
		{"none", "PATH=/bin", "node.hostname", `"of-the-runtime" environment`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := Sources{Cmdline: "hostname=of-the-host", Hostname: "of-the-runtime", Environment: []string{}, Read: nothing}
			if strings.HasPrefix(tt.set, "BEAMINIT") || strings.HasPrefix(tt.set, "PATH") {
				s.Environment = append(s.Environment, tt.set)
			} else {
				s.Args = append(s.Args, tt.set)
			}
			c := s.Load()
			got := ""
			c.Each(func(key, value, where string) {
				if key == tt.key {
					got = value + " " + where
				}
			})
			if got != tt.want || c.Problems != nil {
				t.Errorf("%s is %s, want %s; %v", tt.key, got, tt.want, c.Problems)
			}
		})
	}
}

func nothing(string) ([]byte, error) { return nil, fs.ErrNotExist }

func TestEnvironmentProblems(t *testing.T) {
	c := Sources{Read: nothing, Environment: []string{"BEAMINIT_CLUSTR_TIMEOUT=4s", "BEAMINIT_CLUSTER_TIMEOUT=soon", "BEAMINIT_NETWORK_ETH0_COLOUR=red"}, Hostname: "a"}.Load()
	var said []string
	for _, p := range c.Problems {
		said = append(said, p.String())
	}
	text := strings.Join(said, "\n")
	for _, want := range []string{"environment: BEAMINIT_CLUSTR_TIMEOUT: no key is named so", "environment: cluster.timeout: ", "environment: BEAMINIT_NETWORK_ETH0_COLOUR: no key"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if c.Cluster.Timeout != 3*time.Second {
		t.Errorf("cluster.timeout is %v", c.Cluster.Timeout)
	}
}

// Every key has a variable of its own that names it and no other.
func TestEveryKeyIsAVariable(t *testing.T) {
	for i := range keys {
		k := &keys[i]
		if k.table() != "" || listKey(k.name) != nil {
			continue
		}
		if got := variableKey(strings.ToUpper(asVariable(k.name))); got != k.name && k.name != "peers" {
			t.Errorf("the variable of %s names %q", k.name, got)
		}
	}
}
