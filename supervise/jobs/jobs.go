// Package jobs is work that PID 1 does not do itself, because a disk, a network or the release's
// user can make it wait: a child of the table does it, this same program, and is killed where it
// takes too long.
package jobs

import (
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/beaminit/beaminit/supervise/children"
	"github.com/beaminit/beaminit/supervise/launch"
)

// Name is the name under which this program does a Job.
const Name = "beaminit-job"

// Job is such work. The child is given the order on
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
	bounds   func(*Job) launch.Bounds // what the child of a job may do
	requests chan Request
	over     chan struct{} // closed: there is no loop any more
	end      sync.Once

	table   *children.Table
	byName  map[string]*queue
	answers chan Answer
}

// New is for one boot; bounds says what the child that does a job may do.
func New(bounds func(*Job) launch.Bounds) *Jobs {
	return &Jobs{
		bounds: bounds, byName: map[string]*queue{},
		requests: make(chan Request), answers: make(chan Answer, 16), over: make(chan struct{}),
	}
}

// Use has jobs be children of that table from now on.
func (j *Jobs) Use(t *children.Table) { j.table = t }

// End says that there is no loop any more, or never was one: who has a job done now waits
// for it himself.
func (j *Jobs) End() { j.end.Do(func() { close(j.over) }) }

// Request is a job with what is to be called when it is done, on the loop's goroutine.
type Request struct {
	Job
	done func(answer []byte, err error)
}

// Requests are what other goroutines want to be done, for Start.
func (j *Jobs) Requests() <-chan Request { return j.requests }

// Answers are what children answered, for Take.
func (j *Jobs) Answers() <-chan Answer { return j.answers }

// errOver is the error of a job that was under way when the loop ended.
var errOver = errors.New("the node goes down")

// Do has the job done by the loop, for a goroutine that is not the loop's own, which waits.
func (j *Jobs) Do(job Job, into any) error {
	got := make(chan error, 1)
	ask := Request{job, func(answer []byte, err error) { got <- unmarshal(job.Name, answer, err, into) }}
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
	j.Start(Request{job, func(answer []byte, err error) { done(unmarshal(job.Name, answer, err, into)) }})
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
