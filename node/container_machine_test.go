package node_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/machine"
	"github.com/beaminit/beaminit/internal/nstest"
)

// container is one that runc runs, with the program as its PID 1.
type container struct {
	t    *testing.T
	name string
	done chan struct{}
	err  error // of its end

	mu  sync.Mutex
	out bytes.Buffer // what it writes to its standard output
}

func (c *container) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.Write(p)
}

func (c *container) said() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.String()
}

// dockers are the capabilities that a container has where nobody says another word
// (moby, oci/caps/defaults.go).
var dockers = strings.Fields("CAP_CHOWN CAP_DAC_OVERRIDE CAP_FSETID CAP_FOWNER CAP_MKNOD CAP_NET_RAW CAP_SETGID CAP_SETUID " +
	"CAP_SETFCAP CAP_SETPCAP CAP_NET_BIND_SERVICE CAP_SYS_CHROOT CAP_KILL CAP_AUDIT_WRITE")

// runContainer runs an image of the demo release and nothing besides, on a network of its own.
func runContainer(t *testing.T, capabilities, env []string, args ...string) *container {
	return runOn(t, "of-the-runtime", "", "127.0.0.1", capabilities, env, args...)
}

// runOn is runContainer with a host name and its address, on the network (ip-netns(8)) of that path.
func runOn(t *testing.T, hostname, network, address string, capabilities, env []string, args ...string) *container {
	t.Helper()
	if _, err := exec.LookPath("runc"); err != nil {
		t.Fatal("no runc (Debian's runc)")
	}
	c := &container{t: t, name: fmt.Sprintf("beaminit-%d-%d", os.Getpid(), time.Now().UnixNano()), done: make(chan struct{})}
	bundle := t.TempDir()
	root := filepath.Join(bundle, "root")
	for _, dir := range []string{"proc", "sys", "dev", "run", "tmp", "etc", "lib", "usr/lib", "lib64", "sbin", "srv/erlang", "root"} {
		nstest.Must(t, os.MkdirAll(filepath.Join(root, dir), 0o755))
	}
	machine.WriteFile(t, filepath.Join(root, "data/cookie"), "container-cookie")
	nstest.Must(t, os.Chmod(filepath.Join(root, "data/cookie"), 0o600))
	machine.CopyInit(t, filepath.Join(root, "sbin/init"))
	hosts := filepath.Join(bundle, "hosts")
	nstest.Must(t, os.WriteFile(hosts, []byte("127.0.0.1 localhost\n"+address+" "+hostname+"\n"), 0o644)) // as runtimes write it, and show it
	type mount struct {
		Destination string   `json:"destination"`
		Type        string   `json:"type"`
		Source      string   `json:"source"`
		Options     []string `json:"options"`
	}
	mounts := []mount{
		{"/proc", "proc", "proc", nil},
		{"/dev", "tmpfs", "tmpfs", []string{"nosuid", "strictatime", "mode=755"}},
		{"/dev/pts", "devpts", "devpts", []string{"nosuid", "noexec", "newinstance", "ptmxmode=0666"}},
		{"/sys", "sysfs", "sysfs", []string{"nosuid", "noexec", "nodev", "ro"}},
		{"/etc/hosts", "bind", hosts, []string{"rbind"}},
		{"/srv/erlang", "bind", machine.Release(t, "systools"), []string{"rbind", "ro"}},
	}
	for _, dir := range []string{"/lib", "/usr/lib", "/lib64"} {
		if _, err := os.Stat(dir); err == nil {
			mounts = append(mounts, mount{dir, "bind", dir, []string{"rbind", "ro"}})
		}
	}
	type m = map[string]any
	net := m{"type": "network"}
	if network != "" {
		net["path"] = network
	}
	spec := m{
		"ociVersion": "1.0.2", "hostname": hostname, "root": m{"path": "root"}, "mounts": mounts,
		"process": m{
			"args": append([]string{"/sbin/init"}, args...), "cwd": "/", "env": append([]string{"PATH=/bin"}, env...), "user": m{"uid": 0, "gid": 0},
			"capabilities": m{"bounding": capabilities, "effective": capabilities, "permitted": capabilities},
		},
		"linux": m{
			"namespaces":    []m{{"type": "pid"}, net, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}},
			"readonlyPaths": []string{"/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/proc/fs"},
			"maskedPaths":   []string{"/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"},
		},
	}
	text, err := json.Marshal(spec)
	nstest.Must(t, err)
	nstest.Must(t, os.WriteFile(filepath.Join(bundle, "config.json"), text, 0o644))
	cmd := exec.Command("runc", "run", "-b", bundle, c.name)
	cmd.Stdout, cmd.Stderr = c, c
	nstest.Must(t, cmd.Start())
	go func() { c.err = cmd.Wait(); close(c.done) }()
	t.Cleanup(func() {
		exec.Command("runc", "delete", "-f", c.name).Run()
		<-c.done
	})
	return c
}

