package health_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/internal/machine"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/logfmt"
)

// An unprivileged release that prints health records and entries of the history, with
// right checksums, and crashes with one for a slogan, is believed by nobody: not by who
// reads the console, and not by the history.
func TestReleaseDoesNotPassForItsNode(t *testing.T) {
	t.Parallel()
	lie := string(health.Record{Boot: 0xdeadbeef, Seq: 9, Node: "fine@node1", State: health.Up, Connected: 2, Peers: 2}.Append(nil))
	past := string(logfmt.AppendChecksum([]byte("history v=1 kind=up boot=deadbeef at=1795256472 up=1.000"), 0))
	expr := fmt.Sprintf(`io:format("%[1]s~nbeaminit: %[1]s~n[    1.000000] beaminit: %[1]s~nx\rbeaminit: %[1]s~n%[2]s~n\x{9b}2J"), erlang:halt("%[1]s").`, lie, past)
	s := machine.WithERTS(t, "hostname=node1 beaminit.release.user=65534 beaminit.supervise.backoff=1ms,1ms beaminit.supervise.attempts=2 beaminit.supervise.give_up=rescue", fmt.Sprintf("[release]\nargs = [\"-eval\", %q]\n", expr)+machine.WithState().TOML)
	s.Dirs, s.Writable = machine.WithState().Dirs, true
	m := machine.Start(t, s)
	m.State(health.Rescue, 0)
	m.LinesWith("health v:1 boot=deadbeef", 5)
	for _, r := range m.Records() {
		if r.Boot == 0xdeadbeef {
			t.Errorf("a record of the release is taken for the node's: %+v", r)
		}
	}
	for _, line := range m.Lines() {
		if strings.Contains(line, "health v=1 boot=deadbeef") || strings.Contains(line, "history v=1") || strings.Contains(line, "\x9b") || strings.Contains(line, "\r") {
			t.Errorf("it is on the console as it was said: %q", line)
		}
	}
	if text, _ := m.Output("history"); !strings.Contains(text, "health v:1 boot=deadbeef") || strings.Contains(text, "deadbeef  up") {
		t.Errorf("the history:\n%s", text)
	}
}
