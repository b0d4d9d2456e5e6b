package machine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/beaminit/beaminit/internal/nstest"
)

// WithDisk is a machine with a release whose emulator evaluates expr, and with a disk
// on /data; it is m.root/store here.
func WithDisk(t *testing.T, cmdline, expr string) Spec {
	t.Helper()
	s := WithERTS(t, "hostname=node1 "+cmdline, "[release]\nargs = [\"-eval\", "+fmt.Sprintf("%q", expr)+"]\n"+WithState().TOML)
	s.Files["store/cookie"] = "namespace-cookie"
	s.Writable = true
	return s
}

// Left are the files of the pattern that are kept on the disk, read.
func (m *Machine) Left(pattern string) (texts []string) {
	m.T.Helper()
	names, err := filepath.Glob(filepath.Join(m.Root, pattern))
	m.Must(err)
	for _, name := range names {
		b, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) { // pruned since
			continue
		}
		m.Must(err)
		texts = append(texts, string(b))
	}
	return texts
}

const Kept = "store/beaminit/dumps/"

// Eventually waits for what shows in no line of the console.
func (m *Machine) Eventually(what string, ok func() bool) {
	m.T.Helper()
	for deadline := time.Now().Add(nstest.Patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			m.T.Fatalf("it does not %s\n%s", what, m.Tail())
		}
	}
}

// OnDisk is withState with a disk that outlives the machine.
func OnDisk(t *testing.T, s Spec) (Spec, string) {
	t.Helper()
	disk := t.TempDir()
	s.TOML += WithState().TOML
	if s.Bind == nil {
		s.Bind = map[string]string{}
	}
	s.Bind["store"] = disk
	s.Writable = true
	return s, filepath.Join(disk, "beaminit")
}

// WithState is a machine with a place for what outlives a reboot; it is m.root/store
// here. A container sets no clock and credits no entropy, so that nothing of the
// machine that tests is touched.
func WithState() Spec {
	return Spec{
		Cmdline: NoNetwork, TOML: "[[mount]]\nsource = \"/store\"\ntarget = \"/data\"\noptions = [\"bind\"]\n",
		Dirs: []string{"store"}, Writable: true,
	}
}

// AwaitFile waits until a file has another content than was, and gives it.
func (m *Machine) AwaitFile(path, was string) string {
	m.T.Helper()
	for deadline := time.Now().Add(nstest.Patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if text, err := os.ReadFile(path); err == nil && string(text) != was {
			return string(text)
		}
	}
	m.T.Fatalf("%s stays as it is\n%s", path, m.Tail())
	return ""
}