// says waits for a text in what the container writes.
func (c *container) says(want string) {
	c.t.Helper()
	for deadline := time.After(nstest.Patience); !strings.Contains(c.said(), want); {
		select {
		case <-time.After(5 * time.Millisecond):
		case <-c.done:
			if !strings.Contains(c.said(), want) {
				c.t.Fatalf("it ended without %q:\n%s", want, c.said())
			}
		case <-deadline:
			c.t.Fatalf("no %q:\n%s", want, c.said())
		}
	}
}

// exec runs the program in the container, as a health check of its runtime does.
func (c *container) exec(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), nstest.Patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, "runc", append([]string{"exec", c.name, "/sbin/init"}, args...)...).CombinedOutput()
	return string(out), err
}

func (c *container) kill(signal string, args ...string) {
	c.t.Helper()
	if out, err := exec.Command("runc", append([]string{"kill", c.name, signal}, args...)...).CombinedOutput(); err != nil {
		c.t.Fatalf("%v: %s\n%s", err, out, c.said())
	}
}

// ended waits for its end, and gives the exit status.
func (c *container) ended() int {
	c.t.Helper()
	select {
	case <-c.done:
	case <-time.After(nstest.Patience):
		c.t.Fatalf("it does not end:\n%s", c.said())
	}
	var exit *exec.ExitError
	if errors.As(c.err, &exit) {
		return exit.ExitCode()
	}
	nstest.Must(c.t, c.err)
	return 0
}

// records are those that it wrote.
func (c *container) records() (list []health.Record) {
	for _, line := range strings.Split(c.said(), "\n") {
		if r, ok := health.Find([]byte(line)); ok {
			list = append(list, r)
		}
	}
	return list
}

// A container without a cgroup2 has none for its release: a line says so, once, and it is started.
func TestContainerCgroup(t *testing.T) {
	t.Parallel()
	c := runContainer(t, dockers, []string{"BEAMINIT_RELEASE_CGROUP=memory.max=100M,pids.max=200", "BEAMINIT_HEALTH_INTERVAL=1s"})
	c.says("state=up")
	if out, err := c.exec("restart"); err != nil {
		t.Errorf("restart: %v\n%s", err, out)
	}
	want := "cgroup of the release: there is no cgroup2 on /sys/fs/cgroup; want CONFIG_CGROUPS in the kernel, or a container with a cgroup2; going on without"
	if n := strings.Count(c.said(), want); n != 1 || strings.Count(c.said(), "cgroup") != 4*n {
		t.Errorf("want one line about cgroups, %q, in\n%s", want, c.said())
	}
}

// A container is told by its environment, speaks on its standard output, and ends in order
// with the exit status of its release; without any capability too.
func TestInContainer(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name         string
		capabilities []string
		more         []string
		stop         string // signal
	}{
		{"as docker runs it", dockers, nil, "TERM"},
		{"with no capability, stopped as podman does", []string{}, nil, "37"}, // SIGRTMIN+3
		{"with a user", dockers, []string{"BEAMINIT_RELEASE_USER=1000"}, "TERM"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := runContainer(t, tt.capabilities, append(tt.more, "BEAMINIT_HEALTH_INTERVAL=2s", "BEAMINIT_PEERS_OTHER=192.0.2.7"), "beaminit.peers.of-the-runtime=192.0.2.6")
			c.says("missing=other:unreachable")
			out, err := c.exec("status")
			if err == nil || !strings.Contains(out, "node      eclero@of-the-runtime\n") || !strings.Contains(out, "missing   other (unreachable)\n") {
				t.Errorf("status: %v\n%s", err, out)
			}
			for _, r := range c.records() {
				if r.Up > nstest.Patience+time.Minute || r.Peers != 1 {
					t.Errorf("a record of the host: %+v", r)
				}
			}
			c.kill(tt.stop)
			if got := c.ended(); got != 0 {
				t.Errorf("exit status %d", got)
			}
			c.says(": release stopped")
			for _, line := range strings.Split(c.said(), "\n") {
				for _, bad := range []string{"not permitted", "read-only file system", "denied", "cannot"} {
					if strings.Contains(line, bad) && !strings.Contains(line, "ping_group_range") { // which is said once, with what follows
						t.Errorf("it complains: %s", line)
					}
				}
			}
		})
	}
}

