package supervise_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/internal/machine"

	"github.com/beaminit/beaminit/health"
)

// unharmed: PID 1 has what it had open, answers, and the release is the one that it was.
func unharmed(m *machine.Machine, vm int, open map[string]string) {
	m.T.Helper()
	m.Want(0, "state     up\n", "status")
	if now := m.Has("beam.smp"); now != vm {
		m.T.Errorf("the release is process %d, and was %d\n%s", now, vm, m.Tail())
	}
	if r := m.LastRecord(); r.Restarts != 0 || r.State != health.Up {
		m.T.Errorf("%+v", r)
	}
	if now := machine.DescriptorsOf(m, m.PID()); len(now) > len(open) {
		m.T.Errorf("PID 1 has %d descriptors open, and had %d:\n%v\n%v", len(now), len(open), now, open)
	}
}

// Whoever says what to one of PID 1's sockets is the one whom the kernel says it is, and what
// is sent along stays with nobody.
//
// Who attacks sockets has a user of its own among all tests: the kernel counts descriptors on their
// way through unix sockets for each user of the machine (unix(7)), and with too many of them no VM of
// that user can start a port, and says epipe.
func TestAttacksOnSockets(t *testing.T) {
	t.Parallel()
	m := attacked(t, "4711", "")
	vm, open := m.VM(), machine.DescriptorsOf(m, m.PID())
	for _, line := range attacks(m, 4711, "sockets") {
		t.Errorf("it was let %s", line)
	}
	unharmed(m, vm, open)
}

// Root of a user namespace is for PID 1 the user who made that.
func TestAttacksFromNamespaces(t *testing.T) {
	t.Parallel()
	m := attacked(t, "4712", "") // it attacks the sockets too
	vm, open, mounts := m.VM(), machine.DescriptorsOf(m, m.PID()), m.Proc(m.PID(), "mountinfo")
	for _, line := range attacks(m, 4712, "namespaces") {
		if strings.HasPrefix(line, "no namespaces") {
			t.Skip(line)
		}
		// Inside, its user is 0, and all others are 65534 (user_namespaces(7)); what is in
		// /proc/sys/user there are limits of the namespace itself.
		if !its(line) && !strings.HasSuffix(line, " of uid 0") && !strings.HasPrefix(line, "write /proc/sys/user/max_") && line != "write /run/beaminit/release/.erlang.cookie" {
			t.Errorf("it was let %s", line)
		}
	}
	if now := m.Proc(m.PID(), "mountinfo"); now != mounts {
		t.Errorf("PID 1 has other mounts:\n%s\nbefore\n%s", now, mounts)
	}
	unharmed(m, vm, open)
}

// mayWrite is what is everybody's, or the release's own.
var mayWrite = []string{
	"/dev/full", "/dev/null", "/dev/pts/ptmx", "/dev/random", "/dev/shm", "/dev/urandom", "/dev/zero", "/tmp",
	"/proc/1/timerslack_ns", "/proc/sys/kernel/ns_last_pid", // the kernel looks at who writes, not at the mode
	"/run/beaminit/notify", "/run/beaminit/heart", "/run/beaminit/release", "/run/beaminit/release/extra.config", "/data/beaminit/dumps",
}

// mayRead is, of what is kept and of /run, what is for everybody, or the release's own.
var mayRead = []string{
	"/run/beaminit", "/run/beaminit/bin", "/run/beaminit/hosts", "/run/beaminit/inetrc", "/run/beaminit/resolv.conf", "/run/machine-id",
	"/run/beaminit/net", "/run/beaminit/net/eth0.json", "/run/beaminit/net/lo.json", "/run/beaminit/net/eth0.sources", "/run/beaminit/net/lo.sources",
	"/run/beaminit/release", "/run/beaminit/release/extra.config", "/run/beaminit/release/.erlang.cookie", "/data/beaminit/dumps",
}

// A release can write to nothing but what is its own, and read nothing that is kept.
func TestAttacksOnFiles(t *testing.T) {
	t.Parallel()
	m := attacked(t, "app", "")
	for _, line := range attacks(m, 1000, "files") {
		if !its(line) {
			t.Errorf("it can %s", line)
		}
	}
}

// its says that what it was let do is with a file or a process of its own.
func its(line string) bool {
	how, path, _ := strings.Cut(line, " ")
	switch how {
	case "read":
		return slices.Contains(mayRead, path)
	case "write":
		return slices.Contains(mayWrite, path)
	}
	return false
}
