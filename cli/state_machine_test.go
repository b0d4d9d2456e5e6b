package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/internal/machine"

	"golang.org/x/sys/unix"
)

// What the user of the release puts in the place of PID 1's own files is not believed, and
// check says of each whose it should be; what it leads to is left alone.
func TestCheckState(t *testing.T) {
	t.Parallel()
	s := machine.Spec{Writable: true, Cmdline: "hostname=n1", Dirs: []string{"store/beaminit/net", "victim"},
		Files: map[string]string{"store/beaminit/clock": "1900000000\n", "store/beaminit/history": "", "store/key": "0123456789abcdef0123456789abcdef"},
		TOML:  "[health]\nkey_file = \"/data/key\"\n[[mount]]\nsource = \"/store\"\ntarget = \"/data\"\noptions = [\"bind\"]\n"}
	m := machine.Start(t, s)
	m.Line("beaminit: health ")
	check := func(status int, wants ...string) {
		t.Helper()
		out, got := m.Ask("check")
		if got != status {
			t.Errorf("check: exit status %d, want %d\n%s", got, status, out)
		}
		for _, want := range wants {
			if !strings.Contains(out, want) {
				t.Errorf("check does not say %q:\n%s", want, out)
			}
		}
	}
	in := func(name string) string { return filepath.Join(m.Root, "store", name) }
	m.Must(os.Chown(in("beaminit/clock"), 1000, 1000))
	m.Must(os.Chmod(in("beaminit/history"), 0o666))
	m.Must(os.Symlink("/victim/secret", in("beaminit/machine-id.new")))
	check(1,
		"not believed: /data/beaminit/clock: it belongs to uid 1000; want chown root /data/beaminit/clock\n",
		"not believed: /data/beaminit/history: others than its owner can write to it (mode 0666); want chmod go-w /data/beaminit/history\n",
		"not believed: /data/beaminit/machine-id.new: it is a symbolic link; want a regular file\n",
		"health.key_file: /data/key: everybody can read it (mode 0644); want chmod o-r /data/key")
	m.Must(os.Chown(in("beaminit"), 1000, 1000))
	check(1, "not believed: /data/beaminit: it belongs to uid 1000; want chown root /data/beaminit\n")
	if entries, err := os.ReadDir(filepath.Join(m.Root, "victim")); err != nil || len(entries) > 0 {
		t.Errorf("victim: %v %v", entries, err)
	}
	m.Signal(unix.SIGTERM)
	m.Ended()
}
