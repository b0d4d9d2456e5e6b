package release_test

import (
	"strings"
	"testing"

	"github.com/beaminit/beaminit/internal/machine"

	"github.com/beaminit/beaminit/health"
	"golang.org/x/sys/unix"
)

// The heart of beaminit beats for a newer OTP as well, and its crash dump is read.
func TestNewerHeart(t *testing.T) {
	t.Parallel()
	s := machine.WithRelease(t, machine.Release(t, "newer/relx/own"), "hostname=n1", "[release]\nargs = [\"-heart\"]\n")
	s.Links = map[string]string{"bin/sh": "/sbin/init"}
	m := machine.Start(t, s)
	_, next := m.State(health.Up, 0)
	m.Want(0, "program_name=beaminit", "rpc", "heart", "get_cmd")
	m.Want(1, "bird@n1 went away", "rpc", "erlang", "halt", `["the end of it"]`)
	r, next := m.State(health.Down, next)
	if !strings.Contains(r.Why, "the end of it") {
		t.Errorf("why=%q", r.Why)
	}
	m.Restarted(1, next)
	m.Signal(unix.SIGTERM)
	m.Line("the release ended: exit status 0")
	if got := m.Ended(); got != unix.SIGHUP {
		t.Errorf("the kernel ended it with %v, want a reboot", got)
	}
}
