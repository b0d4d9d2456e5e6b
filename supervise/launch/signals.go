package launch

import (
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// signalsBlocked says whether this program was started with its signals blocked, as
// SIGUSR1 shows: the Go runtime hands the mask of its start on to all its threads, and to
// all that they start, but for the signals that end a program (runtime.blockableSig).
func signalsBlocked() bool {
	var now unix.Sigset_t
	if unix.PthreadSigmask(unix.SIG_BLOCK, nil, &now) != nil {
		return false
	}
	return now.Val[0]&(1<<(unix.SIGUSR1-1)) != 0
}

// BlockSignals blocks all signals in this thread, for the program that is executed in
// it; undo is for the case that there is none.
func BlockSignals() (undo func()) {
	runtime.LockOSThread()
	var all, old unix.Sigset_t
	for i := range all.Val {
		all.Val[i]--
	}
	unix.PthreadSigmask(unix.SIG_SETMASK, &all, &old)
	return func() {
		unix.PthreadSigmask(unix.SIG_SETMASK, &old, nil)
		runtime.UnlockOSThread()
	}
}

// unblockSignals begins this program anew with no signal blocked, where it was started so
// by a PID 1 that was: only so none of its threads and children blocks them.
func unblockSignals() error {
	if !signalsBlocked() {
		return nil
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &unix.Sigset_t{}, nil); err != nil {
		return err
	}
	return unix.Exec(self, os.Args, os.Environ())
}
