package cli

import (
	"errors"
	"os"
	"strconv"
	"time"

	"github.com/beaminit/beaminit/boot/shutdown"
	"golang.org/x/sys/unix"
)

// The signals are those of BusyBox and erlinit, so that their reboot, poweroff
// and halt work on a beaminit node and ours on theirs.
func Reboot(args []string) int   { return ask(args, shutdown.Reboot, unix.SIGTERM) }
func Poweroff(args []string) int { return ask(args, shutdown.PowerOff, unix.SIGUSR2) }
func Halt(args []string) int     { return ask(args, shutdown.Halt, unix.SIGUSR1) }

// request is what the arguments of reboot, poweroff and halt say, in the words of
// BusyBox.
type request struct {
	force  bool // not through PID 1: reboot(2) at once
	noSync bool // and without a sync before
	delay  time.Duration
	param  string // of a reboot: for the firmware or boot loader
}

func ask(args []string, action shutdown.Action, sig unix.Signal) int {
	r, err := parseRequest(args[1:], action)
	if err != nil {
		os.Stderr.WriteString(action.String() + ": " + err.Error() + `
want nothing, or: -f (at once, not through PID 1: nothing is stopped or unmounted), -n (with -f:
no sync before), -d SEC (wait before); for reboot ARG (for the firmware or boot loader)
`)
		return exitUnable
	}
	time.Sleep(r.delay)
	if err := r.perform(action, sig); err != nil {
		os.Stderr.WriteString(action.String() + ": " + err.Error() + "\n")
		return exitFailed
	}
	return exitOK
}

func (r request) perform(action shutdown.Action, sig unix.Signal) error {
	if r.force {
		if !r.noSync {
			unix.Sync()
		}
		return os.NewSyscallError("reboot(2)", action.Call(r.param))
	}
	if r.param != "" {
		if err := shutdown.LeaveRebootParam(r.param); err != nil {
			return err
		}
	}
	return os.NewSyscallError(unix.SignalName(sig)+" to PID 1", unix.Kill(1, sig))
}

// parseRequest reads the arguments; what it does not know it refuses.
func parseRequest(args []string, action shutdown.Action) (r request, err error) {
	for len(args) > 0 {
		word := args[0]
		args = args[1:]
		if len(word) < 2 || word[0] != '-' {
			switch {
			case action != shutdown.Reboot:
				return r, errors.New("takes no argument " + strconv.Quote(word))
			case r.param != "":
				return r, errors.New("takes one argument, not " + strconv.Quote(word) + " too; want blanks within quotes")
			}
			if r.param = word; word == "" {
				return r, errors.New("the argument is empty")
			}
			if err := shutdown.CheckRebootParam(word); err != nil {
				return r, err
			}
			continue
		}
		for i := 1; i < len(word); i++ {
			switch word[i] {
			case 'f':
				r.force = true
			case 'n':
				r.noSync = true
			case 'd':
				value := word[i+1:]
				if value == "" && len(args) > 0 {
					value, args = args[0], args[1:]
				}
				n, err := strconv.ParseUint(value, 10, 31)
				if err != nil {
					return r, errors.New("-d " + strconv.Quote(value) + " is no number of seconds")
				}
				r.delay, i = time.Duration(n)*time.Second, len(word)
			case 'w':
				return r, errors.New("-w: there is no wtmp here to write")
			default:
				return r, errors.New("no option " + word)
			}
		}
	}
	if r.noSync && !r.force {
		return r, errors.New("-n without -f: PID 1 syncs in any case")
	}
	return r, nil
}
