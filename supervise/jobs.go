package supervise

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/beaminit/beaminit/internal/fault"
	"github.com/beaminit/beaminit/internal/proc"
	"github.com/beaminit/beaminit/supervise/launch"
	"github.com/beaminit/beaminit/supervise/policy"
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
	asks chan jobAsk
	over chan struct{} // closed: there is no loop any more
	end  sync.Once

	begin  func(jobAsk)             // of the loop
	bounds func(*Job) launch.Bounds // what the child of a job may do
}

// End says that there is no loop any more, or never was one: who has a job done now waits
// for it himself.
func (j *Jobs) End() { j.end.Do(func() { close(j.over) }) }

// NewJobs is for one boot; bounds says what the child that does a job may do.
func NewJobs(bounds func(*Job) launch.Bounds) *Jobs {
	return &Jobs{asks: make(chan jobAsk), over: make(chan struct{}), bounds: bounds}
}

type jobAsk struct {
	Job
	done func(answer []byte, err error)
}

// errOver is the error of a job that was under way when the loop ended.
var errOver = errors.New("the node goes down")

// Do has the job done by the loop, for a goroutine that is not the loop's own, which waits.
func (j *Jobs) Do(job Job, into any) error {
	got := make(chan error, 1)
	ask := jobAsk{job, func(answer []byte, err error) { got <- unmarshal(job.Name, answer, err, into) }}
	select {
	case j.asks <- ask:
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
	j.begin(jobAsk{job, func(answer []byte, err error) { done(unmarshal(job.Name, answer, err, into)) }})
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

// jobs is what the loop knows of the jobs of one name.
type jobs struct {
	entry  *child
	files  Files
	answer int     // the read end of its standard output, until somebody reads it
	now    *jobAsk // what is under way; nil: nothing is, or nobody waits for it any more
	next   []jobAsk
	empty  bool // its child gave no answer: how it ended is the reason
}

type jobAnswer struct {
	of   *jobs
	run  int // of its entry
	text []byte
}

// startJob has a job done; done is called on the loop's goroutine, now where it cannot even
// be begun.
func (l *Loop) startJob(a jobAsk) {
	j := l.jobs[a.Name]
	if j == nil {
		j = l.addJob(a.Name)
	}
	switch {
	case j.now != nil || j.entry.state.PID != 0 && !j.entry.state.Killed:
		j.next = append(j.next, a)
	case j.entry.state.PID != 0: // SIGKILL has not ended it: there is no second to hang beside it
		a.done(nil, errors.New(a.Name+": the child that was to do it before (pid "+strconv.Itoa(j.entry.state.PID)+") still hangs"))
	default:
		l.beginJob(j, a)
	}
}

func (l *Loop) beginJob(j *jobs, a jobAsk) {
	j.now, j.entry.Policy.Deadline, j.empty = &a, a.Limit, false
	l.stepChild(j.entry, policy.ChildEvent{Kind: policy.ChildWanted, Wanted: true})
}

// addJob makes the entry of the table for a name.
func (l *Loop) addJob(name string) *jobs {
	j := &jobs{}
	j.entry = l.addChild(Child{
		Name: JobName + " " + name, Quiet: true, Local: true,
		Policy: policy.ChildPolicy{Restart: policy.Never, Linger: true, BackoffFirst: time.Second},
		Wanted: func(*policy.State) bool { return j.now != nil },
		Command: func() (cmd *launch.Command, err error) {
			cmd, j.files, j.answer, err = l.Jobs.child(&j.now.Job, l.output)
			return cmd, err
		},
		Files:   func() (Files, error) { return j.files, nil },
		Started: func(int) { go l.readAnswer(os.NewFile(uintptr(j.answer), name), j, j.entry.state.Runs) },
		Refused: func(err error) { l.jobDone(j, nil, err) },
		Late: func() {
			if j.now != nil {
				l.jobDone(j, nil, tooLateFor(&j.now.Job))
			}
			l.nextJob(j)
		},
		Ended: func(_ int, status unix.WaitStatus) { l.jobEnded(j, status) },
	})
	if l.jobs == nil {
		l.jobs = map[string]*jobs{}
	}
	l.jobs[name] = j
	return j
}

// readAnswer reads what a child answers, to the end. The runtime's poller waits for it, so
// no thread does.
func (l *Loop) readAnswer(f *os.File, j *jobs, run int) {
	defer func() { l.fell(recover()) }()
	defer f.Close()
	text := []byte{}
	buf := make([]byte, 8<<10)
	for len(text) <= maxAnswer {
		n, err := f.Read(buf)
		text = append(text, buf[:max(n, 0)]...)
		if err != nil {
			break
		}
	}
	l.answers <- jobAnswer{j, run, text}
}

func (l *Loop) answered(a jobAnswer) {
	j := a.of
	switch {
	case j.now == nil || a.run != j.entry.state.Runs: // it was too late
	case len(a.text) > 0:
		l.jobDone(j, a.text, nil)
	case j.entry.state.PID == 0:
		l.jobDone(j, nil, errors.New(a.of.now.Name+": "+j.entry.how))
	default:
		j.empty = true
	}
}

func (l *Loop) jobEnded(j *jobs, status unix.WaitStatus) {
	if j.now != nil && j.empty {
		l.jobDone(j, nil, errors.New(j.now.Name+": "+proc.Describe(status)))
	}
	l.nextJob(j)
}

// jobDone tells who waits, and lets the next one begin.
func (l *Loop) jobDone(j *jobs, answer []byte, err error) {
	a := j.now
	if a == nil {
		return
	}
	j.now = nil
	l.stepChild(j.entry, policy.ChildEvent{Kind: policy.ChildWanted})
	a.done(answer, err)
	l.nextJob(j)
}

func (l *Loop) nextJob(j *jobs) {
	for len(j.next) > 0 && j.now == nil && (j.entry.state.PID == 0 || j.entry.state.Killed) {
		a := j.next[0]
		j.next = j.next[1:]
		l.startJob(a)
	}
}

// lastJobs gives what waits to be remembered the time to be, as long as there is a loop that
// has it done.
func (l *Loop) lastJobs() {
	flushed := make(chan struct{})
	go func() {
		l.flushHistory(lastJobsLimit)
		close(flushed)
	}()
	late := time.NewTimer(lastJobsLimit)
	defer late.Stop()
	for {
		select {
		case <-flushed:
			return
		case <-late.C:
			return
		case a := <-l.Jobs.asks:
			l.startJob(a)
		case a := <-l.answers:
			l.answered(a)
		case sig := <-l.signals:
			l.signal(sig)
		}
	}
}

// lastJobsLimit is how long that may hold up the way down, which has more for it later.
const lastJobsLimit = time.Second

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
