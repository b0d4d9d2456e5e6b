package supervise

import (
	"strconv"
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/history"
	"github.com/beaminit/beaminit/internal/proc"
	"github.com/beaminit/beaminit/supervise/evidence"
	"github.com/beaminit/beaminit/supervise/policy"
	"golang.org/x/sys/unix"
)

// The restart does not wait for the evidence longer than this: a disk may hang.
const patience = time.Second

// keepLimit is how long what is kept may take to be on the disk.
const keepLimit = 30 * time.Second

// Bounds of the slogan in a health record and of the output in an entry, in bytes.
const (
	maxSlogan = 120
	maxTail   = 300
)

// finding is why a run of the release ended.
type finding struct {
	why          string // the status, and the OOM killer where it was that
	slogan       string // of the crash dump
	dump         int64  // its size in bytes
	told         int64  // when that was written, see evidence.Own
	older, newer []byte // the last output
}

// String is the short form for a health record.
func (f *finding) String() string {
	if f.slogan == "" {
		return f.why
	}
	return f.why + ": " + evidence.Short(f.slogan, maxSlogan)
}

// ended is a run of the release that has ended, while it is found out why. State still has
// it: what follows from its end waits, for patience at most.
type ended struct {
	pid    int
	status unix.WaitStatus
	ran    time.Duration
	found  finding
}

// releaseEnded has it found out why the release ended, where nobody asked for it.
func (l *Loop) releaseEnded(pid int, status unix.WaitStatus) {
	e := ended{pid: pid, status: status, ran: now() - l.state.StartedAt, found: finding{why: proc.Describe(status)}}
	if l.state.IsStopping() {
		l.releaseOver(&e)
		return
	}
	l.owesEnd = true
	if !l.looking.CompareAndSwap(false, true) { // that is late by now, and will say nothing
		l.releaseOver(&e)
		return
	}
	meant := l.state.IsExpectedExit(status)
	run, dumps := evidence.Run(l.Boot, l.state.Runs), l.Dumps
	go func() {
		defer func() { l.fell(recover()) }()
		l.look(&e, &dumps, run)
		l.looking.Store(false)
		l.ends <- e // no reference: the loop writes to what it has
		if !meant {
			l.keep(&dumps, run, &e.found)
		}
	}()
}

// releaseOver takes the end of the release through Step.
func (l *Loop) releaseOver(e *ended) {
	if e.pid != l.state.PID {
		return // that was done without
	}
	f := &e.found
	asked := l.state.IsStopping()
	if own := l.Dumps.Own; own != nil && f.told != 0 {
		own.Told = f.told
	}
	l.Console.Say(health.Warning, "the release ended: "+f.String()+" (pid "+strconv.Itoa(e.pid)+", ran "+e.ran.Truncate(time.Millisecond).String()+")")
	l.rememberFound(f)
	l.step(policy.Event{Kind: policy.Exited, PID: e.pid, Status: e.status, Text: f.String()})
	if l.owesWord = !asked; !l.isStarting() {
		l.announce()
	}
}

// look looks at what is there.
func (l *Loop) look(e *ended, dumps *evidence.Dumps, run string) {
	f := &e.found
	if e.status.Signaled() && e.status.Signal() == unix.SIGKILL {
		switch killed, limit := l.kernel.OOM(e.pid); {
		case limit:
			f.why += " by the OOM killer, at the memory limit of its cgroup"
		case killed:
			f.why += " by the OOM killer"
		}
	}
	l.awaitOutput(lookPause)
	f.older, f.newer = l.lastOutput()
	done := l.evidence(LookJob, evidence.Job{Dumps: *dumps, Run: run, Read: true}, patience)
	f.slogan, f.dump, f.told = done.Slogan, done.Size, done.Told
}

// lookPause is how long the last output may take to be read.
const lookPause = 10 * time.Millisecond

