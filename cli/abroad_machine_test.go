package cli_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/beaminit/beaminit/internal/machine"
	"github.com/beaminit/beaminit/internal/nstest"

	"github.com/beaminit/beaminit/health"
)

// laptop is another host on the bridge, with this machine's programs and a HOME of its
// own, and no word about the nodes in its hosts file.
type laptop struct {
	pid  int // of a process in its network namespace
	home string
}

func plugLaptop(t *testing.T, bridge int, address string) *laptop {
	t.Helper()
	cmd := exec.Command("sleep", "600")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if err := nstest.Start(cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	l := &laptop{pid: cmd.Process.Pid, home: t.TempDir()}
	machine.InNet(t, l.pid, fmt.Sprintf("ip link set lo up && ip link add eth0 type veth peer name laptop netns %d && "+
		"ip link set eth0 up && ip address add %s dev eth0 nodad", bridge, address))
	machine.InNet(t, bridge, "ip link set laptop master br0 && ip link set laptop up")
	l.file(t, ".erlang.cookie", "namespace-cookie", 0o400)
	return l
}

func (l *laptop) file(t *testing.T, name, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(l.home, name), []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// paste enters a line into a shell of the laptop, which ends after it.
func (l *laptop) paste(t *testing.T, line string) *machine.Terminal {
	t.Helper()
	cmd := exec.Command("nsenter", "--net=/proc/"+strconv.Itoa(l.pid)+"/ns/net", "sh", "-i")
	cmd.Env = []string{"PS1=laptop> ", "PATH=" + os.Getenv("PATH"), "TERM=xterm", "HOME=" + l.home, "LANG=C.UTF-8", "TMPDIR=" + l.home}
	x := machine.AtTerminal(t, cmd)
	x.See("laptop> ")
	x.Enter(strings.TrimSpace(line) + "; exit\r")
	return x
}

// The line that beaminit remote --print gives opens a shell of the node on another host,
// as it stands. Here the ways of the distribution are, too, by which erl_call cannot
// come.
func TestRemoteAbroad(t *testing.T) {
	t.Parallel()
	for _, k := range []struct {
		name, release, host, address, laptop, toml string
		iex, tls                                   bool
	}{
		{name: "short names", release: "relx/own", host: "n1", address: "10.77.0.11/24", laptop: "10.77.0.99/24"},
		{name: "IEx, long names", release: "mix/plain", host: "n1.farm.lan", address: "10.77.0.11/24", laptop: "10.77.0.99/24", iex: true,
			toml: "[distribution]\nnames = \"long\"\n"},
		{name: "IPv6, long names", release: "systools", host: "n1.farm.lan", address: "fd77::11/64", laptop: "fd77::99/64",
			toml: "[distribution]\nnames = \"long\"\n"},
		{name: "TLS", release: "relx/secure", host: "n1", address: "10.77.0.11/24", laptop: "10.77.0.99/24", tls: true,
			toml: "[distribution.tls]\ncert = \"/data/cert.pem\"\nkey = \"/data/key.pem\"\nca = \"/data/ca.pem\"\n"},
		{name: "TLS, newer OTP", release: "newer/relx/secure", host: "n1", address: "10.77.0.11/24", laptop: "10.77.0.99/24", tls: true,
			toml: "[distribution.tls]\ncert = \"/data/cert.pem\"\nkey = \"/data/key.pem\"\nca = \"/data/ca.pem\"\n"},
	} {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			br := machine.Bridge(t)
			own, _, _ := strings.Cut(k.address, "/")
			toml := k.toml + "[peers]\nn1 = \"" + own + "\"\n"
			s := machine.WithRelease(t, machine.Release(t, k.release), "hostname="+k.host+" beaminit.network.eth0.wait=20s beaminit.network.eth0.address="+k.address, toml)
			for name, text := range machine.CertificateFor(t, "n1") {
				s.Files[name] = text
			}
			m := machine.Start(t, s)
			m.Plug(br, 1)
			r, _ := m.State(health.Up, 0)
			if k.tls || strings.Contains(own, ":") {
				m.Visited(t, k.iex)
				calls(m, t, r.Node)
			}
			l := plugLaptop(t, br, k.laptop)
			if k.tls {
				for name, text := range machine.CertificateFor(t, "laptop") {
					l.file(t, filepath.Base(name), text, 0o600)
				}
				l.file(t, "tls.config", strings.ReplaceAll(`[{client,[{verify,verify_peer},{certfile,"H/cert.pem"},{keyfile,"H/key.pem"},{cacertfile,"H/ca.pem"}]}].`, "H", l.home), 0o600)
			}
			pid, before := m.VM(), m.Listeners()
			line, _ := m.Output("remote", "--print")
			x := l.paste(t, line)
			if k.iex {
				x.See("iex(" + r.Node + ")1> ")
				x.Enter("{:it_is, node()}\r")
				x.See("{:it_is, :")
			} else {
				x.See("(" + r.Node + ")1> ")
				x.Enter("{it_is,node()}.\r")
				x.See("{it_is,")
			}
			x.See(r.Node)
			if m.Listeners() != before {
				t.Errorf("listening before\n%sand with the shell\n%s", before, m.Listeners())
			}
			out, err := exec.Command("nsenter", "-n", "-t", strconv.Itoa(l.pid), "ss", "-Hltn").Output()
			if err != nil || len(out) > 0 {
				t.Errorf("the laptop listens on\n%s%v", out, err)
			}
			x.Leave(k.iex)
			if left, _ := filepath.Glob(l.home + "/tmp.*"); m.VM() != pid || len(left) > 0 {
				t.Errorf("the release is process %d and was %d; the laptop keeps %v", m.VM(), pid, left)
			}
		})
	}
}
