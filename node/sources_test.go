package node

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/release"
)

// A child of PID 1 has the configuration that PID 1 has, whatever became of the files since.
func TestSourcesAgain(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{
		"etc/beaminit.toml":     "[node]\nhostname = \"a\"\n[release]\nargs = [\"+sbwt\", \"none\"]\nwrong = 1\n[[mount]]\nsource = \"/dev/vdb\"\ntarget = \"/data\"\n",
		"etc/erlinit.config":    "--pre-run-exec prepare\n-v\n",
		"etc/sysctl.d/a.conf":   "vm.swappiness = 1\n",
		"usr/sbin/prepare":      "\x7fELF and more",
		"etc/modprobe.d/x.conf": "options a b=1\n",
	} {
		p := filepath.Join(root, name)
		os.MkdirAll(filepath.Dir(p), 0o755)
		if err := os.WriteFile(p, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	im := Image{Root: release.Root(root)}
	s := sources{Cmdline: "quiet beaminit.distribution.port=17013 hostname=b", Args: []string{"-v"}}
	want := s.load(&im)
	text, err := json.Marshal(&s)
	if err != nil {
		t.Fatal(err)
	}
	os.RemoveAll(root)
	var told sources
	if err := json.Unmarshal(text, &told); err != nil {
		t.Fatal(err)
	}
	got := told.reload()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
	if want.Release.RunOnce[0][0] != "/usr/sbin/prepare" || want.Node.Hostname != "b" || len(want.Problems) == 0 {
		t.Errorf("%+v", want)
	}
	from, _ := got.Origin("distribution.port")
	if from != config.Cmdline {
		t.Errorf("the port is from %v", from)
	}
}