// evidence does a job with what is kept: in a child, but where that is in memory that PID 1
// has mounted itself.
func (l *Loop) evidence(name string, job evidence.Job, limit time.Duration) (done evidence.Done) {
	if l.InMemory(job.Dumps.Dump(job.Run)) {
		return job.Do()
	}
	if err := l.Jobs.Do(Job{Name: name, Order: &job, Limit: limit}, &done); err != nil {
		done.Problems = append(done.Problems, err.Error())
	}
	return done
}

// The names of the jobs that are an evidence.Job: what is kept may take its time, and what
// is looked at does not wait for that.
const (
	LookJob = "last words"
	KeepJob = "evidence"
)

// keep writes down what would be gone. While a disk hangs there is no second.
func (l *Loop) keep(dumps *evidence.Dumps, run string, f *finding) {
	if dumps.Keep == 0 || !l.keeping.CompareAndSwap(false, true) {
		return
	}
	defer l.keeping.Store(false)
	output := append(f.older[:len(f.older):len(f.older)], f.newer...)
	done := l.evidence(KeepJob, evidence.Job{Dumps: *dumps, Run: run, Make: true, Output: output, Prune: true}, keepLimit)
	switch {
	case len(done.Problems) > 0:
		l.sayOnce(done.Problems)
	case f.dump > 0 && len(output) > 0:
		l.Console.Say(health.Notice, "kept: crash dump "+dumps.Dump(run)+" ("+kilobytes(f.dump)+"), last output "+dumps.Output(run))
	case f.dump > 0:
		l.Console.Say(health.Notice, "kept: crash dump "+dumps.Dump(run)+" ("+kilobytes(f.dump)+")")
	case len(output) > 0:
		l.Console.Say(health.Notice, "kept: last output "+dumps.Output(run)+"; it left no crash dump")
	}
}

// makeRoom makes the directory of the dumps as soon as the release runs, which can write
// there from then on, and clears what the boots before left too much.
func (l *Loop) makeRoom() {
	if l.Dumps.Keep == 0 || !l.keeping.CompareAndSwap(false, true) {
		return
	}
	run, dumps := evidence.Run(l.Boot, l.state.Runs), l.Dumps
	go func() {
		defer func() { l.fell(recover()) }()
		defer l.keeping.Store(false)
		l.sayOnce(l.evidence(KeepJob, evidence.Job{Dumps: dumps, Run: run, Make: true, Prune: true}, keepLimit).Problems)
	}()
}

// takeDumps takes over where the release that was just started leaves its dumps.
func (l *Loop) takeDumps(d evidence.Dumps) {
	was := l.Dumps.Own
	if l.Dumps = d; was != nil && d.Own != nil {
		d.Own.Told = was.Told
	}
	if l.begun { // else it comes with the rest of the beginning
		l.makeRoom()
	}
}

// sayOnce says the first of the errors that come with each end alike.
func (l *Loop) sayOnce(problems []string) {
	if len(problems) > 0 && l.saidDumps.CompareAndSwap(false, true) {
		l.Console.Say(health.Warning, problems[0])
	}
}

// tail is the end of the last output.
func (f *finding) tail() string {
	b := f.newer
	if len(b) < maxTail {
		b = append(append([]byte(nil), f.older[max(len(f.older)-maxTail, 0):]...), b...)
	}
	return string(b[max(len(b)-maxTail, 0):])
}

// rememberFound is the entry of an end.
func (l *Loop) rememberFound(f *finding) {
	e := history.Entry{Why: f.why, Slogan: f.slogan, Tail: f.tail()}
	if f.dump > 0 {
		e.Dump = l.Dumps.Dump(evidence.Run(l.Boot, l.state.Runs))
	}
	l.rememberEnd(e)
}

// announce says what followed from an end, for who reads only the console: when it is known,
// so behind a start that is made at once.
func (l *Loop) announce() {
	if !l.owesWord {
		return
	}
	l.owesWord = false
	if text := l.state.WhatNext(now()); text != "" {
		l.Console.Say(health.Warning, text)
	}
}

// kilobytes is a size for people.
func kilobytes(n int64) string { return strconv.FormatInt((n+1023)/1024, 10) + "K" }
