package jobs

import (
	"encoding/json"
	"time"

	"github.com/beaminit/beaminit/internal/clock"
	"github.com/beaminit/beaminit/internal/files"
	"github.com/beaminit/beaminit/supervise/children"
	"github.com/beaminit/beaminit/supervise/launch"
	"golang.org/x/sys/unix"
)

// child is how such a child is started, and the read end of its standard output, which does
// not block. says is where it says what it could not do.
func (j *Jobs) child(job *Job, says int) (cmd *launch.Command, f children.Files, answer int, err error) {
	text, err := json.Marshal(job.Order)
	if err != nil {
		return nil, f, -1, err
	}
	order, err := files.InMemory(Name, text)
	if err != nil {
		return nil, f, -1, err
	}
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		unix.Close(order)
		return nil, f, -1, err
	}
	unix.SetNonblock(p[0], true)
	f = children.Files{Child: []int{order, p[1], says}, CloseChild: []int{order, p[1]}, CloseOwn: []int{p[0]}}
	cmd = &launch.Command{Path: "/proc/self/exe", Argv: []string{Name, job.Name}, Env: []string{}, Dir: "/", Bounds: j.bounds(job)}
	return cmd, f, p[0], nil
}

// DoNow does a job before or after the loop, when nobody else waits for children. idle is
// called every few milliseconds meanwhile; nil: it is not.
func (j *Jobs) DoNow(job Job, into any, idle func()) error {
	null, _ := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	defer unix.Close(null)
	cmd, files, out, err := j.child(&job, null)
	if err != nil {
		return err
	}
	defer unix.Close(out)
	pid, err := cmd.Spawn(null, files.Child...)
	children.CloseAll(files.CloseChild)
	if err != nil {
		return err
	}
	var answer []byte
	buf := make([]byte, 8<<10)
	for end := clock.Monotonic() + job.Limit; ; {
		n, err := unix.Read(out, buf)
		switch {
		case n > 0:
			answer = append(answer, buf[:n]...)
		case n == 0 && err == nil:
			unix.Wait4(pid, nil, unix.WNOHANG, nil) // else whoever collects orphans does
			return unmarshal(job.Name, answer, nil, into)
		}
		if clock.Monotonic() >= end || len(answer) > maxAnswer {
			unix.Kill(pid, unix.SIGKILL)
			return tooLateFor(&job)
		}
		if idle != nil {
			idle()
		}
		if n <= 0 {
			unix.Poll([]unix.PollFd{{Fd: int32(out), Events: unix.POLLIN}}, int(jobPoll/time.Millisecond))
		}
	}
}

const jobPoll = 20 * time.Millisecond
