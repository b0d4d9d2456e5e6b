package supervise

import (
	"strconv"
	"sync/atomic"
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/history"
	"github.com/beaminit/beaminit/internal/proc"
	"github.com/beaminit/beaminit/supervise/evidence"
	"github.com/beaminit/beaminit/supervise/jobs"
	"github.com/beaminit/beaminit/supervise/output"
	"github.com/beaminit/beaminit/supervise/policy"
	"golang.org/x/sys/unix"
)

// The restart does not wait for the evidence longer than this: a disk may hang.
const collectLimit = time.Second

// evidenceLimit is how long what is kept may take to be on the disk.
const evidenceLimit = 30 * time.Second

// Bounds of the slogan in a health record and of the output in an entry, in bytes.
const (
	maxSlogan = 120
	maxTail   = 300
)

// exitReport is why a run of the release ended.
type exitReport struct {
	why          string // the status, and the OOM killer where it was that
	slogan       string // of the crash dump
	dump         int64  // its size in bytes
	told         int64  // when that was written, see evidence.Own
	older, newer []byte // the last output
}

// String is the short form for a health record.
func (f *exitReport) String() string {
	if f.slogan == "" {
		return f.why
	}
	return f.why + ": " + evidence.Short(f.slogan, maxSlogan)
}

// ends is what the loop knows of the ends of the release, and finds it out by.
type ends struct {
	node            *Node
	guard           func()
	output          *output.Pipe
	dumps           evidence.Dumps  // what is kept of each
	done            chan postMortem // it was found out why one came
	kernel          *evidence.Log   // its log, from the start of the release on; nil: not to be read
	collecting      atomic.Bool     // collect has not come back yet
	saving          atomic.Bool     // nor have save or prune
	problemSaid     atomic.Bool     // why nothing can be kept
	announcePending bool            // what follows from the last end was not said yet
	programsPending bool            // the programs of AfterEnd are to be run
}

// postMortem is a run of the release that has ended, while it is found out why. State still has
// it: what follows from its end waits, for collectLimit at most.
type postMortem struct {
	pid    int
	status unix.WaitStatus
	ran    time.Duration
	limit  string // of memory, where it was the OOM killer at one
	found  exitReport
}

// beginPostMortem has it found out why the release ended, where nobody asked for it.
func (l *Loop) beginPostMortem(pid int, status unix.WaitStatus) {
	e := postMortem{
		pid: pid, status: status, ran: now() - l.state.StartedAt, limit: l.release.ReachedLimit(),
		found: exitReport{why: proc.Describe(status)},
	}
	if l.state.IsStopping() {
		l.endPostMortem(&e)
		return
	}
	l.ends.programsPending = true
	if !l.ends.collecting.CompareAndSwap(false, true) { // that is late by now, and will say nothing
		l.endPostMortem(&e)
		return
	}
	l.ends.find(e, evidence.Run(l.Boot, l.state.Runs), !l.state.IsExpectedExit(status))
}

// endPostMortem takes the end of the release through Step.
func (l *Loop) endPostMortem(e *postMortem) {
	if e.pid != l.state.PID {
		return // that was done without
	}
	f := &e.found
	asked := l.state.IsStopping()
	if own := l.ends.dumps.Own; own != nil && f.told != 0 {
		own.Written = f.told
	}
	l.Console.Say(health.Warning, "the release ended: "+f.String()+
		" (pid "+strconv.Itoa(e.pid)+", ran "+e.ran.Truncate(time.Millisecond).String()+")")
	l.rememberExit(f)
	l.step(policy.Event{Kind: policy.Exited, PID: e.pid, Status: e.status, Text: f.String()})
	if l.ends.announcePending = !asked; !l.isStarting() {
		l.announce()
	}
}

// find looks for it on a goroutine of its own, and keeps what would be gone, where it is worth it.
func (x *ends) find(e postMortem, run string, keep bool) {
	dumps := x.dumps
	go func() {
		defer x.guard()
		x.collect(&e, &dumps, run)
		x.collecting.Store(false)
		x.done <- e // no reference: the loop writes to what it has
		if keep {
			x.save(&dumps, run, &e.found)
		}
	}()
}

// collect looks at what is there.
func (x *ends) collect(e *postMortem, dumps *evidence.Dumps, run string) {
	f := &e.found
	if e.status.Signaled() && e.status.Signal() == unix.SIGKILL {
		switch killed, limit := x.kernel.OOM(e.pid); {
		case limit:
			f.why += " by the OOM killer, at " + e.limit
		case killed:
			f.why += " by the OOM killer"
		}
	}
	x.output.Await(collectDrain)
	f.older, f.newer = x.lastOutput()
	done := x.do(CollectJob, evidence.Job{Dumps: *dumps, Run: run, Read: true}, collectLimit)
	f.slogan, f.dump, f.told = done.Slogan, done.Size, done.Written
}

