package cli

import (
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/supervise/control"
	"golang.org/x/sys/unix"
)

// reexecWait is how long the program in PID 1's place may take until it answers.
const reexecWait = 10 * time.Second

// Reexec asks PID 1 to execute another program in its place, after that has shown that
// it runs on this machine and is a beaminit.
func Reexec(args []string) int {
	c, status := begin(args, 1)
	if status != exitOK {
		return status
	}
	defer c.conn.Close()
	program := "/sbin/init"
	if len(args) > 1 {
		program = args[1]
	}
	program, err := filepath.Abs(program)
	if err != nil {
		return c.fail("the current directory: " + err.Error())
	}
	before, err := c.conn.Ask(control.Status, "", answerWait)
	if err != nil {
		return c.unheard(err)
	}
	if why := notBeaminit(program); why != "" {
		return c.fail(why + "; PID 1 goes on as it is")
	}
	return c.reexec(program, before)
}

// reexec sends the command. There is an answer only where it failed: else the program that
// would answer is not there any more, and PID 1 tells another incarnation.
func (c *client) reexec(program string, before control.Answer) int {
	other, status := begin([]string{c.command}, 0)
	if status != exitOK {
		return status
	}
	failed := make(chan string, 1)
	go func() {
		if answer, err := other.conn.Ask(control.Reexec, program, reexecWait); err == nil {
			failed <- answer.Text
		}
	}()
	for time.Since(c.begun) < reexecWait {
		select {
		case why := <-failed:
			return c.fail(why)
		case <-time.After(20 * time.Millisecond):
		}
		after, err := c.conn.Ask(control.Status, "", answerWait)
		if err == nil && after.Incarnation != before.Incarnation {
			r, _ := health.Decode([]byte(after.Text))
			say("PID 1 was beaminit " + before.Version + " and is beaminit " + after.Version + " after " + c.took())
			goesOn := "the node goes on: state=" + string(r.State)
			if r.PID > 0 {
				goesOn += " pid=" + strconv.Itoa(r.PID)
			}
			say(goesOn)
			return exitOK
		}
	}
	return c.fail("no other PID 1 answers after " + c.took() + "; look with beaminit status")
}

// notBeaminit runs "PROGRAM version" and says what is wrong with it, if anything is.
func notBeaminit(program string) string {
	var out [2]int
	if err := unix.Pipe2(out[:], unix.O_CLOEXEC); err != nil {
		return "pipe: " + err.Error()
	}
	defer unix.Close(out[0])
	files := []uintptr{0, uintptr(out[1]), 2}
	pid, err := syscall.ForkExec(program, []string{"beaminit", "version"}, &syscall.ProcAttr{Files: files})
	unix.Close(out[1])
	if err != nil {
		return program + ": cannot be executed: " + err.Error()
	}
	defer unix.Wait4(pid, nil, 0, nil)
	defer unix.Kill(pid, unix.SIGKILL)
	var text [64]byte
	fds := [1]unix.PollFd{{Fd: int32(out[0]), Events: unix.POLLIN}}
	n := 0
	if ready, _ := unix.Poll(fds[:], int(answerWait/time.Millisecond)); ready > 0 {
		n, _ = unix.Read(out[0], text[:])
	}
	const sign = "beaminit "
	if n < len(sign) || string(text[:len(sign)]) != sign {
		return program + ": no beaminit: it does not tell a version"
	}
	return ""
}
