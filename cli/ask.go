// Package cli is what a person types: plan and check look at an image with the functions of
// a boot; status, restart, stop, rescue and reexec ask PID 1 by its control socket; remote
// and rpc go to the release; history reads what is remembered; reboot, poweroff and halt
// send PID 1 a signal. Each gives the exit status of the process: 0, or why not.
package cli

import (
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/node"
	"github.com/beaminit/beaminit/supervise/control"
)

// answerWait is how long an answer of PID 1 is waited for.
const answerWait = 2 * time.Second

// The exit statuses of the commands.
const (
	exitOK     = iota
	exitFailed // PID 1 or the release was asked, and what was asked for is not so
	exitUnable // it could not be asked, or the arguments are wrong
)

// client is a command on its way to PID 1 and back.
type client struct {
	command string
	conn    *control.Conn
	begun   time.Time
}

// Restart is beaminit restart; Stop and Rescue are those of these names. They give the exit status.
func Restart(args []string) int { return change(args, "restarted") }
func Stop(args []string) int    { return change(args, "stopped") }
func Rescue(args []string) int  { return change(args, "in rescue") }

// change asks for another state of the release, waits for it and says what came of it.
func change(args []string, word string) int {
	c, status := begin(args, 0)
	if status != exitOK {
		return status
	}
	defer c.conn.Close()
	r, status := c.ask(c.command)
	if status == exitOK {
		r, status = c.settled(r)
	}
	if status != exitOK {
		return status
	}
	took := c.took()
	runs := r.PID > 0 && (r.State == health.Starting || r.State == health.Up || r.State == health.Degraded || r.State == health.Hung)
	switch {
	case word == "restarted" && runs:
		say("restarted: pid " + strconv.Itoa(r.PID) + " after " + took)
		return exitOK
	case word != "restarted" && r.State == health.Rescue && r.PID == 0:
		say(word + " after " + took + "; beaminit restart starts the release again")
		return exitOK
	}
	text := "not " + word + ": state=" + string(r.State)
	if r.Why != "" {
		text += ", " + r.Why
	}
	if r.Next > 0 {
		text += "; next start in " + r.Next.String()
	}
	return c.fail(text)
}

// begin makes ready for the command of args, which takes at most so many arguments.
func begin(args []string, most int) (c *client, status int) {
	c = &client{command: args[0], begun: time.Now()}
	if len(args) > 1+most {
		return c, complain(args[0], "too many arguments: "+args[1+most])
	}
	var err error
	if c.conn, err = control.Dial(node.ControlPath); err != nil {
		return c, c.unheard(err)
	}
	return c, exitOK
}

// ask gives the record in PID 1's answer.
func (c *client) ask(command string) (r health.Record, status int) {
	answer, err := c.conn.Ask(command, "", answerWait)
	if err != nil {
		return r, c.unheard(err)
	}
	if answer.Verdict != control.OK {
		return r, c.fail(answer.Text)
	}
	r, ok := health.Decode([]byte(answer.Text))
	if !ok {
		return r, c.fail("PID 1 says something strange: " + answer.Text)
	}
	return r, exitOK
}

// settled waits until the release is not being stopped any more, nor made ready for its
// start. PID 1 has limits for that (supervise.stop_timeout is one), so there is none here.
func (c *client) settled(r health.Record) (health.Record, int) {
	pause := 2 * time.Millisecond
	for r.State == health.Stopping || r.State == health.Starting && r.PID == 0 || beforeStart(r) {
		time.Sleep(pause)
		pause = min(2*pause, 50*time.Millisecond)
		var status int
		if r, status = c.ask(control.Status); status != exitOK {
			return r, status
		}
	}
	return r, exitOK
}

// beforeStart says that the release has ended because it was to be restarted, and nobody has
// tried to start it yet: PID 1 may be executed anew between.
func beforeStart(r health.Record) bool {
	return r.State == health.Down && r.Next > 0 && strings.HasPrefix(r.Why, "restart asked for by ")
}

func (c *client) took() string {
	return strconv.FormatFloat(time.Since(c.begun).Seconds(), 'f', 2, 64) + " s"
}

// fail says why what was asked for is not so.
func (c *client) fail(why string) int {
	complain(c.command, why)
	return exitFailed
}

// unheard says why PID 1 could not be asked.
func (c *client) unheard(err error) int {
	return complain(c.command, node.ControlPath+": "+err.Error())
}

func say(line string) { os.Stdout.WriteString(line + "\n") }