// A healthy container is healthy to its runtime; one whose release cannot be kept up ends,
// and not with 0.
func TestContainerEnds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		env  []string
		do   func(c *container)
		says string
		want int
	}{
		{"healthy, then it ends", []string{"BEAMINIT_SUPERVISE_ON_EXIT=poweroff"}, func(c *container) {
			c.says("state=up")
			if out, err := c.exec("status"); err != nil {
				c.t.Errorf("status: %v\n%s", err, out)
			}
			out, _ := c.exec("rpc", "erlang", "halt", "[7]")
			c.t.Log(out)
		}, "the release ended: exit status 7", 7},
		{"done with 0, again and again", []string{"BEAMINIT_SUPERVISE_ATTEMPTS=1", "BEAMINIT_RELEASE_ARGS=-s,erlang,halt"}, func(c *container) {}, "gave up after 2 ends", 1},
		{"no release", []string{"BEAMINIT_RELEASE_PATH=/srv/none"}, func(c *container) {}, "/srv/none", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := runContainer(t, dockers, tt.env)
			tt.do(c)
			c.says(tt.says)
			if got := c.ended(); got != tt.want {
				t.Errorf("exit status %d, want %d\n%s", got, tt.want, c.said())
			}
		})
	}
}

// Three containers that are told their peers become one cluster; one that is killed is missed.
func TestContainersAreACluster(t *testing.T) {
	t.Parallel()
	machine.Init(t) // or the test is skipped
	prefix := fmt.Sprintf("b%d-", os.Getpid())
	ip := func(args ...string) {
		t.Helper()
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			t.Fatalf("ip %v: %v: %s", args, err, out)
		}
	}
	space := func(name string) string {
		t.Helper()
		ip("netns", "add", prefix+name)
		t.Cleanup(func() { exec.Command("ip", "netns", "delete", prefix+name).Run() })
		ip("-n", prefix+name, "link", "set", "lo", "up")
		return prefix + name
	}
	lan := space("lan")
	ip("-n", lan, "link", "add", "br0", "type", "bridge")
	ip("-n", lan, "link", "set", "br0", "up")
	run := func(i int, env string) *container {
		t.Helper()
		ns := space(fmt.Sprint("n", i))
		ip("-n", lan, "link", "add", fmt.Sprint("p", i), "type", "veth", "peer", "name", "eth0", "netns", ns)
		ip("-n", lan, "link", "set", fmt.Sprint("p", i), "master", "br0", "up")
		ip("-n", ns, "address", "add", fmt.Sprintf("10.77.5.%d/24", i), "dev", "eth0")
		ip("-n", ns, "link", "set", "eth0", "up")
		return runOn(t, fmt.Sprint("n", i), "/run/netns/"+ns, fmt.Sprint("10.77.5.", i), dockers, []string{"BEAMINIT_HEALTH_INTERVAL=1s", env})
	}
	var cs []*container
	for i := range 3 {
		cs = append(cs, run(i+1, "BEAMINIT_PEERS=n1:10.77.5.1,n2:10.77.5.2,n3:10.77.5.3"))
	}
	run(4, "BEAMINIT_DISTRIBUTION_NAMES=address").says("node=eclero@10.77.5.4 state=up") // as libcluster's DNSPoll finds it
	for _, c := range cs {
		c.says("state=up pid=")
		c.says("peers=2/2")
	}
	cs[2].kill("KILL")
	for _, c := range cs[:2] {
		c.says("peers=1/2")
		c.says("missing=n3:")
	}
}
