package release_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/internal/machine"

	"github.com/beaminit/beaminit/health"
	"golang.org/x/sys/unix"
)

// An image of Nerves, with its erlinit.config and nothing of beaminit's: IEx that has no
// tty does not end it, it has no name and listens nowhere, it is up when it has started,
// and its crash dump is where it wants it, whole, and told of. With a name on the kernel
// command line it is a node as any other, with its cookie where HOME says.
func TestDropIn(t *testing.T) {
	t.Parallel()
	for _, from := range []string{"mix/plain+nerves-1.14", "newer/mix/plain+nerves-1.18"} {
		t.Run(strings.ReplaceAll(from, "/", " "), func(t *testing.T) {
			s := machine.WithRelease(t, machine.Release(t, from), "hostname=bird1", "")
			s.TOML = ""
			delete(s.Files, "data/cookie")
			s.Files["etc/erlinit.config"] = "-m tmpfs:/data:tmpfs:nodev:\n-e LANG=en_US.UTF-8;ERL_INETRC=/etc/erl_inetrc\n" +
				"-e HOME=/data;ERL_CRASH_DUMP=/data/erl_crash.dump;ERL_CRASH_DUMP_SECONDS=20\n"
			if busybox, err := exec.LookPath("busybox"); err == nil { // its shell, by which ERTS starts the heart
				s.Programs, s.Links = map[string]string{"bin/busybox": busybox}, map[string]string{"bin/sh": "busybox"}
			}
			s.Files["etc/erl_inetrc"] = "{lookup, [file, dns]}.\n"
			t.Run("without a name", func(t *testing.T) {
				m := machine.Start(t, s)
				r, next := m.State(health.Up, 0)
				if r.Restarts != 0 || r.Peers != 0 {
					t.Errorf("%+v, want no restart and no peers\n%s", r, m.Tail())
				}
				m.Line("is left out: IEx wants a tty, and there is none")
				m.Line("ERL_INETRC=/etc/erl_inetrc, which is used")
				if got := m.Listeners(); got != "" {
					t.Errorf("it listens on\n%s", got)
				}
				m.Want(2, "the release cannot be reached: the node has no name", "rpc", "erlang", "node")
				crashes(m, t, next)
			})
			t.Run("with a name", func(t *testing.T) {
				s := s
				s.Cmdline += " beaminit.distribution.name=bird"
				m := machine.Start(t, s)
				if r, _ := m.State(health.Up, 0); r.Node != "bird@bird1" {
					t.Errorf("%+v\n%s", r, m.Tail())
				}
				cookie, err := os.ReadFile(fmt.Sprintf("/proc/%d/root/data/.erlang.cookie", m.PID()))
				if err != nil || len(cookie) == 0 {
					t.Errorf("cookie in HOME: %q, %v", cookie, err)
				}
				m.Want(0, "'"+strings.TrimSpace(string(cookie))+"'", "rpc", "erlang", "get_cookie")
				if s.Programs != nil {
					m.Want(0, "heartbeat_timeout=30", "rpc", "heart", "get_cmd")
				}
			})
		})
	}
}

// A HOME that cannot take the cookie is told of, and the release has it all the same; so
// have beaminit's own calls.
func TestHomeReadOnly(t *testing.T) {
	t.Parallel()
	m := machine.Start(t, machine.WithERTS(t, "hostname=node1", "[release]\nenv = { HOME = \"/data\" }\n"))
	m.State(health.Up, 0)
	m.Line("release.env: HOME=/data: write /data/.erlang.cookie: read-only file system; want a directory that can be written to, for the cookie; using /run/beaminit/release")
	m.Want(0, "'namespace-cookie'", "rpc", "erlang", "get_cookie")
}

// crashes has the VM write a crash dump (SIGUSR1) and wants to hear of it.
func crashes(m *machine.Machine, t *testing.T, next int) {
	t.Helper()
	unix.Kill(m.VM(), unix.SIGUSR1)
	r, _ := m.State(health.Down, next)
	if !strings.Contains(r.Why, "Received SIGUSR1") {
		t.Errorf("why=%q, want the slogan of the dump\n%s", r.Why, m.Tail())
	}
	m.Line("kept: crash dump /data/erl_crash.dump (")
	dump, err := os.ReadFile(filepath.Join(fmt.Sprintf("/proc/%d/root", m.PID()), "data/erl_crash.dump"))
	if err != nil || !strings.HasSuffix(string(dump), "=end\n") {
		t.Errorf("the dump has %d bytes and is cut (%v)", len(dump), err)
	}
}
