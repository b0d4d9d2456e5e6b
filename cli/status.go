package cli

import (
	"cmp"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/beaminit/beaminit/cluster/discovery"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/node"
	"github.com/beaminit/beaminit/supervise/cgroup"
	"github.com/beaminit/beaminit/supervise/control"
	"golang.org/x/sys/unix"
)

// Status prints the node's present state, as PID 1 tells it. Where PID 1 does not, it
// is the last health record in the kernel's log; with --key-file the last that is signed
// with that key. Exit status 0 where the node is up, 1 where it is not, 2 where nothing
// is known.
func Status(args []string) int {
	args, key, err := statusKey(args)
	if err != nil {
		return complain("status", err.Error())
	}
	a, status := begin(args, 0)
	if status != exitOK {
		return status
	}
	defer a.conn.Close()
	var r health.Record
	answer, err := a.conn.Ask(control.Status, "", answerWait)
	ok := err == nil && answer.Verdict == control.OK
	if ok {
		r, ok = health.Decode([]byte(answer.Text))
	}
	if !ok {
		why := answer.Text
		if err != nil {
			why = err.Error()
		}
		if r, err = lastRecord("/dev/kmsg", key); err != nil {
			a.fail(node.ControlPath + ": " + why)
			return a.unheard(err)
		}
		a.fail(node.ControlPath + ": " + why + "; this is the last record in the kernel's log:")
	}
	im := node.Running()
	os.Stdout.WriteString(statusText(r, answer.Version, uptime()))
	os.Stdout.WriteString(foundText(node.Found(&im), uptime()))
	os.Stdout.WriteString(loadText(cgroup.Pressures(), cgroup.Usages()))
	if r.State != health.Up {
		return exitFailed
	}
	return exitOK
}

// statusKey takes --key-file out of the arguments of status.
func statusKey(args []string) (rest []string, key health.Key, err error) {
	for i := 0; i < len(args); i++ {
		if name, _, _ := strings.Cut(args[i], "="); name != "--key-file" {
			rest = append(rest, args[i])
			continue
		}
		var path string
		if path, i, err = optionValue(args, i); err != nil {
			return nil, nil, err
		}
		if key, err = health.ReadKey(path); err != nil {
			return nil, nil, err
		}
	}
	return rest, key, nil
}

type noRecord struct{ path string }

func (e noRecord) Error() string {
	return "no health record in " + e.path + ": this is no node, or one whose log was overwritten since its last record"
}

// lastRecord reads the kernel's log to its end (kernel
// Documentation/ABI/testing/dev-kmsg): each read gives one line.
func lastRecord(path string, key health.Key) (last health.Record, err error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return last, &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	found := false
	buf := make([]byte, 8<<10)
	for {
		n, err := unix.Read(fd, buf)
		if err == unix.EPIPE || err == unix.EINTR { // overwritten while we read: go on behind it
			continue
		}
		if err != nil || n <= 0 {
			break
		}
		if r, ok := key.Find(buf[:n]); ok {
			last, found = r, true
		}
	}
	if !found {
		return last, noRecord{path}
	}
	return last, nil
}

// uptime is CLOCK_BOOTTIME, against which a record's age is told.
func uptime() time.Duration {
	var ts unix.Timespec
	unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts)
	return time.Duration(ts.Nano())
}

// bootText says how long each phase of the boot took: the first since the start of the
// kernel's clock, each other since the one before it.
func bootText(phases []health.Phase) string {
	text := ""
	last := time.Duration(0)
	for i, p := range phases {
		if i > 0 {
			text += ", "
		}
		text += p.Name
		sign := " "
		if i > 0 {
			sign = " +"
		}
		text += sign + strconv.FormatFloat((p.At-last).Seconds(), 'f', 2, 64)
		last = p.At
	}
	if len(phases) > 0 {
		text += ": " + strconv.FormatFloat(last.Seconds(), 'f', 2, 64) + " s"
	}
	return text
}

// missingText is for people: "eclero8 (refused) eclero10".
func missingText(missing []health.Missing) string {
	var list []string
	for _, m := range missing {
		if m.Reason != "" {
			m.Name += " (" + m.Reason + ")"
		}
		list = append(list, m.Name)
	}
	return strings.Join(list, " ")
}

// brakeText is for people: "eclero8 (next attempt in 32s)".
func brakeText(brakes []health.Brake) string {
	var list []string
	for _, b := range brakes {
		if !strings.HasPrefix(b.Name, "+") {
			b.Name += " (next attempt in " + b.Next.Round(time.Second).String() + ")"
		}
		list = append(list, b.Name)
	}
	return strings.Join(list, " ")
}

// loadText has a line for what the machine waits for, where the kernel counts that, and for what each
// cgroup takes.
func loadText(pressures string, groups []string) string {
	var b strings.Builder
	if pressures != "" {
		b.WriteString("pressure  " + pressures + "\n")
	}
	for _, g := range groups {
		b.WriteString("cgroup    " + g + "\n")
	}
	return b.String()
}

func slotText(r *health.Record) string {
	if r.Trial {
		return r.Slot + " (on trial, not confirmed yet)"
	}
	return r.Slot
}

// foundText has a line for each peer that was found.
func foundText(peers []discovery.Peer, now time.Duration) string {
	var b strings.Builder
	for _, line := range foundLines(peers, now) {
		b.WriteString("found     " + line + "\n")
	}
	return b.String()
}

// foundLines say who was found, by what, and how long ago.
func foundLines(peers []discovery.Peer, now time.Duration) (lines []string) {
	for i := range peers {
		lines = append(lines, peers[i].String()+", "+max(now-peers[i].Since, 0).Truncate(time.Second).String()+" ago")
	}
	return lines
}

func statusText(r health.Record, version string, now time.Duration) string {
	var b strings.Builder
	line := func(name, value string) {
		if value != "" {
			b.WriteString(name + strings.Repeat(" ", 10-len(name)) + value + "\n")
		}
	}
	line("node", r.Node)
	line("state", string(r.State))
	line("why", r.Why)
	if r.Next > 0 {
		line("next", "start in "+r.Next.String())
	}
	line("up", r.Up.Truncate(time.Second).String())
	if r.PID > 0 {
		line("pid", strconv.Itoa(r.PID))
	}
	line("restarts", strconv.Itoa(r.Restarts))
	connected := "?"
	if r.Connected >= 0 {
		connected = strconv.Itoa(r.Connected)
	}
	line("peers", connected+"/"+strconv.Itoa(r.Peers))
	line("missing", missingText(r.Missing))
	line("warn", strings.Join(r.Warn, " "))
	line("net", strings.Join(r.Net, " "))
	line("cut", strings.Join(r.Cut, " "))
	line("healed", strings.Join(r.Healed, " "))
	line("brake", brakeText(r.Brake))
	line("slot", slotText(&r))
	line("discovery", r.Discovery)
	if r.Mem > 0 {
		line("memory", strconv.FormatInt(r.Mem>>20, 10)+"M")
	}
	if r.Probe > 0 {
		line("probe", r.Probe.String())
	}
	line("clock", r.Clock)
	line("boot", bootText(r.Phases))
	line("omitted", strings.Join(r.Omitted, " "))
	line("init", cmp.Or(version, r.Version))
	if age := now - r.Up; age > 0 && version == "" {
		line("told", age.Truncate(time.Millisecond).String()+" ago")
	}
	return b.String()
}
