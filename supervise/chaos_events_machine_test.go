package supervise_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/beaminit/beaminit/internal/machine"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/nstest"
	"golang.org/x/sys/unix"
)

// event is one thing that can happen to a node.
type event struct {
	name   string
	weight int
	do     func(c *chaos)
}

var chaosTable = []event{
	{"kill -9 of the VM", 6, func(c *chaos) { c.killVM(unix.SIGKILL, "killed by signal 9 (SIGKILL)") }},
	{"kill -ABRT of the VM", 2, func(c *chaos) { c.killVM(unix.SIGABRT, "killed by signal 6 (SIGABRT)") }},
	{"SIGTERM to the VM", 2, func(c *chaos) { c.killVM(unix.SIGTERM, "exit status 0") }},
	{"a dump of the VM", 2, func(c *chaos) { c.killVM(unix.SIGUSR1, "exit status 1") }},
	{"kill -9 of the VM's child", 2, (*chaos).killHelper},
	{"kill -9 of the monitor", 6, (*chaos).killMonitor},
	{"the monitor is stopped for a while", 3, (*chaos).stopMonitor},
	{"the VM is stopped for a while", 3, (*chaos).stopVM},
	{"the VM is stopped until it is killed", 1, (*chaos).hang},
	{"kill -9 of a VM that starts", 3, (*chaos).killTwice},
	{"beaminit restart", 2, func(c *chaos) { c.command("exit status 0", "restart") }},
	{"beaminit rescue and restart", 2, (*chaos).rescueAndRestart},
	{"beaminit reexec", 3, (*chaos).reexec},
	{"rubbish for the control socket", 4, (*chaos).rubbish},
	{"a panic of PID 1", 3, (*chaos).fall},
	{"a storm of orphans", 8, func(c *chaos) { c.InPIDs("sh", "-c", machine.StormScript(50+c.rand.IntN(500))) }},
	{"a storm of orphans and a kill -9", 3, (*chaos).stormAndKill},
	{"a fork bomb", 2, (*chaos).forkBomb},
	{"a full disk", 4, (*chaos).fill},
	{"a read-only disk", 3, (*chaos).readOnly},
	{"a flood of signals", 8, (*chaos).flood},
	{"nothing for a while", 2, func(c *chaos) { time.Sleep(time.Duration(c.rand.IntN(500)) * time.Millisecond) }},
}

func (c *chaos) killVM(sig unix.Signal, why string) {
	vm := c.VM()
	c.end(why)
	c.Must(unix.Kill(vm, sig))
}

// killHelper kills the process that forks for the VM, which does not survive it.
func (c *chaos) killHelper() {
	for _, pid := range children(c.VM()) {
		n, _ := strconv.Atoi(pid)
		c.end("exit status 1")
		c.Must(unix.Kill(n, unix.SIGKILL))
		return
	}
}

func (c *chaos) killMonitor() {
	n := c.Count("the monitor ended")
	unix.Kill(c.monitor(), unix.SIGKILL)
	c.LinesWith("the monitor ended", n+1)
	c.Await("a record", nstest.Patience, func() bool { return len(c.Records()) > c.seen })
}

// monitor waits for the one that comes after the last.
func (c *chaos) monitor() int {
	for deadline := time.Now().Add(nstest.Patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		for _, pid := range children(c.PID()) {
			comm, _ := os.ReadFile("/proc/" + pid + "/comm")
			if strings.HasPrefix(string(comm), "beaminit-monito") { // a name has 15 bytes
				n, _ := strconv.Atoi(pid)
				return n
			}
		}
	}
	c.T.Fatalf("no monitor\n%s", c.Tail())
	return 0
}

func (c *chaos) stopMonitor() {
	pid := c.monitor()
	unix.Kill(pid, unix.SIGSTOP)
	time.Sleep(time.Duration(c.rand.IntN(700)) * time.Millisecond)
	unix.Kill(pid, unix.SIGCONT)
}

