package e2e

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/history"
	"github.com/beaminit/beaminit/qemu/lab"
)

// The power goes in the middle of a crash loop, while its ends are being written to a
// real disk: the next boot knows how the last one ended, and nothing that was known
// before is lost.
func TestPowerCuts(t *testing.T) {
	if !*soak {
		t.Skip("make boards runs it, for make soak")
	}
	t.Parallel()
	l := up(t, 1, "sysrq_always_enabled beaminit.supervise.attempts=1000 beaminit.supervise.backoff=10ms,10ms beaminit.supervise.boots=0")
	n := l.Nodes()[0]
	answers := func(r lab.Record) bool { return r.State == health.Up }
	var before []history.Entry
	const cuts = 2
	for cut := range cuts + 1 {
		reach(t, n, fmt.Sprintf("up after %d power cuts", cut), answers)
		entries := history.Parse([]byte(read(t, l, n, "/data/beaminit/history")))
		for _, e := range before {
			if !known(entries, e) {
				t.Errorf("after %d power cuts the node has forgotten: %+v", cut, e)
			}
		}
		if all := strings.Join(n.Tail(300), "\n"); cut > 0 && !strings.Contains(all, "ended without a word (power cut, kernel panic, watchdog or a reboot at once)") {
			t.Errorf("nothing says how the last boot ended:\n%s", all)
		}
		if before = entries; cut == cuts {
			break
		}
		for range 1 + cut {
			if err := n.SysRq('f'); err != nil { // the kernel kills the VM
				t.Fatal(err)
			}
			time.Sleep(time.Duration(rand.IntN(150)) * time.Millisecond) // anywhere in what follows
		}
		if err := n.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := n.Start(); err != nil {
			t.Fatal(err)
		}
	}
	if len(before) < 2*(cuts+1) { // a boot and an up of each
		t.Errorf("only %d entries: %+v", len(before), before)
	}
}

// read gives a text file of the node.
func read(t *testing.T, l *lab.Lab, n *lab.Node, path string) string {
	t.Helper()
	text := rpc(t, l, n, fmt.Sprintf(`base64:encode_to_string(element(2, file:read_file(%q)))`, path))
	b, err := base64.StdEncoding.DecodeString(strings.Trim(text, `"`))
	if err != nil {
		t.Fatalf("%s: %v: %s", path, err, text)
	}
	return string(b)
}

func known(entries []history.Entry, e history.Entry) bool {
	for _, x := range entries {
		if x == e {
			return true
		}
	}
	return false
}
