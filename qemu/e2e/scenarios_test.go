package e2e

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/beaminit/beaminit/internal/nstest"
	"github.com/beaminit/beaminit/qemu/lab"
	"github.com/beaminit/beaminit/qemu/scenario"
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
			if name == "loss" && !*soak {
				t.Skip("a minute in which nothing may happen: make scenarios; TestBadLine has less of it")
			}
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

// What scenarios have join the LAN runs for who is not root, too, as lab join runs it: with a user namespace of one
// user in it.
func TestHostsOfScenarios(t *testing.T) {
	nstest.AsRoot(t)
	files, err := filepath.Glob("../scenarios/*.scenario")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		f, err := scenario.Read(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range f.Steps {
			if s.Verb != "host" {
				continue
			}
			args := append([]string{"--reuid=65534", "--regid=65534", "--clear-groups", "unshare", "-Urn"}, s.Words[1:]...)
			cmd := exec.Command("setpriv", args...)
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			const port53 = ":0035 " // in /proc/net/udp
			nstest.Await(t, file+": it listens", func() bool {
				select {
				case err := <-ended:
					t.Fatalf("%s: line %d: it ended: %v", file, s.Line, err)
				default:
				}
				udp, _ := os.ReadFile(fmt.Sprintf("/proc/%d/net/udp", cmd.Process.Pid))
				return strings.Contains(string(udp), port53)
			}, func() string { return s.Text })
			syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			<-ended
		}
	}
}
