package console_test

import (
	"bytes"
	"fmt"
	"os"
	"testing"

	"github.com/beaminit/beaminit/internal/machine"

	"github.com/beaminit/beaminit/health"
)

// A mix release has IEx, as with its own start_iex. What runs before it has no part in
// the tty, and a program around it has.
func TestIEx(t *testing.T) {
	t.Parallel()
	p := newPort(t)
	p.read()
	s := withConsole(t, p, "[release]\npre_run = [\"/bin/busybox\", \"echo\", \"made ready\"]\nwrapper = [\"/bin/busybox\", \"env\"]\nlimits = { nofile = \"512\" }\nuser = \"1234\"\n")
	s.Cmdline += " beaminit.health.probe_failures=0" // on a busy machine it takes its time to stop
	s.Bind["srv/erlang"] = machine.Release(t, "mix/plain")
	s.Programs = map[string]string{"bin/busybox": "/bin/busybox"}
	m := machine.Start(t, s)
	_, next := m.State(health.Up, 0)
	m.Line("pre_run: made ready")
	p.await(0, "prompt", "Interactive Elixir", ")1> ")
	p.typeIn("1 + 2\r", "\x1b[33m3\x1b[0m", ")2> ") // in colour
	p.typeIn("20\x7f1 *  2\x1b[D\x7f\r", "42", ")3> ")
	p.typeIn("Process.sleep(:infinity)\r", "\r\n")
	p.typeIn("\x03", "interrupted", ")3> ")
	p.typeIn("System.get_env(\"RELEASE_COMMAND\")\r", "\"start_iex\"", ")4> ")
	m.HasTTY(m.VM(), 1234)
	if got, _ := os.ReadFile(fmt.Sprintf("/proc/%d/limits", m.VM())); !bytes.Contains(got, []byte("Max open files            512")) {
		t.Errorf("the limits are\n%s", got)
	}
	p.typeIn("System.stop(3)\r", "Interactive Elixir", ")1> ")
	if r, _ := m.State(health.Down, next); r.Why != "exit status 3" {
		t.Errorf("why=%q", r.Why)
	}
}
