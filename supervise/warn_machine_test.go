package supervise_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/beaminit/beaminit/internal/machine"

	"github.com/beaminit/beaminit/health"
)

// What is wrong with a node and does not stop it is a word in each record, and not in those of a
// node with which nothing is. Of discovery and of the clock there are tests elsewhere.
func TestWarnings(t *testing.T) {
	t.Parallel()
	const mount = "[[mount]]\nsource = \"/store\"\ntarget = \"/data\"\noptions = [\"bind\"]\n"
	tests := []struct {
		name, toml string
		want       []string
	}{
		{"nothing", mount, nil},
		{"no watchdog", mount + "[watchdog]\ndevice = \"/dev/nosuch\"\n", []string{"watchdog"}},
		{"one mount is not there", mount + "[[mount]]\nsource = \"/none\"\ntarget = \"/data2\"\noptions = [\"bind\", \"nofail\"]\n", []string{"data"}},
		{"nor any other", "[[mount]]\nsource = \"/none\"\ntarget = \"/data\"\noptions = [\"bind\", \"nofail\"]\n", []string{"data", "state"}},
		{"a service fails", mount + "[[service]]\nname = \"failing\"\nexec = [\"/sbin/init\", \"nosuch\"]\n", []string{"failing"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := machine.WithERTS(t, "hostname=node1", tt.toml)
			s.Dirs, s.Writable = append(s.Dirs, "store"), true
			m := machine.Start(t, s)
			m.Record(fmt.Sprint("warn=", tt.want), 0, func(r health.Record) bool { return r.State == health.Up && slices.Equal(r.Warn, tt.want) })
		})
	}
}
