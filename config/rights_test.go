package config

import (
	"testing"

	"golang.org/x/sys/unix"
)

// The order of the names is that of the kernel's numbers.
func TestLimitNumbers(t *testing.T) {
	for name, want := range map[string]int{
		"cpu": unix.RLIMIT_CPU, "fsize": unix.RLIMIT_FSIZE, "data": unix.RLIMIT_DATA, "stack": unix.RLIMIT_STACK,
		"core": unix.RLIMIT_CORE, "rss": unix.RLIMIT_RSS, "nproc": unix.RLIMIT_NPROC, "nofile": unix.RLIMIT_NOFILE,
		"memlock": unix.RLIMIT_MEMLOCK, "as": unix.RLIMIT_AS, "locks": unix.RLIMIT_LOCKS,
		"sigpending": unix.RLIMIT_SIGPENDING, "msgqueue": unix.RLIMIT_MSGQUEUE, "nice": unix.RLIMIT_NICE,
		"rtprio": unix.RLIMIT_RTPRIO, "rttime": unix.RLIMIT_RTTIME,
	} {
		if got, ok := Limit(name); !ok || got != want {
			t.Errorf("%s: %d %v, want %d", name, got, ok, want)
		}
	}
}

func TestCapabilityNumbers(t *testing.T) {
	for name, want := range map[string]int{
		"chown": unix.CAP_CHOWN, "cap_net_bind_service": unix.CAP_NET_BIND_SERVICE, "CAP_SYS_ADMIN": unix.CAP_SYS_ADMIN,
		"mknod": unix.CAP_MKNOD, "setfcap": unix.CAP_SETFCAP, "syslog": unix.CAP_SYSLOG, "audit_read": unix.CAP_AUDIT_READ,
		"checkpoint_restore": unix.CAP_CHECKPOINT_RESTORE,
	} {
		if got, ok := Capability(name); !ok || got != want {
			t.Errorf("%s: %d %v, want %d", name, got, ok, want)
		}
	}
	if len(capabilities) != unix.CAP_LAST_CAP+1 {
		t.Errorf("%d names, the kernel has %d", len(capabilities), unix.CAP_LAST_CAP+1)
	}
}

func TestParseLimit(t *testing.T) {
	for _, tt := range []struct {
		text       string
		soft, hard uint64
		ok         bool
	}{
		{"0", 0, 0, true}, {"65536", 65536, 65536, true}, {"1:2", 1, 2, true}, {"unlimited", Unlimited, Unlimited, true},
		{"5:unlimited", 5, Unlimited, true}, {"unlimited:5", 0, 0, false}, {"2:1", 0, 0, false}, {"", 0, 0, false},
		{":", 0, 0, false}, {"+1", 0, 0, false}, {"-1", 0, 0, false}, {"1k", 0, 0, false}, {"1:2:3", 0, 0, false},
		{"18446744073709551616", 0, 0, false},
	} {
		soft, hard, ok := ParseLimit(tt.text)
		if ok != tt.ok || ok && (soft != tt.soft || hard != tt.hard) {
			t.Errorf("%q: %d %d %v", tt.text, soft, hard, ok)
		}
	}
}

// What is wrong is said with what would be right, and the rest counts.
func TestRights(t *testing.T) {
	c := load(t, "[release]\nlimits = { nofile = 1024, files = 3, core = \"much\", nice = 1.5 }\n"+
		"capabilities = [\"sys_time\", \"sys_tiem\"]\noom_score_adj = -1001\n[kernel]\ncore_pattern = 5\n",
		"systemd.machine_id=0123 beaminit.release.limits=nofile beaminit.supervise.power-button=sleep")
	const limits = `; want resources of prlimit(1) with a number, "unlimited", or "SOFT:HARD", such as nofile = "65536"; using { nofile = "1024" }`
	want := []string{
		`/etc/beaminit.toml:2: release.limits: "much" is no limit for core` + limits,
		`/etc/beaminit.toml:2: release.limits: "files" is no resource limit` + limits,
		`/etc/beaminit.toml:2: release.limits: 1.5 is a float, not a string, as the value of "nice"` + limits,
		`/etc/beaminit.toml:3: release.capabilities: "sys_tiem" is no capability; want names of capabilities(7), such as "net_bind_service"; using ["sys_time"]`,
		`/etc/beaminit.toml:4: release.oom_score_adj: -1001 is no oom_score_adj; want -1000 (never killed) to 1000 (killed first); using 0`,
		`/etc/beaminit.toml:6: kernel.core_pattern: 5 is an integer, not a string; want 1 to 127 bytes as in core(5), such as "/data/core.%e"; using ""`,
		`kernel command line: systemd.machine_id: "0123" is no machine id; want 32 hexadecimal digits, not all 0; using one of the board's own`,
		`kernel command line: release.limits: "nofile" has no =; want KEY=value,KEY=value; using { nofile = "1024" }`,
		`kernel command line: supervise.power_button: "sleep" is no action; want "poweroff", "reboot", "halt" or "ignore"; using "poweroff"`,
	}
	got := problems(c)
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			t.Errorf("missing %s", want[i])
		case i >= len(want) || got[i] != want[i]:
			t.Errorf("got %s", got[i])
		}
	}
	c = load(t, "", "systemd.machine_id=AABBCCDD-0011-2233-4455-66778899AABB")
	if c.Node.MachineID != "aabbccdd00112233445566778899aabb" || len(c.Problems) > 0 {
		t.Errorf("%q %v", c.Node.MachineID, c.Problems)
	}
}
