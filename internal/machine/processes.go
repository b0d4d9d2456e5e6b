package machine

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// NoNetwork is a command line for machines that have no eth0 to wait for.
const NoNetwork = "hostname=node1 "

// InPIDs runs a program of the testing machine in the machine's pid namespace.
func (m *Machine) InPIDs(name string, args ...string) {
	m.T.Helper()
	args = append([]string{"-p", "-t", strconv.Itoa(m.PID()), name}, args...)
	if out, err := exec.Command("nsenter", args...).CombinedOutput(); err != nil {
		m.T.Fatalf("%v: %v %s", args, err, out)
	}
}

// zombies counts the dead children of PID 1 that were not collected.
func (m *Machine) zombies() (zombies int) {
	pid := strconv.Itoa(m.PID())
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range stats {
		text, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(text), ") ")
		if strings.HasPrefix(rest, "Z "+pid+" ") {
			zombies++
		}
	}
	return zombies
}

// WaitNoZombies looks until there are none.
func (m *Machine) WaitNoZombies() {
	m.T.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for m.zombies() > 0 {
		if time.Now().After(deadline) {
			m.T.Fatalf("%d zombies stay\n%s", m.zombies(), m.Tail())
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// StormScript makes n orphans: shells that end before their children.
func StormScript(n int) string {
	const each = 50
	return fmt.Sprintf(`i=0; while [ $i -lt %d ]; do sh -c '%s' & i=$((i+1)); done; wait`, n/each, strings.Repeat("true & ", each))
}

// Proc reads a file of a process.
func (m *Machine) Proc(pid int, name string) string {
	m.T.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
	m.Must(err)
	return string(text)
}

// Look reads one of a process that may have ended, as those of Below: nothing then.
func (m *Machine) Look(pid int, name string) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
	return string(text)
}

// StatusOf gives the fields of /proc/PID/status, none where it has ended, and limits those of /proc/PID/limits.
func (m *Machine) StatusOf(pid int) map[string]string {
	fields := map[string]string{}
	for _, l := range strings.Split(m.Look(pid, "status"), "\n") {
		name, value, _ := strings.Cut(l, ":")
		fields[name] = strings.Join(strings.Fields(value), " ")
	}
	return fields
}

func (m *Machine) LimitsOf(pid int) map[string]string {
	fields := map[string]string{}
	for _, l := range strings.Split(m.Proc(pid, "limits"), "\n")[1:] {
		if len(l) > 26 {
			fields[strings.TrimSpace(l[:26])] = strings.Join(strings.Fields(l[26:])[:2], " ")
		}
	}
	return fields
}

// ChildBounds is what a child of PID 1 is to have.
type ChildBounds struct {
	Comm    string // as the kernel cuts it
	UID     string
	Caps    string
	Seccomp string
	FDs     []string // what its descriptors may be, whichever number they have; with * at the end: begin with
}

// DescriptorsOf are what those of a process lead to, by number.
func DescriptorsOf(m *Machine, pid int) map[string]string {
	m.T.Helper()
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	list, err := os.ReadDir(dir)
	m.Must(err)
	fds := map[string]string{}
	for _, e := range list {
		if to, err := os.Readlink(filepath.Join(dir, e.Name())); err == nil {
			fds[e.Name()] = to
		}
	}
	return fds
}

// Check awaits a child and reads back what the kernel has of it.
func (b *ChildBounds) Check(m *Machine) {
	m.T.Helper()
	m.Eventually("child "+b.Comm, func() bool { return m.Has(b.Comm) != 0 })
	pid := m.Has(b.Comm)
	m.Eventually(b.Comm+" with its list of system calls", func() bool {
		return strings.Contains(m.Proc(pid, "status"), "\nSeccomp:\t"+b.Seccomp+"\n")
	})
	b.CheckProcess(m, pid)
}

// CheckProcess reads back what the kernel has of a child.
func (b *ChildBounds) CheckProcess(m *Machine, pid int) {
	m.T.Helper()
	b.CheckThreads(m, pid)
	wanted := map[string]string{"Max core file size": "0 0", "Max open files": "256 256", "Max data size": "268435456 268435456"}
	for name, want := range wanted {
		if got := m.LimitsOf(pid)[name]; got != want {
			m.T.Errorf("%s: %s is %q, want %q", b.Comm, name, got, want)
		}
	}
	b.CheckDescriptors(m, pid)
}

// CheckThreads reads back what the kernel has of each thread.
func (b *ChildBounds) CheckThreads(m *Machine, pid int) {
	m.T.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/[0-9]*", pid))
	m.Must(err)
	for _, task := range tasks {
		text, err := os.ReadFile(task + "/status")
		if err != nil {
			continue // it has ended
		}
		wanted := map[string]string{
			"Uid":    strings.Repeat(b.UID+"\t", 3) + b.UID,
			"CapBnd": b.Caps, "CapEff": b.Caps, "CapPrm": b.Caps, "NoNewPrivs": "1", "Seccomp": b.Seccomp,
		}
		for name, want := range wanted {
			if !strings.Contains(string(text), "\n"+name+":\t"+want+"\n") {
				m.T.Errorf("%s: %s: %s is not %q:\n%s", b.Comm, task, name, want, text)
			}
		}
	}
}

func (b *ChildBounds) CheckDescriptors(m *Machine, pid int) {
	m.T.Helper()
	for number, to := range DescriptorsOf(m, pid) {
		is := func(one string) bool { return to == one || strings.HasSuffix(one, ":") && strings.HasPrefix(to, one) }
		if !slices.ContainsFunc(b.FDs, is) {
			m.T.Errorf("%s: descriptor %s is %s, which is none of its own", b.Comm, number, to)
		}
	}
}

// NoDeniedCall: no child of a machine that is strict has made a system call that its list
// has not, which would have been its end.
func (m *Machine) NoDeniedCall() {
	m.T.Helper()
	if n := m.Count("SIGSYS"); n > 0 {
		m.T.Errorf("%d children ended by a system call that their list has not\n%s", n, m.Tail())
	}
}

// HasTTY looks at the session of the VM and at its terminal (proc(5), stat).
func (m *Machine) HasTTY(vm int, uid uint32) {
	m.T.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", vm))
	m.Must(err)
	_, rest, _ := strings.Cut(string(text), ") ")
	f := strings.Fields(rest) // state ppid pgrp session tty_nr tpgid
	var st unix.Stat_t
	m.Must(unix.Stat(fmt.Sprintf("/proc/%d/fd/0", vm), &st))
	if f[2] != f[3] || f[4] != strconv.FormatUint(uint64(st.Rdev), 10) || f[5] != f[2] {
		m.T.Errorf("pgrp, session, tty_nr, tpgid: %q; want a session that it leads, and its standard input, %d, for controlling tty",
			f[2:6], st.Rdev)
	}
	if st.Uid != uid {
		m.T.Errorf("the terminal belongs to %d, want %d", st.Uid, uid)
	}
}

// Below are the processes in the machine's pid namespace.
func (m *Machine) Below() (pids []int) {
	own, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", m.PID()))
	m.Must(err)
	names, err := os.ReadDir("/proc")
	m.Must(err)
	for _, e := range names {
		if ns, _ := os.Readlink("/proc/" + e.Name() + "/ns/pid"); ns == own {
			pid := 0
			fmt.Sscan(e.Name(), &pid)
			pids = append(pids, pid)
		}
	}
	return pids
}
