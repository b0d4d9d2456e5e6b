package child

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/beaminit/beaminit/cluster/discovery"
	"github.com/beaminit/beaminit/internal/nstest"
)

// What another implementation announces is found, and what is announced here is found by
// it: avahi-daemon and avahi-browse on the other end of a cable.
func TestAvahi(t *testing.T) {
	for _, program := range []string{"avahi-daemon", "avahi-browse", "dbus-daemon"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(program + " is not installed")
		}
	}
	nstest.Run(t, nstest.Usual|syscall.CLONE_NEWPID, func(t *testing.T) {
		other := exec.Command("sleep", "600")
		other.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
		if err := nstest.Start(other); err != nil {
			t.Fatal(err)
		}
		defer other.Process.Kill()
		there := []string{"nsenter", fmt.Sprintf("--net=/proc/%d/ns/net", other.Process.Pid)}
		run := func(args ...string) string {
			t.Helper()
			out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %v %s", args, err, out)
			}
			return string(out)
		}
		run("mount", "-t", "proc", "proc", "/proc")
		run("sh", "-c", fmt.Sprintf("ip link add eth0 type veth peer name eth1 netns %d && ip address add 10.0.0.1/24 dev eth0 && ip link set eth0 up", other.Process.Pid))
		run(append(there, "sh", "-c", "ip link set lo up; ip address add 10.0.0.2/24 dev eth1 && ip link set eth1 up")...)
		dir := t.TempDir()
		for name, text := range map[string]string{
			"bus.conf":    `<busconfig><type>system</type><listen>unix:path=` + dir + `/bus</listen><auth>EXTERNAL</auth><policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy></busconfig>`,
			"avahi.conf":  "[server]\nhost-name=n2\nuse-ipv6=no\n[publish]\npublish-workstation=no\n[wide-area]\nenable-wide-area=no\n",
			"app.service": `<service-group><name>The other one</name><service><type>_erlang._tcp</type><port>17012</port><txt-record>node=app</txt-record></service></service-group>`,
		} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		run("sh", "-c", "mount -t tmpfs tmpfs /run && mount --bind "+dir+" /etc/avahi/services && mkdir -p /run/avahi-daemon")
		bus := "DBUS_SYSTEM_BUS_ADDRESS=unix:path=" + dir + "/bus"
		for _, args := range [][]string{{"dbus-daemon", "--nofork", "--config-file=" + dir + "/bus.conf"}, {"avahi-daemon", "-f", dir + "/avahi.conf", "--no-drop-root", "--no-rlimits", "--no-chroot"}} {
			cmd := exec.Command(there[0], append(there[1:], args...)...)
			cmd.Env = append(os.Environ(), bus)
			cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer cmd.Process.Kill()
			if args[0] == "dbus-daemon" {
				nstest.Await(t, "the bus is there", func() bool { _, err := os.Stat(dir + "/bus"); return err == nil }, nil)
			}
		}
		all := make(chan news)
		go watchMDNS(&discovery.Orders{MDNS: true, Limit: 4, Host: "n1", Node: "eclero", Port: 17012}, all, nil)
		var peers []discovery.Peer
		nstest.Await(t, "avahi's node is found", func() bool {
			n := <-all
			peers = n.peers
			return len(peers) > 0
		}, nil)
		if p := peers[0]; p.Name != "n2" || p.Address != netip.MustParseAddr("10.0.0.2") || p.Port != 17012 || p.Node != "app" {
			t.Errorf("%+v", p)
		}
		go func() {
			for range all {
			}
		}()
		browse := ""
		nstest.Await(t, "avahi finds this node", func() bool {
			cmd := exec.Command(there[0], append(there[1:], "avahi-browse", "-rtp", "_erlang._tcp")...)
			cmd.Env = append(os.Environ(), bus)
			out, _ := cmd.CombinedOutput()
			browse = string(out)
			return strings.Contains(browse, `n1;_erlang._tcp;local;n1.local;10.0.0.1;17012;"node=eclero" "port=17012" "host=n1"`)
		}, func() string { return browse })
	})
}
