package e2e

import (
	"context"
	"flag"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/internal/nstest"
	"github.com/beaminit/beaminit/qemu/lab"
)

var (
	scenarioTimes = flag.Int("scenario.times", 1, "how often TestScenarios plays each scenario")
	scenarioAs    = flag.String("scenario.as", lab.AsNS, "what the nodes of TestScenarios are: vm or ns")
)

// The scenarios of the repository, as a person plays them. A machine that is emulated on a
// busy host is slow: what is expected may take four times as long, and one is played after
// the other. Namespaces take seconds.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("../scenarios/*.scenario")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".scenario")
		t.Run(name, func(t *testing.T) {
			if *scenarioAs == lab.AsNS {
				t.Parallel()
				nstest.AsRoot(t)
			}
			for range *scenarioTimes {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
				defer cancel()
				cmd := exec.CommandContext(ctx, labBin, "play", "-slow", "4", "-as", *scenarioAs, "-dir", t.TempDir(), "-init", theInit(t), file)
				out, err := cmd.CombinedOutput()
				if err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				t.Logf("%s", out)
			}
		})
	}
}
