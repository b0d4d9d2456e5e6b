package history

import (
	"strconv"
	"sync/atomic"
	"time"

	"github.com/beaminit/beaminit/internal/fault"
)

// Writer writes a node's history without anybody waiting for a disk. What is to be kept
// is handed over by one goroutine, PID 1's loop; another one writes.
type Writer struct {
	Dir         string // the state directory; empty: there is none (yet, see MoveTo)
	FallbackDir string // a directory in memory, for what Dir does not take
	Pmsg        Pmsg   // what a restart leaves of the memory
	Boot        uint32 // the present one
	Fresh       bool   // this boot has just begun: what is there is of earlier ones

	// Run does a Job, on the goroutine that writes, where it may wait and has a deadline:
	// in a child, say. nil: Job.Do does it.
	Run          func(Job) Done
	EarlierBoots func(past []Entry)          // called on the goroutine that writes, with what there is of the boots before; nil: not
	Tell         func(line string, bad bool) // on the console: how it was before
	Complain     func(line string)           // on the console: what cannot be kept, and why

	early   []Entry // before Start
	queue   chan order
	dropped atomic.Uint32 // entries that found the queue full

	// Of the goroutine that writes:
	opened  bool
	pending []Entry // what Dir did not take yet
	failing string  // why not, as it was said
}

// order is what the goroutine is to do.
type order struct {
	entry Entry
	done  chan struct{} // closed when all before it is written; then there is no entry
	dir   string        // what MoveTo was given; then there is no entry either
}

// alive is the kind of an entry that only says that the node lives, each in the place of
// the one before.
const alive Kind = "alive"

// Bounds of what waits to be written.
const (
	maxEarly   = 16
	maxQueue   = 32
	maxPending = 48
)

// Remember has an entry kept. It never waits: where the disk hangs, entries are dropped
// and counted.
func (w *Writer) Remember(e Entry) {
	if w.queue == nil {
		switch {
		case e.Kind == Boot: // it comes first, even if the release has ended before
			w.early = append([]Entry{e}, w.early...)
		case len(w.early) < maxEarly:
			w.early = append(w.early, e)
		}
		return
	}
	select {
	case w.queue <- order{entry: e}:
	default:
		w.dropped.Add(1)
	}
}

// Alive notes how long the node has been up, so that it can be told after a power cut.
func (w *Writer) Alive(at int64, up time.Duration) {
	w.Remember(Entry{Kind: alive, Boot: w.Boot, At: at, Up: up})
}

// MoveTo makes dir the state directory of a node that had none: its disk has come late.
// What was kept in memory goes there. It never waits; false: the disk before was too slow
// to be told, try again.
func (w *Writer) MoveTo(dir string) bool {
	if w.queue == nil {
		w.Dir = dir
		return true
	}
	select {
	case w.queue <- order{dir: dir}:
		return true
	default:
		return false
	}
}

// Start begins to write, on a goroutine with guard deferred in its top frame.
func (w *Writer) Start(guard func()) {
	queue := make(chan order, maxQueue)
	for _, e := range w.early {
		queue <- order{entry: e}
	}
	w.early, w.queue = nil, queue
	go func() {
		defer guard()
		w.open()
		for {
			w.serve(<-queue)
		}
	}()
}

// Flush returns when all that was remembered is written, or limit is over: false. Before
// Start it writes by itself, and may hang where the device of Dir does.
func (w *Writer) Flush(limit time.Duration) bool {
	if w.queue == nil {
		w.open()
		w.keep(w.early)
		w.early = nil
		return true
	}
	o := order{done: make(chan struct{})}
	timeout := time.NewTimer(limit)
	defer timeout.Stop()
	select {
	case w.queue <- o:
	case <-timeout.C:
		return false
	}
	select {
	case <-o.done:
		return true
	case <-timeout.C:
		return false
	}
}

// serve takes an order and all that wait behind it: they cost the disk no more than one.
func (w *Writer) serve(o order) {
	fault.At("history")
	var batch []Entry
	for more := true; more; {
		if o.done != nil || o.dir != "" {
			w.keep(batch)
			batch = nil
			w.obey(o)
		} else if batch = append(batch, o.entry); len(batch) == maxQueue {
			break // the rest is the next batch: no more than the disk can be late by
		}
		select {
		case o = <-w.queue:
		default:
			more = false
		}
	}
	w.keep(batch)
}

