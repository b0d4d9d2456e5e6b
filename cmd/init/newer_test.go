package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/health"
	"golang.org/x/sys/unix"
)

// newerDir has the releases that the newer OTP makes.
const newerDir = "newer"

// bindNewer gives a machine the C library that the newer OTP is linked with, where its
// release has that OTP.
func (s *spec) bindNewer(t testing.TB, release string) {
	t.Helper()
	newer := made(t, newerDir)
	if !strings.HasPrefix(release, newer+"/") {
		return
	}
	root, err := filepath.EvalSymlinks(newer + "/root") // with the C library that it is linked with
	if err != nil {
		t.Fatal(err)
	}
	s.bind["lib"], s.bind["usr/lib"], s.bind["lib64"] = root+"/usr/lib", root+"/usr/lib", root+"/usr/lib64"
}

// The heart of beaminit beats for a newer OTP as well, and its crash dump is read.
func TestNewerHeart(t *testing.T) {
	t.Parallel()
	s := withRelease(t, releaseOf(t, "newer/relx/own"), "hostname=n1", "[release]\nargs = [\"-heart\"]\n")
	s.links = map[string]string{"bin/sh": "/sbin/init"}
	m := power(t, s)
	_, next := m.state(health.Up, 0)
	m.want(0, "program_name=beaminit", "rpc", "heart", "get_cmd")
	m.want(1, "bird@n1 went away", "rpc", "erlang", "halt", `["the end of it"]`)
	r, next := m.state(health.Down, next)
	if !strings.Contains(r.Why, "the end of it") {
		t.Errorf("why=%q", r.Why)
	}
	m.restarted(1, next)
	m.signal(unix.SIGTERM)
	m.line("the release ended: exit status 0")
	if got := m.ended(); got != unix.SIGHUP {
		t.Errorf("the kernel ended it with %v, want a reboot", got)
	}
}
