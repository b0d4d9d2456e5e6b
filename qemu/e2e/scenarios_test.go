package e2e

import (
	"context"
	"flag"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/internal/nstest"
	"github.com/beaminit/beaminit/qemu/lab"
)

var scenarioTimes = flag.Int("scenario.times", 1, "how often TestScenarios plays each scenario")

// inCI are the scenarios that are played in every run: those of the articles that nothing
// else here has. TestCluster plays cut-and-heal.
var inCI = []string{"eclero", "failover", "caravan", "libcluster-dnspoll"}

// The scenarios of the repository, as a person plays them. A machine that is emulated on a
// busy host is slow: what is expected may take four times as long. Where it is not to take hours, nodes
// are namespaces.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("../scenarios/*.scenario")
	if err != nil || len(files) < len(inCI) {
		t.Fatal(files, err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".scenario")
		if !*soak && !slices.Contains(inCI, name) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			as := lab.AsVM
			if !*soak {
				t.Parallel()
				nstest.AsRoot(t)
				as = lab.AsNS
			}
			for range *scenarioTimes {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
				defer cancel()
				cmd := exec.CommandContext(ctx, labBin, "play", "-slow", "4", "-as", as, "-dir", t.TempDir(), "-init", theInit(t), file)
				out, err := cmd.CombinedOutput()
				if err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				t.Logf("%s", out)
			}
		})
	}
}
