package supervise

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"github.com/beaminit/beaminit/internal/fault"
	"github.com/beaminit/beaminit/internal/proc"
	"github.com/beaminit/beaminit/supervise/launch"
	"golang.org/x/sys/unix"
)

// JobName is the name under which this program does a Job.
const JobName = "beaminit-job"

// Job is work on files that a disk, a network or the release's user can make wait. PID 1
// does none of that: a child does, this same program as JobName. It is given the order on
// its standard input and writes the answer to its standard output, both JSON, and is gone;
// where the disk hangs, it is the child that hangs with it.
type Job struct {
	Name  string        // which work; of one name there is one at a time, and the next one waits
	Order any           // for encoding/json
	Limit time.Duration // then it is killed, and what waits for it goes on without
}

// maxAnswer bounds an answer, in bytes.
const maxAnswer = 4 << 20

// Jobs has jobs done: as children of the loop's table, and by itself where there is no
// loop, before and after it.
type Jobs struct {
	requests chan jobRequest
	over     chan struct{} // closed: there is no loop any more
	end      sync.Once

	begin  func(jobRequest)         // of the loop
	bounds func(*Job) launch.Bounds // what the child of a job may do
}

// End says that there is no loop any more, or never was one: who has a job done now waits
// for it himself.
func (j *Jobs) End() { j.end.Do(func() { close(j.over) }) }

// NewJobs is for one boot; bounds says what the child that does a job may do.
func NewJobs(bounds func(*Job) launch.Bounds) *Jobs {
	return &Jobs{requests: make(chan jobRequest), over: make(chan struct{}), bounds: bounds}
}

type jobRequest struct {
	Job
	done func(answer []byte, err error)
}

// errOver is the error of a job that was under way when the loop ended.
var errOver = errors.New("the node goes down")

// Do has the job done by the loop, for a goroutine that is not the loop's own, which waits.
func (j *Jobs) Do(job Job, into any) error {
	got := make(chan error, 1)
	ask := jobRequest{job, func(answer []byte, err error) { got <- unmarshal(job.Name, answer, err, into) }}
	select {
	case j.requests <- ask:
	case <-j.over:
		return j.DoNow(job, into, nil)
	}
	select {
	case err := <-got:
		return err
	case <-j.over:
		return errOver
	}
}

// Begin has a job done, on the loop's own goroutine, where done is called too, now or later.
func (j *Jobs) Begin(job Job, into any, done func(error)) {
	j.begin(jobRequest{job, func(answer []byte, err error) { done(unmarshal(job.Name, answer, err, into)) }})
}

func unmarshal(name string, answer []byte, err error, into any) error {
	if err == nil {
		if err = json.Unmarshal(answer, into); err != nil {
			err = errors.New(name + ": no answer that can be read: " + err.Error())
		}
	}
	return err
}

// tooLateFor is the error of a job that took too long.
func tooLateFor(job *Job) error {
	return errors.New(job.Name + ": not done within " + job.Limit.String() + " (a disk or a network that hangs?); going on without it")
}

// child is how such a child is started, and the read end of its standard output, which does
// not block. says is where it says what it could not do.
func (j *Jobs) child(job *Job, says int) (cmd *launch.Command, f Files, answer int, err error) {
	text, err := json.Marshal(job.Order)
	if err != nil {
		return nil, f, -1, err
	}
	order, err := document(JobName, text)
	if err != nil {
		return nil, f, -1, err
	}
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		unix.Close(order)
		return nil, f, -1, err
	}
	unix.SetNonblock(p[0], true)
	f = Files{Child: []int{order, p[1], says}, CloseChild: []int{order, p[1]}, CloseOwn: []int{p[0]}}
	return &launch.Command{Path: "/proc/self/exe", Argv: []string{JobName, job.Name}, Env: []string{}, Dir: "/", Bounds: j.bounds(job)}, f, p[0], nil
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
	closeAll(files.CloseChild)
	if err != nil {
		return err
	}
	var answer []byte
	buf := make([]byte, 8<<10)
	for end := now() + job.Limit; ; {
		n, err := unix.Read(out, buf)
		switch {
		case n > 0:
			answer = append(answer, buf[:n]...)
		case n == 0 && err == nil:
			unix.Wait4(pid, nil, unix.WNOHANG, nil) // else whoever collects orphans does
			return unmarshal(job.Name, answer, nil, into)
		}
		if now() >= end || len(answer) > maxAnswer {
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

// JobMain is that program: args are JobName and the name of the job, work does it. Its
// answer is whole as soon as its standard output is closed, though a thread of it may hang.
func JobMain(args []string, work func(name string, order []byte) (answer any, err error)) int {
	proc.SetName(JobName)
	complain := func(text string) int {
		os.Stderr.WriteString(JobName + ": " + text + "\n")
		return 2
	}
	if len(args) != 2 {
		return complain("is for PID 1 to call")
	}
	order, err := io.ReadAll(os.Stdin)
	if err != nil {
		return complain(args[1] + ": " + err.Error())
	}
	fault.At("job-" + args[1])
	answer, err := work(args[1], order)
	if err != nil {
		return complain(args[1] + ": " + err.Error())
	}
	text, err := json.Marshal(answer)
	if err != nil {
		return complain(args[1] + ": " + err.Error())
	}
	os.Stdout.Write(text)
	os.Stdout.Close()
	return 0
}
