package supervise_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/machine"
	"golang.org/x/sys/unix"
)

// A service that ran once runs again for who asks for that by hand, in each state that it can be in.
func TestServiceOnceByHand(t *testing.T) {
	t.Parallel()
	m := machine.Start(t, withServices(t,
		serviceOf("setup", "echo at it; exit 3", "restart = \"once\"\nready = \"exit\"")+
			serviceOf("long", "echo at it; exec sleep 1000", "restart = \"once\"")+serviceOf("other", "exec sleep 1000", "")))
	m.State(health.Up, 0)
	m.Reachable()
	m.LinesWith("setup: at it", 1)
	m.Eventually("have ended", func() bool { out, _ := m.Ask("service", "setup"); return strings.Contains(out, "ended: ") })
	m.Want(0, "setup", "service", "setup", "start")
	m.LinesWith("setup: at it", 2)
	m.Eventually("have ended", func() bool { out, _ := m.Ask("service", "setup"); return strings.Contains(out, "ended: ") })
	m.Want(0, "setup", "service", "setup", "restart")
	m.LinesWith("setup: at it", 3)

	first := pidOf(m, "long")
	m.Want(0, "long", "service", "long", "restart")
	m.LinesWith("long: at it", 2)
	if now := pidOf(m, "long"); now == first {
		t.Errorf("it is process %d still", now)
	}
	m.Want(0, "long", "service", "long", "stop")
	m.Eventually("have ended", func() bool { out, _ := m.Ask("service", "long"); return strings.Contains(out, "ended: ") })
	m.Want(0, "other", "service", "other", "stop")
	m.Eventually("have ended", func() bool { out, _ := m.Ask("service", "other"); return strings.Contains(out, "ended: ") })
	m.Want(0, "", "reexec") // what was asked for counts there too
	m.Want(0, "long", "service", "long", "start")
	m.Want(0, "other ended: ", "service", "other")
	m.LinesWith("long: at it", 3)
}

// The list has all of them, however many there are.
func TestServiceList(t *testing.T) {
	t.Parallel()
	var toml strings.Builder
	const many = 100
	for i := range many {
		toml.WriteString(serviceOf(fmt.Sprintf("service-with-a-long-name-%d", i), "exit 0", "restart = \"never\""))
	}
	m := machine.Start(t, withServices(t, toml.String()))
	m.State(health.Up, 0)
	m.Reachable()
	out, _ := m.Ask("service")
	if n := strings.Count(out, " not started\n"); n != many {
		t.Errorf("%d of %d services are listed:\n%s", n, many, out)
	}
}

// What service.env has takes the place of what a service has anyway: of two variables of one name
// some programs heed the first.
func TestServiceEnv(t *testing.T) {
	t.Parallel()
	m := machine.Start(t, withServices(t, `[[service]]
name = "a"
exec = ["/usr/bin/env"]
restart = "once"
ready = "notify"
env = { HOME = "/home", PATH = "/bin", NOTIFY_SOCKET = "/none", X = "a=b c" }
`))
	m.State(health.Up, 0)
	for _, v := range []string{"TERM=dumb", "HOME=/home", "PATH=/bin", "X=a=b c", "NOTIFY_SOCKET=/run/beaminit/notify.a"} {
		name, _, _ := strings.Cut(v, "=")
		m.Line("a: " + v)
		if n := m.Count("a: " + name + "="); n != 1 {
			t.Errorf("%s is there %d times:\n%s", name, n, m.Tail())
		}
	}
}

// A service that writes without end has lines of its own dropped, as the release has (TestConsoleFlooded).
func TestServiceFloods(t *testing.T) {
	t.Parallel()
	m := machine.Start(t, withServices(t, serviceOf("flood", "exec yes what-nobody-wants-to-know", "user = \"1234\"")+
		serviceOf("binary", "exec cat /dev/urandom", "user = \"1234\"")))
	m.State(health.Up, 0)
	m.Line(" lines of output dropped: the console is slower")
	m.Want(0, "flood up", "service", "flood")
}

// What could not be started is a word of the health record, and what the exec helper says of it has the
// name of the service.
func TestServiceNotStarted(t *testing.T) {
	t.Parallel()
	m := machine.Start(t, withServices(t, "[[service]]\nname = \"none\"\nexec = [\"/usr/bin/none\"]\n"+serviceOf("ghost", "exit 0", "user = \"ghost\"")))
	m.Line("beaminit: none: beaminit-start: exec /usr/bin/none: no such file or directory")
	m.Record("warn", 0, func(r health.Record) bool { return r.State == health.Up && strings.Join(r.Warn, ",") == "ghost,none" })
	m.Want(0, "ghost down, started again in ", "service", "ghost")
	m.Want(0, "cannot be started: no user \"ghost\"", "service", "ghost")
	if n := m.Count("release: beaminit-start"); n > 0 {
		t.Errorf("it is said of the release\n%s", m.Tail())
	}
	m.Want(0, "ghost", "service", "ghost", "stop") // and that is that
	m.Record("no warning", len(m.Records()), func(r health.Record) bool { return strings.Join(r.Warn, ",") == "none" })
}

// One that leaves a daemon behind and ends is told what it is to do, once.
func TestServiceForks(t *testing.T) {
	t.Parallel()
	m := machine.Start(t, withServices(t, serviceOf("forks", "setsid sleep 1000 & exit 0", "")))
	m.Line("service forks ended (exit status 0), it is started again in 1s; it is to stay in the foreground")
	m.LinesWith("service forks ended (exit status 0), it is started again in ", 2)
	if n := m.Count("foreground"); n != 1 {
		t.Errorf("it is told %d times\n%s", n, m.Tail())
	}
}

// Services that do not run in rescue are not started for the way down.
func TestServicesDownFromRescue(t *testing.T) {
	t.Parallel()
	m := machine.Start(t, withServices(t, serviceOf("with", "echo here; exec sleep 1000", "")+serviceOf("before", "echo here; exec sleep 1000", "start = \"before\"")+
		serviceOf("rescue", "trap '' TERM; echo here; while :; do sleep 0.05; done", "in_rescue = true\nstop_timeout = \"1s\"")))
	m.State(health.Up, 0)
	m.LinesWith(": here", 3)
	m.Want(0, "stopped after", "stop")
	m.Eventually("stop them", func() bool { out, _ := m.Ask("service"); return strings.Count(out, " ended: ") == 2 })
	m.Signal(unix.SIGTERM)
	m.Ended()
	if n := m.Count(": here"); n != 3 {
		t.Errorf("%d starts, want 3\n%s", n, m.Tail())
	}
}
