package node

import (
	"testing"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/release"
	"github.com/beaminit/beaminit/supervise"
	"github.com/beaminit/beaminit/supervise/launch"
)

// Where a disk can hang, neither the release nor the epmd that it needs is executed by PID 1
// itself: both lie on that disk.
func TestReleaseIsAway(t *testing.T) {
	for _, away := range []bool{false, true} {
		n := &node{Setup: Setup{Release: &release.Release{}, Config: config.Load("", noFiles)}, console: health.NewConsole()}
		r, err := n.releaseReady(&facts{Release: supervise.Release{Sidecar: &launch.Command{Path: "/srv/erlang/bin/epmd"}}}, away)
		if err != nil || r.Command.Away != away || r.Sidecar.Away != away {
			t.Errorf("away %v: the release is %v, epmd %v, %v", away, r.Command.Away, r.Sidecar.Away, err)
		}
	}
}
