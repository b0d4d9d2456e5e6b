package lab

import (
	"os/exec"
	"runtime"
	"syscall"
)

// spawner starts the machines. They must not outlive this process, whatever ends it,
// so each is killed by the kernel when its parent dies (PR_SET_PDEATHSIG, prctl(2)).
// The parent in that sense is the thread that forked, and Go's threads come and go:
// so one thread starts them all, and stays until close.
type spawner struct {
	jobs chan spawnJob
}

type spawnJob struct {
	cmd  *exec.Cmd
	done chan error
}

func newSpawner() *spawner {
	s := &spawner{jobs: make(chan spawnJob)}
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		for j := range s.jobs {
			j.done <- j.cmd.Start()
		}
	}()
	return s
}

// start starts cmd as a child that dies with this process, in a process group of its
// own: a Ctrl-C at the terminal is for the lab, not for the machines.
func (s *spawner) start(cmd *exec.Cmd) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig, cmd.SysProcAttr.Setpgid = syscall.SIGKILL, true
	j := spawnJob{cmd, make(chan error, 1)}
	s.jobs <- j
	return <-j.done
}

// close ends the thread; what it started and still runs is killed by that.
func (s *spawner) close() { close(s.jobs) }
