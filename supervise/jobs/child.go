package jobs

import (
	"errors"
	"os"
	"strconv"
	"time"

	"github.com/beaminit/beaminit/internal/proc"
	"github.com/beaminit/beaminit/supervise/children"
	"github.com/beaminit/beaminit/supervise/launch"
	"github.com/beaminit/beaminit/supervise/policy"
	"golang.org/x/sys/unix"
)

// queue is the jobs of one name, and the entry of the table that does them.
type queue struct {
	entry   *children.Entry
	files   children.Files
	answer  int      // the read end of its standard output, until somebody reads it
	current *Request // what is under way; nil: nothing is, or nobody waits for it any more
	waiting []Request
	empty   bool // its child gave no answer: how it ended is the reason
}

// Answer is what a child answered.
type Answer struct {
	of   *queue
	run  int // of its entry
	text []byte
}

// Start has a job done; done is called on the loop's goroutine, now where it cannot even
// be begun.
func (j *Jobs) Start(a Request) {
	q := j.byName[a.Name]
	if q == nil {
		q = j.add(a.Name)
	}
	switch {
	case q.current != nil || q.entry.State.PID != 0 && !q.entry.State.Killed:
		q.waiting = append(q.waiting, a)
	case q.entry.State.PID != 0: // SIGKILL has not ended it: there is no second to hang beside it
		a.done(nil, errors.New(a.Name+": the child that was to do it before (pid "+strconv.Itoa(q.entry.State.PID)+") still hangs"))
	default:
		j.begin(q, a)
	}
}

// begin has it done by a child now.
func (j *Jobs) begin(q *queue, a Request) {
	q.current, q.entry.Policy.Deadline, q.empty = &a, a.Limit, false
	j.table.Step(q.entry, policy.ChildEvent{Kind: policy.ChildWanted, Wanted: true})
}

// add makes the entry of the table for a name.
func (j *Jobs) add(name string) *queue {
	q := &queue{}
	q.entry = j.table.Add(children.Child{
		Name: Name + " " + name, Quiet: true, Local: true,
		Policy: policy.ChildPolicy{Restart: policy.Never, Linger: true, BackoffFirst: time.Second},
		Wanted: func(*policy.State) bool { return q.current != nil },
		Command: func() (cmd *launch.Command, err error) {
			cmd, q.files, q.answer, err = j.child(&q.current.Job, j.table.Says)
			return cmd, err
		},
		Files:   func() (children.Files, error) { return q.files, nil },
		Started: func(int) { go j.readAnswer(os.NewFile(uintptr(q.answer), name), q, q.entry.State.Runs) },
		Refused: func(err error) { j.done(q, nil, err) },
		Late: func() {
			if q.current != nil {
				j.done(q, nil, tooLateFor(&q.current.Job))
			}
			j.next(q)
		},
		Ended: func(_ int, status unix.WaitStatus) { j.ended(q, status) },
	})
	j.byName[name] = q
	return q
}

// readAnswer reads what a child answers, to the end. The runtime's poller waits for it, so
// no thread does.
func (j *Jobs) readAnswer(f *os.File, q *queue, run int) {
	defer j.table.Guard()
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
	j.answers <- Answer{q, run, text}
}

// Take deals with an answer.
func (j *Jobs) Take(a Answer) {
	q := a.of
	switch {
	case q.current == nil || a.run != q.entry.State.Runs: // it was too late
	case len(a.text) > 0:
		j.done(q, a.text, nil)
	case q.entry.State.PID == 0:
		j.done(q, nil, errors.New(q.current.Name+": "+q.entry.How))
	default:
		q.empty = true
	}
}

// ended is for one whose child has ended: it answered, or that is why it did not.
func (j *Jobs) ended(q *queue, status unix.WaitStatus) {
	if q.current != nil && q.empty {
		j.done(q, nil, errors.New(q.current.Name+": "+proc.Describe(status)))
	}
	j.next(q)
}

// done tells who waits, and lets the next one begin.
func (j *Jobs) done(q *queue, answer []byte, err error) {
	a := q.current
	if a == nil {
		return
	}
	q.current = nil
	j.table.Step(q.entry, policy.ChildEvent{Kind: policy.ChildWanted})
	a.done(answer, err)
	j.next(q)
}

// next begins what waits, where its turn has come.
func (j *Jobs) next(q *queue) {
	for len(q.waiting) > 0 && q.current == nil && (q.entry.State.PID == 0 || q.entry.State.Killed) {
		a := q.waiting[0]
		q.waiting = q.waiting[1:]
		j.Start(a)
	}
}