// stopVM lets it go on as soon as it was found out.
func (c *chaos) stopVM() {
	pid := c.VM()
	c.Must(unix.Kill(pid, unix.SIGSTOP))
	_, c.seen = c.State(health.Hung, c.seen)
	c.Must(unix.Kill(pid, unix.SIGCONT))
}

// hang leaves it stopped, until PID 1 has had enough.
func (c *chaos) hang() {
	c.end("exit status 1")
	c.Must(unix.Kill(c.VM(), unix.SIGSTOP))
	c.LinesWith("the release is killed: hung", c.Count("the release is killed: hung")+1)
}

func (c *chaos) killTwice() {
	const why = "killed by signal 9 (SIGKILL)"
	c.killVM(unix.SIGKILL, why)
	c.LinesWith("the release ended: "+why, c.ends[why])
	for deadline := time.Now().Add(nstest.Patience); time.Now().Before(deadline); {
		for _, pid := range children(c.PID()) {
			comm, _ := os.ReadFile("/proc/" + pid + "/comm")
			if name := strings.TrimSpace(string(comm)); name == "erlexec" || name == "beam.smp" {
				n, _ := strconv.Atoi(pid)
				c.end(why)
				c.Must(unix.Kill(n, unix.SIGKILL))
				return
			}
		}
	}
	c.T.Fatalf("no VM\n%s", c.Tail())
}

// command asks PID 1 for another run of the VM, which counts as no failure.
func (c *chaos) command(why string, words ...string) {
	for _, word := range words {
		if text, status := c.Ask(word); status != 0 {
			c.T.Fatalf("beaminit %s: %d %s\n%s", word, status, text, c.Tail())
		}
	}
	c.ends[why]++
	c.old = c.last
}

func (c *chaos) rescueAndRestart() {
	c.command("killed by signal 9 (SIGKILL)", "rescue", "restart")
}

func (c *chaos) reexec() {
	if text, status := c.Ask("reexec"); status != 0 {
		c.T.Fatalf("beaminit reexec: %d %s\n%s", status, text, c.Tail())
	}
	c.recent = 0
}

// rubbish is said to PID 1 by clients that do not wait for an answer.
func (c *chaos) rubbish() {
	c.InNetwork(func(path string) {
		for range 200 {
			conn, err := net.Dial("unixgram", path)
			if err != nil {
				return // PID 1 is beginning anew
			}
			b := make([]byte, c.rand.IntN(2000))
			for i := range b {
				b[i] = byte(c.rand.Uint32())
			}
			conn.SetWriteDeadline(time.Now().Add(10 * time.Millisecond))
			conn.Write(b)
			conn.Close()
		}
	})
	if text, status := c.Ask("status"); status > 1 { // 1: a probe came late on a busy machine
		c.T.Fatalf("beaminit status: %d %s\n%s", status, text, c.Tail())
	}
}

// fall makes PID 1 panic, as often as it may without giving up.
func (c *chaos) fall() {
	if c.recent == 2 {
		return
	}
	c.falls++
	c.recent++
	place := []string{"turn", "output", "reports", "console"}[c.rand.IntN(4)]
	c.Must(os.WriteFile(filepath.Join(c.store, "fault-"+place), nil, 0o600))
	if place == "output" || c.rand.IntN(2) == 0 { // it has something to say when it goes
		c.killVM(unix.SIGTERM, "exit status 0")
	}
	c.LinesWith("PID 1 has begun anew", c.falls)
}

func (c *chaos) stormAndKill() {
	done := make(chan error, 1)
	go func() { done <- c.StormQuietly(1000) }()
	time.Sleep(time.Duration(c.rand.IntN(100)) * time.Millisecond)
	c.killVM(unix.SIGKILL, "killed by signal 9 (SIGKILL)")
	c.Must(<-done)
}

