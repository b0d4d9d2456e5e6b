package main

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/beaminit/beaminit/supervise"
	"golang.org/x/sys/unix"
)

// beforeName is the name by which PID 1 starts its own binary where something has to be
// run before the release: it runs it, waits for it, and then becomes the release. So
// PID 1 waits for nothing, and the release has the same process in the end.
const beforeName = "beaminit-before"

// beforeLimit is how long each of those programs may take.
const beforeLimit = 30 * time.Second

// precede puts what is to be run before a start in front of it: release.run_on_exit
// where the release ended without being asked to, and release.pre_run. They run as
// root; only then the release's user is taken on.
func precede(p supervise.Program, programs ...[]string) supervise.Program {
	args := []string{beforeName, "root"}
	if u := p.User; u != nil {
		args[1] = ids(u.Uid, u.Gid, u.Groups)
	}
	n := 0
	for _, program := range programs {
		if len(program) > 0 {
			n++
			args = append(append(args, strconv.Itoa(len(program))), program...)
		}
	}
	if n == 0 {
		return p
	}
	args = append(append(args, "0", p.Path), p.Argv...)
	return supervise.Program{Path: "/proc/self/exe", Argv: args, Env: p.Env, Dir: p.Dir}
}

func ids(uid, gid uint32, groups []uint32) string {
	s := strconv.FormatUint(uint64(uid), 10) + ":" + strconv.FormatUint(uint64(gid), 10)
	for _, g := range groups {
		s += ":" + strconv.FormatUint(uint64(g), 10)
	}
	return s
}

// before is that process. What it and the programs say goes where the release's output
// goes.
func before(args []string) int {
	runtime.LockOSThread() // PR_SET_NO_NEW_PRIVS is a thread's
	user, rest := args[1], args[2:]
	for len(rest) > 1 {
		n, err := strconv.Atoi(rest[0])
		if err != nil || n < 0 || n >= len(rest) {
			return complain("not called by PID 1")
		}
		if rest = rest[1:]; n == 0 {
			break
		}
		runBefore(rest[:n])
		rest = rest[n:]
	}
	if len(rest) < 2 {
		return complain("not called by PID 1")
	}
	if err := becomeUser(user); err != "" {
		return complain(err) // never as root in its place
	}
	err := unix.Exec(rest[0], rest[1:], os.Environ())
	return complain("exec " + rest[0] + ": " + err.Error())
}

func complain(what string) int {
	os.Stderr.WriteString("beaminit: " + what + "\n")
	return 127
}

// runBefore runs one program, in a session of its own so that what it leaves running,
// such as a daemon, does not end with the release.
func runBefore(argv []string) {
	pid, err := syscall.ForkExec(argv[0], argv, &syscall.ProcAttr{
		Env: os.Environ(), Files: []uintptr{0, 1, 2}, Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		complain("exec " + argv[0] + ": " + err.Error() + "; going on without it")
		return
	}
	late := time.AfterFunc(beforeLimit, func() {
		complain(argv[0] + ": not done within " + beforeLimit.String() + ", killed; going on without it")
		unix.Kill(-pid, unix.SIGKILL)
	})
	var status unix.WaitStatus
	for {
		done, err := unix.Wait4(pid, &status, 0, nil)
		if err == unix.EINTR {
			continue
		}
		if late.Stop() && done == pid && status != 0 {
			complain(argv[0] + ": " + supervise.Describe(status) + "; going on")
		}
		return
	}
}

// becomeUser takes on the release's user for good.
func becomeUser(user string) (problem string) {
	if user == "root" {
		return ""
	}
	var id []int
	for _, f := range strings.Split(user, ":") {
		n, err := strconv.ParseUint(f, 10, 32)
		if err != nil {
			return "not called by PID 1"
		}
		id = append(id, int(n))
	}
	if len(id) < 3 {
		return "not called by PID 1"
	}
	unix.Fchown(1, id[0], id[1]) // /dev/stdout can be opened by its own user only
	for _, err := range [...]error{
		syscall.Setgroups(id[2:]), syscall.Setgid(id[1]), syscall.Setuid(id[0]),
		unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
	} {
		if err != nil {
			return "cannot become user " + strconv.Itoa(id[0]) + ": " + err.Error()
		}
	}
	return ""
}
