package supervise_test

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/internal/machine"

	"github.com/beaminit/beaminit/cluster"
	"github.com/beaminit/beaminit/cluster/discovery"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/netcfg"
	"github.com/beaminit/beaminit/node"
	"github.com/beaminit/beaminit/supervise/jobs"
	"github.com/beaminit/beaminit/supervise/launch"
	"golang.org/x/sys/unix"
)

// ownNames are those under which the program of a node does something (the table of
// cmd/init), with arguments that somebody would give it who wants more than he has.
var ownNames = []string{
	cluster.MonitorName, netcfg.ChildName, discovery.ChildName, "beaminit-tty /dev/console", "beaminit-tty /root/secret",
	node.ReadaheadName + " /root/secret", "heart -pid 1", "sh -c reboot", "init 6", "telinit 6", "shutdown -h now",
	launch.HelperName + " says=2 uid=0 gid=0 groups=0 -- /srv/attacker attacker files",
	launch.HelperName + " says=2 capabilities=sys_admin,dac_override -- /srv/attacker attacker files",
	launch.HelperName + " says=2 keep=/data/beaminit/mine uid=1000 gid=1000 groups= -- /srv/attacker attacker files",
	launch.HelperName + " says=2 limit=nofile=1000000:1000000 oom=-1000 -- /srv/attacker attacker files",
	"beaminit restart", "beaminit stop", "beaminit rescue", "beaminit reexec /srv/attacker", "beaminit service x stop",
	"beaminit reboot", "beaminit reboot -f", "beaminit poweroff -f -n", "beaminit halt -f", "beaminit remote --print", "beaminit rpc init stop",
	"beaminit history", "beaminit history /root/secret", "beaminit history /data/beaminit/history", "beaminit check", "beaminit plan --root /root",
}

func init() {
	for _, job := range []string{"disks", "late", "tmpfiles", "key", "release", "seed", "save", "history", "last words", "dumps", "evidence"} {
		ownNames = append(ownNames, jobs.Name+" "+job)
	}
}

// kept is what is in directories that nobody but root may change, name by name. What the
// node writes on its own meanwhile is only there.
func kept(t *testing.T, dirs ...string) string {
	t.Helper()
	var all strings.Builder
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			var st unix.Stat_t
			if err := unix.Lstat(path, &st); err != nil {
				return err
			}
			sum := ""
			its := strings.HasSuffix(path, "/net/eth0.json") || strings.HasSuffix(path, "/store/beaminit/history") || strings.HasSuffix(path, "/store/beaminit/alive")
			if d.Type().IsRegular() && !its {
				text, _ := os.ReadFile(path)
				sum = fmt.Sprintf("%x", sha256.Sum256(text))
			}
			fmt.Fprintf(&all, "%s %v %d %s\n", path, d.Type(), st.Uid, sum)
			if d.IsDir() && (d.Name() == "release" || d.Name() == "dumps") {
				return fs.SkipDir // they are the release's
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
}

// The program of the node is no way to more rights: whoever starts it has what he had.
func TestAttacksByNames(t *testing.T) {
	t.Parallel()
	m := attacked(t, "app", "")
	m.Must(os.Chmod(m.Root+"/root/secret", 0o600))
	dirs := []string{m.Root + "/store/beaminit", m.Root + "/etc", m.Root + "/root", fmt.Sprintf("/proc/%d/root/run/beaminit", m.PID())}
	vm, open, before := m.VM(), machine.DescriptorsOf(m, m.PID()), kept(t, dirs...)
	for _, line := range attacks(m, 1000, append([]string{"names"}, ownNames...)...) {
		if !its(line) {
			t.Error(line)
		}
	}
	if now := kept(t, dirs...); now != before {
		t.Errorf("after it there is\n%s\nand was\n%s", now, before)
	}
	for _, line := range m.Lines() {
		if strings.Contains(line, "asked for") {
			t.Error(line)
		}
	}
	unharmed(m, vm, open)
}

// A release that owns /data changes the names on the way to what PID 1 and its children write
// there all the time, so that what was looked at is not what is opened: nothing of root's is
// changed, and nothing becomes the user's.
func TestAttacksOnTheWay(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{"/data/beaminit", "/data/beaminit/dumps"} {
		t.Run(dir, func(t *testing.T) {
			t.Parallel()
			s := toBeAttacked(t, "app", "[supervise]\nattempts = 1000\nbackoff = [\"1ms\", \"1ms\"]\n")
			s.Files["victim/seed"], s.Files["victim/history"], s.Files["victim/dumps/erl_crash-1.dump"] = "of-root", "of-root", "of-root"
			s.Files["store/beaminit/dumps/none"] = "" // it is there, whoever writes first
			m := machine.Start(t, s)
			m.Must(os.Chown(m.Root+"/store", 1000, 1000))
			m.Must(os.Chown(m.Root+"/store/beaminit/dumps", 1000, 1000))
			if dir == "/data/beaminit/dumps" {
				m.Must(os.Chown(m.Root+"/store/beaminit", 1000, 1000))
			}
			m.Must(unix.Setxattr(m.Root+"/store", "system.posix_acl_default", acl(1000), 0))
			_, next := m.State(health.Up, 0)
			before := kept(t, m.Root+"/victim", m.Root+"/etc")
			ended := make(chan []string, 1)
			go func() { ended <- attacks(m, 1000, "swap", dir, "/victim") }()
			for i := range 5 {
				unix.Kill(m.VM(), unix.SIGKILL) // which is told in the history, and its last output kept
				_, next = m.Restarted(i+1, next)
			}
			times, _ := strconv.Atoi((<-ended)[0])
			if t.Logf("the names were changed %d times", times); times < 100 {
				t.Errorf("the names were changed %d times: that is no attack", times)
			}
			if now := kept(t, m.Root+"/victim", m.Root+"/etc"); now != before {
				t.Errorf("after it there is\n%s\nand was\n%s", now, before)
			}
		})
	}
}
