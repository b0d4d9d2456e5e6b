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
const patience = 50 * time.Millisecond

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
	older, newer []byte // the last output
}

// String is the short form for a health record.
func (f *finding) String() string {
	if f.slogan == "" {
		return f.why
	}
	return f.why + ": " + evidence.Short(f.slogan, maxSlogan)
}

// releaseEnded takes the end of the release through Step.
func (l *Loop) releaseEnded(status unix.WaitStatus) {
	pid, ran := l.state.PID, now()-l.state.StartedAt
	asked := l.state.IsStopping()
	f := l.inquest(pid, status)
	l.Console.Say(health.Warning, "the release ended: "+f.String()+" (pid "+strconv.Itoa(pid)+", ran "+ran.Truncate(time.Millisecond).String()+")")
	l.rememberFound(&f)
	l.step(policy.Event{Kind: policy.Exited, PID: pid, Status: status, Text: f.String()})
	if !asked {
		l.announce()
	}
}

// inquest finds out why the release ended, and has what it left kept. It waits only for
// what comes at once.
func (l *Loop) inquest(pid int, status unix.WaitStatus) finding {
	if l.state.IsStopping() || !l.looking.CompareAndSwap(false, true) {
		return finding{why: proc.Describe(status)}
	}
	found := make(chan finding, 1)
	meant := l.state.IsExpectedExit(status)
	run := evidence.Run(l.Boot, l.state.Runs)
	go func() {
		defer func() { l.fell(recover()) }()
		f := l.look(pid, status, run)
		l.looking.Store(false)
		found <- f
		if !meant {
			l.keep(run, f)
		}
	}()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	select {
	case f := <-found:
		return f
	case <-limit.C:
		return finding{why: proc.Describe(status)}
	}
}

// look looks at what is there.
func (l *Loop) look(pid int, status unix.WaitStatus, run string) finding {
	f := finding{why: proc.Describe(status)}
	if status.Signaled() && status.Signal() == unix.SIGKILL {
		switch killed, limit := l.kernel.OOM(pid); {
		case limit:
			f.why += " by the OOM killer, at the memory limit of its cgroup"
		case killed:
			f.why += " by the OOM killer"
		}
	}
	l.awaitOutput(patience / 5)
	f.older, f.newer = l.lastOutput()
	f.slogan, f.dump = l.Dumps.Slogan(run)
	return f
}

// keep writes down what would be gone. While a disk hangs there is no second.
func (l *Loop) keep(run string, f finding) {
	if l.Dumps.Keep == 0 || !l.keeping.CompareAndSwap(false, true) {
		return
	}
	defer l.keeping.Store(false)
	err := l.Dumps.Make()
	if err == nil {
		err = l.Dumps.KeepOutput(run, append(f.older[:len(f.older):len(f.older)], f.newer...))
	}
	switch size := len(f.older) + len(f.newer); {
	case err != nil:
		l.sayOnce(err)
	case f.dump > 0 && size > 0:
		l.Console.Say(health.Notice, "kept: crash dump "+l.Dumps.Dump(run)+" ("+kilobytes(f.dump)+"), last output "+l.Dumps.Output(run))
	case f.dump > 0:
		l.Console.Say(health.Notice, "kept: crash dump "+l.Dumps.Dump(run)+" ("+kilobytes(f.dump)+")")
	case size > 0:
		l.Console.Say(health.Notice, "kept: last output "+l.Dumps.Output(run)+"; it left no crash dump")
	}
	if err := l.Dumps.Prune(run); err != nil {
		l.sayOnce(err)
	}
}

// makeRoom makes the directory of the dumps as soon as the release runs, which can write
// there from then on, and clears what the boots before left too much.
func (l *Loop) makeRoom() {
	if l.Dumps.Keep == 0 || !l.keeping.CompareAndSwap(false, true) {
		return
	}
	run := evidence.Run(l.Boot, l.state.Runs)
	go func() {
		defer func() { l.fell(recover()) }()
		defer l.keeping.Store(false)
		err := l.Dumps.Make()
		if err == nil {
			err = l.Dumps.Prune(run)
		}
		if err != nil {
			l.sayOnce(err)
		}
	}()
}

// sayOnce says the first of the errors that come with each end alike.
func (l *Loop) sayOnce(err error) {
	if l.saidDumps.CompareAndSwap(false, true) {
		l.Console.Say(health.Warning, err.Error())
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

// announce says what followed from an end, for who reads only the console.
func (l *Loop) announce() {
	if text := l.state.WhatNext(now()); text != "" {
		l.Console.Say(health.Warning, text)
	}
}

// kilobytes is a size for people.
func kilobytes(n int64) string { return strconv.FormatInt((n+1023)/1024, 10) + "K" }