// obey does an order that is no entry.
func (w *Writer) obey(o order) {
	if o.done != nil {
		close(o.done)
		return
	}
	kept := w.read(w.FallbackDir)
	w.Dir = o.dir
	past := w.read(w.Dir)
	w.pending = Lost(past.Entries, kept.Entries)
	w.summary(past.Entries, past.Last)
	w.add(nil)
}

// keep writes entries wherever they can be.
func (w *Writer) keep(batch []Entry) {
	if len(batch) == 0 {
		return
	}
	if n := w.dropped.Swap(0); n > 0 {
		e := batch[0]
		batch = append(batch, Entry{Kind: Note, Boot: w.Boot, At: e.At, Up: e.Up,
			Why: strconv.Itoa(int(n)) + " entries were lost before this one: the disk was too slow"})
	}
	kept, sign := make([]Entry, 0, len(batch)), -1
	for i, e := range batch {
		if e.Kind == alive {
			sign = i
		} else {
			kept = append(kept, e)
		}
	}
	w.add(kept)
	if sign >= 0 && w.Dir != "" && w.failing == "" {
		w.complain(w.run(Job{Dir: w.Dir, Alive: &batch[sign]}).Problem)
	}
}

func (w *Writer) run(j Job) Done {
	if w.Run != nil {
		return w.Run(j)
	}
	return j.Do()
}

func (w *Writer) read(dir string) Done { return w.run(Job{Dir: dir, Read: true}) }

func (w *Writer) add(kept []Entry) {
	w.Pmsg.Write(kept)
	if w.Dir == "" {
		if len(kept) > 0 {
			w.complain(w.run(Job{Dir: w.FallbackDir, Add: kept}).Problem)
		}
		return
	}
	if w.pending = append(w.pending, kept...); len(w.pending) == 0 {
		return
	}
	problem := w.run(Job{Dir: w.Dir, Add: w.pending}).Problem
	if problem == "" {
		w.pending = nil
	} else {
		w.pending = w.pending[max(len(w.pending)-maxPending, 0):]
		w.run(Job{Dir: w.FallbackDir, Add: kept}) // said enough
	}
	w.complain(problem)
}

// complain says what is wrong, once, and when it is over.
func (w *Writer) complain(why string) {
	if why == "" && w.failing != "" {
		w.Complain("history: it is written again")
	}
	if why != "" && why != w.failing {
		w.Complain("history: " + why)
	}
	w.failing = why
}

// open finds out what there is from before, and tells it. It comes before anything is
// written.
func (w *Writer) open() {
	if w.opened {
		return
	}
	w.opened = true
	var was Done
	if w.Dir != "" {
		was = w.read(w.Dir)
		w.complain(was.Problem)
		if was.Garbled > maxEntry {
			w.Complain("history: " + strconv.Itoa(was.Garbled) + " bytes of " + w.Dir + "/" + fileName + " are garbled, they are passed over")
		}
	}
	past := was.Entries
	if !w.Fresh { // PID 1 fell: what Dir did not take may be in FallbackDir
		if spare := w.read(w.FallbackDir); w.Dir != "" {
			w.pending = Lost(past, spare.Entries)
		}
		return
	}
	older := w.Pmsg.Read()
	w.Pmsg.Write(worthKeeping(older)) // the memory forgets them with the next restart
	if lost := Lost(past, older); len(lost) > 0 {
		past = append(past, lost...)
		if w.Dir != "" {
			w.pending = lost[max(len(lost)-maxPending, 0):]
		} else {
			w.run(Job{Dir: w.FallbackDir, Add: lost}) // if it fails, the next one fails too, and that is said
		}
	}
	w.summary(past, was.Last)
	if line := w.Pmsg.panics(); line != "" {
		w.Tell(line, true)
	}
}

// summary says how it was before.
func (w *Writer) summary(past []Entry, last Entry) {
	if w.EarlierBoots != nil {
		w.EarlierBoots(past)
	}
	lines, bad := summarize(past, w.Boot, last)
	for _, line := range lines {
		w.Tell(line, bad)
	}
}
