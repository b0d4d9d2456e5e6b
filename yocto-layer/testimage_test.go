package yoctolayer_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/health"
)

func python(t *testing.T, args ...string) []byte {
	t.Helper()
	for _, f := range []string{"testdata/testimage.py", "lib/oeqa/controllers/beaminittarget.py", "lib/oeqa/runtime/cases/beaminit.py"} {
		dependsOn(t, f)
	}
	var stderr bytes.Buffer
	cmd := exec.Command("python3", append([]string{"testdata/testimage.py"}, args...)...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("testimage.py %q: %v: %s", args, err, &stderr)
	}
	return out
}

// dependsOn reads a file that another program is going to read: go test takes the result
// of a test for valid until a file changes that the test itself has opened.
func dependsOn(t *testing.T, file string) {
	t.Helper()
	if _, err := os.ReadFile(file); err != nil {
		t.Fatal(err)
	}
}

// told is what a VM says to the expression that testimage's target passes it, and the
// VM's process. It sees processes of its own only (pid_namespaces(7)): an epmd runs on
// many an Erlang programmer's machine.
func told(t *testing.T) (lines []string, pid int) {
	t.Helper()
	expression := strings.TrimSpace(string(python(t, "expression")))
	// The kernel's rule for words, the shell's within "…", and release.args' commas.
	if bad := regexp.MustCompile("[\\s,\"'`$\\\\]").FindString(expression); bad != "" {
		t.Errorf("the expression has %q in it: %s", bad, expression)
	}
	var stderr bytes.Buffer
	args := []string{"--pid", "--fork", "--mount-proc"}
	if os.Geteuid() != 0 {
		args = append(args, "--map-root-user")
	}
	// As on a node the VM is not process 1, but a child of it.
	args = append(args, "sh", "-c", `"$@"; exit $?`, "sh", "erl", "-noinput", "-eval", expression, "-s", "init", "stop")
	cmd := exec.Command("unshare", args...)
	cmd.Dir, cmd.Stderr = t.TempDir(), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("erl -eval %s: %v: %s", expression, err, &stderr)
	}
	vm := regexp.MustCompile(`/proc/([0-9]+)/comm=` + base64.StdEncoding.EncodeToString([]byte("beam.smp\n"))).FindSubmatch(out)
	if vm == nil {
		t.Fatalf("the VM is not among its own processes: %s", out)
	}
	pid, err = strconv.Atoi(string(vm[1]))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(out)), pid
}

// TestTestimage runs the case of bitbake -c testimage on consoles. The lines of the
// release are a real VM's, but for what this machine has in /etc/hosts.
func TestTestimage(t *testing.T) {
	lines, pid := told(t)
	hosts := func(text string) string {
		return "/etc/hosts=" + base64.StdEncoding.EncodeToString([]byte(text))
	}
	const good = "127.0.0.1 localhost\n192.168.7.2 eclero6\n"
	up := health.Record{Boot: 1, Seq: 4, Node: "eclero@eclero6", State: health.Up, PID: pid}
	down, again, reboot := up, up, up
	down.State, down.PID, down.Why = health.Down, 0, "killed by signal 9 (SIGKILL) by the OOM killer"
	again.PID, again.Restarts = pid+1, 1
	again.Why = down.Why
	reboot.Boot, reboot.PID = 2, pid+1

	for _, c := range []struct {
		name, hosts, more string
		first             health.Record
		later             []health.Record
		fails             string // the tests that do
	}{
		{"good", good, "", up, []health.Record{down, again}, ""},
		{"127.0.1.1", good + "127.0.1.1 eclero6\n", "", up, []health.Record{again}, "test_hosts"},
		{"not itself", "127.0.0.1 localhost\n", "", up, []health.Record{again}, "test_hosts"},
		{"epmd", good, "/proc/9999999/comm=" + base64.StdEncoding.EncodeToString([]byte("epmd\n")), up, []health.Record{again}, "test_no_epmd"},
		{"never up", good, "", down, nil, "test_health_up test_hosts test_no_epmd test_restart_after_kill"},
		{"no restart", good, "", up, []health.Record{down}, "test_restart_after_kill"},
		{"a reboot", good, "", up, []health.Record{down, reboot}, "test_restart_after_kill"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := consoleOf(nil, c.first)
			for _, l := range append([]string{c.more}, lines...) {
				if strings.HasPrefix(l, "/etc/hosts=") {
					l = hosts(c.hosts)
				}
				text += "[   25.1] release: " + l + "\r\n"
			}
			dir := t.TempDir()
			files := []string{filepath.Join(dir, "console"), filepath.Join(dir, "later")}
			for i, s := range []string{text, consoleOf(nil, c.later...)} {
				if err := os.WriteFile(files[i], []byte(s), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			said := map[string]string{}
			if err := json.Unmarshal(python(t, files...), &said); err != nil {
				t.Fatal(err)
			}
			if len(said) < 4 {
				t.Fatalf("the tests of the case: %v, want 4", said)
			}
			for name, failure := range said {
				if (failure != "") != strings.Contains(c.fails, name) {
					t.Errorf("%s: %q, want failures of %q", name, failure, c.fails)
				}
			}
		})
	}
}

func consoleOf(text []byte, records ...health.Record) string {
	for i := range records {
		text = fmt.Appendf(text, "[   25.0] beaminit: %s\r\n", records[i].Append(nil))
	}
	return string(text)
}
