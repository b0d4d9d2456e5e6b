package node_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/beaminit/beaminit/internal/machine"
	"github.com/beaminit/beaminit/internal/nstest"

	"github.com/beaminit/beaminit/health"
	"golang.org/x/sys/unix"
)

// Whatever stands in the place of the cookie, by whomever, the node boots, root reads
// nothing of others, and the release gets nothing that is not for it.
func TestCookieInTheWay(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, shell string // by the release's user, who owns /data
		root        func(data string) error
		want        string
	}{
		{"a FIFO", "mkfifo cookie", nil, "/data/cookie: it is a FIFO; want a regular file; not read"},
		{"a link", "ln -s ../etc/secret cookie", nil, "/data/cookie: it is a symbolic link, in a directory that others than root can write to; want what it leads to in its place; not read"},
		{"a file of root's moved", "mv keys cookie", func(data string) error { return os.WriteFile(data+"/keys", []byte("a-secret"), 0o400) },
			"/data/cookie: it is root's, in a directory where others can have moved any file of root's; want chown 4242 /data/cookie, or /data to be root's; not read"},
		{"one that all can write to", "echo monster > cookie; chmod 0666 cookie", nil, "/data/cookie: others than its owner can write to it (mode 0666); want chmod go-w /data/cookie; not read"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, state := machine.OnDisk(t, machine.WithERTS(t, "hostname=node1", "[release]\nuser = \"4242\"\n\n"))
			delete(s.Files, "data/cookie")
			s.Files["etc/secret"] = "a-secret"
			s.Dirs = append(s.Dirs, "store")
			data := filepath.Dir(state)
			nstest.LetIn(t, data)
			if err := os.Chown(data, 4242, 4242); err != nil {
				t.Skip("needs root: ", err)
			}
			if tt.root != nil {
				if err := tt.root(data); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.Command("/bin/sh", "-ec", tt.shell)
			cmd.Dir = data
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 4242, Gid: 4242}}
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			m := machine.Start(t, s)
			m.Line("beaminit: distribution.cookie_file: " + tt.want)
			m.State(health.Up, 0)
			if m.Count("a-secret") != 0 {
				t.Error("the secret is on the console")
			}
			if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/root/run/beaminit/release/.erlang.cookie", m.PID())); err == nil && string(text) == "a-secret" {
				t.Error("the release was given the secret")
			}
			m.Signal(unix.SIGTERM)
			m.Ended()
		})
	}
}

// What the release's user puts in the place of the state directory stays as it is, and
// the node tells it, boots and remembers in memory.
func TestStateDirectoryOfTheUser(t *testing.T) {
	t.Parallel()
	for shell, want := range map[string]string{
		"ln -s ../etc beaminit":                              "nothing is kept on /data: /data/beaminit: it is a symbolic link, in a directory that others than root can write to",
		"mkdir beaminit; touch -d 2090-01-01 beaminit/clock": "nothing is kept on /data: /data/beaminit: it belongs to uid 4242; want chown root /data/beaminit",
	} {
		t.Run(shell, func(t *testing.T) {
			s, state := machine.OnDisk(t, machine.Spec{Cmdline: machine.NoNetwork})
			data := filepath.Dir(state)
			nstest.LetIn(t, data)
			if err := os.Chown(data, 4242, 4242); err != nil {
				t.Skip("needs root: ", err)
			}
			cmd := exec.Command("/bin/sh", "-ec", shell)
			cmd.Dir = data
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 4242, Gid: 4242}}
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			m := machine.Start(t, s)
			m.Line("beaminit: " + want)
			m.State(health.Rescue, 0)
			m.Signal(unix.SIGTERM)
			m.Ended()
			if m.Count("clock: set forward to 2090") != 0 {
				t.Error("the clock was believed")
			}
			for _, name := range []string{"history", "dumps", "seed"} {
				if _, err := os.Lstat(filepath.Join(m.Root, "etc", name)); err == nil {
					t.Errorf("root made /etc/%s", name)
				}
			}
		})
	}
}
