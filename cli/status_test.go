package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/health"

	"github.com/beaminit/beaminit/internal/nstest"
)

func TestStatusText(t *testing.T) {
	r := health.Record{
		Up: 12345 * time.Millisecond, Node: "eclero@eclero6", State: health.Degraded, PID: 87, Restarts: 1,
		Connected: 1, Peers: 2, Missing: []health.Missing{{Name: "eclero8", Reason: "refused"}, {Name: "eclero10"}}, Probe: 4 * time.Millisecond, Mem: 54 << 20,
		Warn: []string{"clock", "data"}, Net: []string{"eth0:no-carrier"}, Cut: []string{"eclero8"}, Healed: []string{"eclero10"}, Brake: []health.Brake{{Name: "eclero8", Next: 32 * time.Second}}, Slot: "B", Trial: true,
		Discovery: "open", Omitted: []string{"why"},
		Phases: []health.Phase{{Name: "kernel", At: 1210 * time.Millisecond}, {Name: "exec", At: 1300 * time.Millisecond}, {Name: "listening", At: 1904 * time.Millisecond}},
	}
	want := `node      eclero@eclero6
state     degraded
up        12s
pid       87
restarts  1
peers     1/2
missing   eclero8 (refused) eclero10
warn      clock data
net       eth0:no-carrier
cut       eclero8
healed    eclero10
brake     eclero8 (next attempt in 32s)
slot      B (on trial, not confirmed yet)
discovery open
memory    54M
probe     4ms
boot      kernel 1.21, exec +0.09, listening +0.60: 1.90 s
omitted   why
told      655ms ago
`
	if got := statusText(r, "", 13*time.Second); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	r = health.Record{Up: time.Second, Node: "a@b", State: health.Down, Why: "exit status 3", Next: 1500 * time.Millisecond}
	want = "node      a@b\nstate     down\nwhy       exit status 3\nnext      start in 1.5s\nup        1s\nrestarts  0\npeers     0/0\ninit      v1\n"
	if got := statusText(r, "v1", 13*time.Second); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestLastRecord(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kmsg")
	if _, err := lastRecord(path, nil); err == nil {
		t.Error("no file: want an error")
	}
	os.WriteFile(path, []byte("6,1,2,-;hello\n"), 0o600)
	if _, err := lastRecord(path, nil); err == nil {
		t.Error("no record: want an error")
	}
	r := health.Record{Node: "a@b", State: health.Up, Seq: 7}
	os.WriteFile(path, append(r.Append([]byte("29,1,2,-;beaminit: ")), '\n'), 0o600)
	if got, err := lastRecord(path, nil); err != nil || got.Seq != 7 || got.State != health.Up {
		t.Errorf("got %+v %v", got, err)
	}
	// With a key only what is signed with it counts, however much else comes behind.
	key := health.Key("0123456789abcdef")
	signed := key.Append([]byte("29,1,2,-;beaminit: "), health.Record{Node: "a@b", State: health.Down, Seq: 8})
	os.WriteFile(path, append(signed, '\n'), 0o600)
	if got, err := lastRecord(path, key); err != nil || got.Seq != 8 {
		t.Errorf("signed: got %+v %v", got, err)
	}
	os.WriteFile(path, append(r.Append([]byte("29,1,2,-;beaminit: ")), '\n'), 0o600)
	if got, err := lastRecord(path, key); err == nil {
		t.Errorf("not signed: got %+v", got)
	}
}

func TestStatusKey(t *testing.T) {
	nstest.AsRoot(t)
	path := filepath.Join(t.TempDir(), "key")
	os.WriteFile(path, []byte("0123456789abcdef\n"), 0o400)
	for _, tt := range []struct {
		args string
		rest int
		key  string
		bad  bool
	}{
		{"status", 1, "", false},
		{"status --key-file " + path, 1, "0123456789abcdef", false},
		{"status --key-file=" + path + " more", 2, "0123456789abcdef", false},
		{"status --key-file", 0, "", true},
		{"status --key-file " + path + ".none", 0, "", true},
	} {
		rest, key, err := statusKey(strings.Fields(tt.args))
		if len(rest) != tt.rest || string(key) != tt.key || (err != nil) != tt.bad {
			t.Errorf("%s: %v %q %v", tt.args, rest, key, err)
		}
	}
}