// forkBomb fills a limit of processes with orphans of PID 1, and kills the VM while
// nothing can be started.
func (c *chaos) forkBomb() {
	group, err := pidsGroup(c.PID(), 64)
	if err != nil {
		c.trace = append(c.trace, "  no limit of processes here: "+err.Error())
		return
	}
	bomb := exec.Command("nsenter", "-p", "-t", strconv.Itoa(c.PID()), "sh", "-c",
		`echo $$ > "$1"; i=0; while [ $i -lt 200 ]; do (sleep 0.3 &) 2>/dev/null; i=$((i+1)); done`, "bomb", group.enter)
	bomb.Run() // it cannot always fork: that is its purpose
	const why = "killed by signal 9 (SIGKILL)"
	c.killVM(unix.SIGKILL, why)
	c.LinesWith("the release ended: "+why, c.ends[why])
	group.lift()
	// How often a VM could not be started, or got no thread, is chance; that one comes up
	// in the end is not.
	r, _ := c.Record("up after the bomb", c.seen, func(r health.Record) bool { return r.State == health.Up && r.Restarts >= c.runs })
	c.runs = r.Restarts
	for _, why := range []string{why, "killed by signal 6 (SIGABRT)", "exit status 0", "exit status 1"} {
		c.ends[why] = c.Count("the release ended: " + why)
	}
}

// fill leaves no byte on the data disk, while the VM ends and starts perhaps.
func (c *chaos) fill() {
	name := filepath.Join(c.store, "fill")
	f, err := os.Create(name)
	c.Must(err)
	defer os.Remove(name)
	defer f.Close()
	for _, size := range []int{1 << 16, 1} {
		for b := make([]byte, size); err == nil; {
			_, err = f.Write(b)
		}
		err = nil
	}
	c.perhapsKill()
}

// readOnly makes the data disk read-only for a while.
func (c *chaos) readOnly() {
	remount := func(how string) error {
		return exec.Command("nsenter", "-m", "-t", strconv.Itoa(c.PID()), "mount", "-o", "remount,bind,"+how, "/data").Run()
	}
	if remount("ro") != nil {
		return // somebody writes
	}
	defer func() { c.Must(remount("rw")) }()
	c.perhapsKill()
}

func (c *chaos) perhapsKill() {
	if c.rand.IntN(2) == 0 {
		c.killVM(unix.SIGKILL, "killed by signal 9 (SIGKILL)")
		c.settle()
	}
}

// flood sends PID 1 many of the signals that mean nothing to it.
func (c *chaos) flood() {
	for range 200 {
		for _, sig := range []unix.Signal{unix.SIGHUP, unix.SIGCHLD, unix.SIGQUIT, unix.SIGALRM, unix.SIGWINCH, unix.SIGCONT, unix.SIGURG, unix.SIGPIPE} {
			c.Signal(sig)
		}
	}
}

// limit is a control group with a limit of processes.
type limit struct{ dir, enter, back string }

// pidsGroup puts a process into a control group that has room for n processes more
// (kernel Documentation/admin-guide/cgroup-v1/pids.rst and cgroup-v2.rst).
func pidsGroup(pid, n int) (l limit, err error) {
	for _, top := range []string{"/sys/fs/cgroup/pids", "/sys/fs/cgroup"} {
		l = limit{dir: filepath.Join(top, fmt.Sprintf("beaminit-test-%d", pid))}
		l.enter, l.back = filepath.Join(l.dir, "cgroup.procs"), filepath.Join(top, "cgroup.procs")
		if _, err = os.Stat(l.back); err != nil {
			continue
		}
		os.WriteFile(filepath.Join(top, "cgroup.subtree_control"), []byte("+pids"), 0)
		if err = os.Mkdir(l.dir, 0o755); err != nil {
			continue
		}
		if err = os.WriteFile(filepath.Join(l.dir, "pids.max"), []byte(strconv.Itoa(n)), 0); err == nil {
			if err = os.WriteFile(l.enter, []byte(strconv.Itoa(pid)), 0); err == nil {
				return l, nil
			}
		}
		l.lift()
	}
	return l, err
}

// lift moves the processes out and removes the group.
func (l limit) lift() {
	for range 1000 {
		list, _ := os.ReadFile(l.enter)
		for _, pid := range strings.Fields(string(list)) {
			os.WriteFile(l.back, []byte(pid), 0)
		}
		if os.Remove(l.dir) == nil {
			return
		}
		time.Sleep(time.Millisecond)
	}
}