// collectDrain is how long the last output may take to be read.
const collectDrain = 10 * time.Millisecond

// do does a job with what is kept: in a child, but where that is in memory that PID 1
// has mounted itself.
func (x *ends) do(name string, job evidence.Job, limit time.Duration) (done evidence.Done) {
	if x.node.InMemory(job.Dumps.Dump(job.Run)) {
		return job.Do()
	}
	if err := x.node.Jobs.Do(jobs.Job{Name: name, Order: &job, Limit: limit}, &done); err != nil {
		done.Problems = append(done.Problems, err.Error())
	}
	return done
}

// The names of the jobs that are an evidence.Job: what is kept may take its time, and what
// is looked at does not wait for that.
const (
	CollectJob  = "last words"
	EvidenceJob = "evidence"
)

// save writes down what would be gone. While a disk hangs there is no second.
func (x *ends) save(dumps *evidence.Dumps, run string, f *exitReport) {
	if dumps.Keep == 0 || !x.saving.CompareAndSwap(false, true) {
		return
	}
	defer x.saving.Store(false)
	output := append(f.older[:len(f.older):len(f.older)], f.newer...)
	done := x.do(EvidenceJob, evidence.Job{Dumps: *dumps, Run: run, Make: true, Output: output, Prune: true}, evidenceLimit)
	switch {
	case len(done.Problems) > 0:
		x.sayOnce(done.Problems)
	case f.dump > 0 && len(output) > 0:
		x.node.Console.Say(health.Notice, "kept: crash dump "+dumps.Dump(run)+" ("+kilobytes(f.dump)+"), last output "+dumps.Output(run))
	case f.dump > 0:
		x.node.Console.Say(health.Notice, "kept: crash dump "+dumps.Dump(run)+" ("+kilobytes(f.dump)+")")
	case len(output) > 0:
		x.node.Console.Say(health.Notice, "kept: last output "+dumps.Output(run)+"; it left no crash dump")
	}
}

// prune makes the directory of the dumps as soon as the release runs, which can write there from
// then on, and clears what the boots before left too much.
func (x *ends) prune(run string) {
	if x.dumps.Keep == 0 || !x.saving.CompareAndSwap(false, true) {
		return
	}
	dumps := x.dumps
	go func() {
		defer x.guard()
		defer x.saving.Store(false)
		x.sayOnce(x.do(EvidenceJob, evidence.Job{Dumps: dumps, Run: run, Make: true, Prune: true}, evidenceLimit).Problems)
	}()
}

// take takes over where the release that was just started leaves its dumps.
func (x *ends) take(d evidence.Dumps) {
	was := x.dumps.Own
	if x.dumps = d; was != nil && d.Own != nil {
		d.Own.Written = was.Written
	}
}

// lastOutput is the last output of the release, wherever it went.
func (x *ends) lastOutput() (older, newer []byte) {
	older, newer = x.output.Last()
	if x.node.Terminal == nil {
		return older, newer
	}
	return append(append([]byte(nil), older...), newer...), x.node.Terminal.Last()
}

// sayOnce says the first of the errors that come with each end alike.
func (x *ends) sayOnce(problems []string) {
	if len(problems) > 0 && x.problemSaid.CompareAndSwap(false, true) {
		x.node.Console.Say(health.Warning, problems[0])
	}
}

// tail is the end of the last output.
func (f *exitReport) tail() string {
	b := f.newer
	if len(b) < maxTail {
		b = append(append([]byte(nil), f.older[max(len(f.older)-maxTail, 0):]...), b...)
	}
	return string(b[max(len(b)-maxTail, 0):])
}

// rememberExit is the entry of an end.
func (l *Loop) rememberExit(f *exitReport) {
	e := history.Entry{Why: f.why, Slogan: f.slogan, Tail: f.tail()}
	if f.dump > 0 {
		e.Dump = l.ends.dumps.Dump(evidence.Run(l.Boot, l.state.Runs))
	}
	l.rememberEnd(e)
}

// announce says what followed from an end, for who reads only the console: when it is known,
// so behind a start that is made at once.
func (l *Loop) announce() {
	if !l.ends.announcePending {
		return
	}
	l.ends.announcePending = false
	if text := l.state.WhatNext(now()); text != "" {
		l.Console.Say(health.Warning, text)
	}
}

// kilobytes is a size for people.
func kilobytes(n int64) string { return strconv.FormatInt((n+1023)/1024, 10) + "K" }
