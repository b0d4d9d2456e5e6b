package supervise

import (
	"errors"
	"os"
	"strconv"
	"time"

	"github.com/beaminit/beaminit/internal/proc"
	"github.com/beaminit/beaminit/supervise/launch"
	"github.com/beaminit/beaminit/supervise/policy"
	"golang.org/x/sys/unix"
)

// jobTable is what the loop knows of all jobs.
type jobTable struct {
	byName  map[string]*jobs
	answers chan jobAnswer
}

// jobs is what the loop knows of the jobs of one name.
type jobs struct {
	entry   *child
	files   Files
	answer  int         // the read end of its standard output, until somebody reads it
	current *jobRequest // what is under way; nil: nothing is, or nobody waits for it any more
	waiting []jobRequest
	empty   bool // its child gave no answer: how it ended is the reason
}

type jobAnswer struct {
	of   *jobs
	run  int // of its entry
	text []byte
}

// startJob has a job done; done is called on the loop's goroutine, now where it cannot even
// be begun.
func (l *Loop) startJob(a jobRequest) {
	j := l.jobs.byName[a.Name]
	if j == nil {
		j = l.addJob(a.Name)
	}
	switch {
	case j.current != nil || j.entry.state.PID != 0 && !j.entry.state.Killed:
		j.waiting = append(j.waiting, a)
	case j.entry.state.PID != 0: // SIGKILL has not ended it: there is no second to hang beside it
		a.done(nil, errors.New(a.Name+": the child that was to do it before (pid "+strconv.Itoa(j.entry.state.PID)+") still hangs"))
	default:
		l.beginJob(j, a)
	}
}

func (l *Loop) beginJob(j *jobs, a jobRequest) {
	j.current, j.entry.Policy.Deadline, j.empty = &a, a.Limit, false
	l.stepChild(j.entry, policy.ChildEvent{Kind: policy.ChildWanted, Wanted: true})
}

// addJob makes the entry of the table for a name.
func (l *Loop) addJob(name string) *jobs {
	j := &jobs{}
	j.entry = l.addChild(Child{
		Name: JobName + " " + name, Quiet: true, Local: true,
		Policy: policy.ChildPolicy{Restart: policy.Never, Linger: true, BackoffFirst: time.Second},
		Wanted: func(*policy.State) bool { return j.current != nil },
		Command: func() (cmd *launch.Command, err error) {
			cmd, j.files, j.answer, err = l.Jobs.child(&j.current.Job, l.output.write)
			return cmd, err
		},
		Files:   func() (Files, error) { return j.files, nil },
		Started: func(int) { go l.readAnswer(os.NewFile(uintptr(j.answer), name), j, j.entry.state.Runs) },
		Refused: func(err error) { l.jobDone(j, nil, err) },
		Late: func() {
			if j.current != nil {
				l.jobDone(j, nil, tooLateFor(&j.current.Job))
			}
			l.nextJob(j)
		},
		Ended: func(_ int, status unix.WaitStatus) { l.jobEnded(j, status) },
	})
	l.jobs.byName[name] = j
	return j
}

// readAnswer reads what a child answers, to the end. The runtime's poller waits for it, so
// no thread does.
func (l *Loop) readAnswer(f *os.File, j *jobs, run int) {
	defer func() { l.crashed(recover()) }()
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
	l.jobs.answers <- jobAnswer{j, run, text}
}

func (l *Loop) handleAnswer(a jobAnswer) {
	j := a.of
	switch {
	case j.current == nil || a.run != j.entry.state.Runs: // it was too late
	case len(a.text) > 0:
		l.jobDone(j, a.text, nil)
	case j.entry.state.PID == 0:
		l.jobDone(j, nil, errors.New(a.of.current.Name+": "+j.entry.how))
	default:
		j.empty = true
	}
}

func (l *Loop) jobEnded(j *jobs, status unix.WaitStatus) {
	if j.current != nil && j.empty {
		l.jobDone(j, nil, errors.New(j.current.Name+": "+proc.Describe(status)))
	}
	l.nextJob(j)
}

// jobDone tells who waits, and lets the next one begin.
func (l *Loop) jobDone(j *jobs, answer []byte, err error) {
	a := j.current
	if a == nil {
		return
	}
	j.current = nil
	l.stepChild(j.entry, policy.ChildEvent{Kind: policy.ChildWanted})
	a.done(answer, err)
	l.nextJob(j)
}

func (l *Loop) nextJob(j *jobs) {
	for len(j.waiting) > 0 && j.current == nil && (j.entry.state.PID == 0 || j.entry.state.Killed) {
		a := j.waiting[0]
		j.waiting = j.waiting[1:]
		l.startJob(a)
	}
}

// lastJobs gives what waits to be remembered the time to be, as long as there is a loop that
// has it done.
func (l *Loop) lastJobs() {
	flushed := make(chan struct{})
	go func() {
		l.History.Flush(lastJobsLimit)
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
		case a := <-l.Jobs.requests:
			l.startJob(a)
		case a := <-l.jobs.answers:
			l.handleAnswer(a)
		case sig := <-l.signals:
			l.signal(sig)
		}
	}
}

// lastJobsLimit is how long that may hold up the way down, which has more for it later.
const lastJobsLimit = time.Second
