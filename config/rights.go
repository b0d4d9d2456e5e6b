package config

import (
	"strconv"
	"strings"

	"github.com/beaminit/beaminit/config/cmdline"
	"github.com/beaminit/beaminit/config/lex"

	"golang.org/x/sys/unix"
)

// limits are the names of prlimit(1). The numbers are not the same on all architectures:
// MIPS has others for five of them (asm/resource.h).
var limits = [...]struct {
	name     string
	resource int
}{
	{"cpu", unix.RLIMIT_CPU}, {"fsize", unix.RLIMIT_FSIZE}, {"data", unix.RLIMIT_DATA}, {"stack", unix.RLIMIT_STACK},
	{"core", unix.RLIMIT_CORE}, {"rss", unix.RLIMIT_RSS}, {"nproc", unix.RLIMIT_NPROC}, {"nofile", unix.RLIMIT_NOFILE},
	{"memlock", unix.RLIMIT_MEMLOCK}, {"as", unix.RLIMIT_AS}, {"locks", unix.RLIMIT_LOCKS}, {"sigpending", unix.RLIMIT_SIGPENDING},
	{"msgqueue", unix.RLIMIT_MSGQUEUE}, {"nice", unix.RLIMIT_NICE}, {"rtprio", unix.RLIMIT_RTPRIO}, {"rttime", unix.RLIMIT_RTTIME},
}

// Limit is the number of a resource for setrlimit(2), by its name.
func Limit(name string) (resource int, ok bool) {
	for i := range limits {
		if limits[i].name == name {
			return limits[i].resource, true
		}
	}
	return 0, false
}

// Unlimited is RLIM_INFINITY.
const Unlimited = ^uint64(0)

// ParseLimit reads a limit: a number or "unlimited", for both, or SOFT:HARD.
func ParseLimit(s string) (soft, hard uint64, ok bool) {
	first, second, two := strings.Cut(s, ":")
	soft, ok = parseBound(first)
	hard = soft
	if two && ok {
		hard, ok = parseBound(second)
	}
	return soft, hard, ok && soft <= hard
}

func parseBound(s string) (uint64, bool) {
	if s == "unlimited" {
		return Unlimited, true
	}
	n, err := strconv.ParseUint(s, 10, 64)
	return n, err == nil && lex.IsDigits(s)
}

func isLimit(s string) bool { _, ok := Limit(s); return ok }

func isLimits(s string) bool { _, _, ok := ParseLimit(s); return ok }

// capabilities has the names of capabilities(7) in the order of their numbers
// (linux/capability.h).
var capabilities = [...]string{
	"chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid",
	"setpcap", "linux_immutable", "net_bind_service", "net_broadcast", "net_admin", "net_raw",
	"ipc_lock", "ipc_owner", "sys_module", "sys_rawio", "sys_chroot", "sys_ptrace", "sys_pacct",
	"sys_admin", "sys_boot", "sys_nice", "sys_resource", "sys_time", "sys_tty_config", "mknod",
	"lease", "audit_write", "audit_control", "setfcap", "mac_override", "mac_admin", "syslog",
	"wake_alarm", "block_suspend", "audit_read", "perfmon", "bpf", "checkpoint_restore",
}

// Capability is the number of a capability by its name, with or without cap_, in
// letters of either case.
func Capability(name string) (number int, ok bool) {
	name = strings.TrimPrefix(strings.ToLower(name), "cap_")
	for i := range capabilities {
		if capabilities[i] == name {
			return i, true
		}
	}
	return 0, false
}

func isCapability(s string) bool { _, ok := Capability(s); return ok }

// machineID takes over systemd.machine_id=, an id as in machine-id(5) or a UUID.
func (l *loader) machineID(p cmdline.Param) {
	if p.Bare {
		return
	}
	if p.Value == "firmware" { // of systemd 256: the UUID of the board, as ours is made of it
		l.note(p.Name, "firmware: the id is made of the board's own numbers anyway")
		return
	}
	id := strings.ToLower(strings.ReplaceAll(p.Value, "-", ""))
	if !IsMachineID(id) {
		l.badWord(p, " is no machine id", "32 hexadecimal digits, not all 0", "one of the board's own")
		return
	}
	l.c.Node.MachineID = id
}

// IsMachineID says whether this is an id as in machine-id(5).
func IsMachineID(s string) bool {
	for i := 0; i < len(s); i++ {
		if (s[i] < '0' || s[i] > '9') && (s[i] < 'a' || s[i] > 'f') {
			return false
		}
	}
	return len(s) == 32 && strings.Trim(s, "0") != ""
}
