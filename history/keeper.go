package history

import (
	"strconv"
	"sync/atomic"
	"time"

	"github.com/beaminit/beaminit/internal/fault"
)

// Keeper keeps a node's history without anybody waiting for a disk. What is to be kept
// is handed over by one goroutine, PID 1's loop; another one writes.
type Keeper struct {
	Dir   string // of the file that outlives a reboot; empty: there is none
	Spare string // a directory in memory, for what Dir does not take
	Pmsg  Pmsg   // what a restart leaves of the memory
	Boot  uint32 // the present one
	Fresh bool   // this boot has just begun: what is there is of earlier ones

	Past     func(past []Entry)          // called once, on the goroutine that writes, with what there is of the boots before; nil: not
	Tell     func(line string, bad bool) // on the console: how it was before
	Complain func(line string)           // on the console: what cannot be kept, and why

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
func (k *Keeper) Remember(e Entry) {
	if k.queue == nil {
		switch {
		case e.Kind == Boot: // it comes first, even if the release has ended before
			k.early = append([]Entry{e}, k.early...)
		case len(k.early) < maxEarly:
			k.early = append(k.early, e)
		}
		return
	}
	select {
	case k.queue <- order{entry: e}:
	default:
		k.dropped.Add(1)
	}
}

// Alive notes how long the node has been up, so that it can be told after a power cut.
func (k *Keeper) Alive(at int64, up time.Duration) {
	k.Remember(Entry{Kind: alive, Boot: k.Boot, At: at, Up: up})
}

// Start begins to write, on a goroutine with guard deferred in its top frame.
func (k *Keeper) Start(guard func()) {
	queue := make(chan order, maxQueue)
	for _, e := range k.early {
		queue <- order{entry: e}
	}
	k.early, k.queue = nil, queue
	go func() {
		defer guard()
		k.open()
		for {
			k.serve(<-queue)
		}
	}()
}

// Flush returns when all that was remembered is written, or limit is over: false. Before
// Start it writes by itself, and may hang where the device of Dir does.
func (k *Keeper) Flush(limit time.Duration) bool {
	if k.queue == nil {
		k.open()
		k.keep(k.early)
		k.early = nil
		return true
	}
	o := order{done: make(chan struct{})}
	timeout := time.NewTimer(limit)
	defer timeout.Stop()
	select {
	case k.queue <- o:
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
func (k *Keeper) serve(o order) {
	fault.At("history")
	var batch []Entry
	for more := true; more; {
		if o.done != nil {
			k.keep(batch)
			batch = nil
			close(o.done)
		} else if batch = append(batch, o.entry); len(batch) == maxQueue {
			break // the rest is the next batch: no more than the disk can be late by
		}
		select {
		case o = <-k.queue:
		default:
			more = false
		}
	}
	k.keep(batch)
}

// keep writes entries wherever they can be.
func (k *Keeper) keep(batch []Entry) {
	if len(batch) == 0 {
		return
	}
	if n := k.dropped.Swap(0); n > 0 {
		e := batch[0]
		batch = append(batch, Entry{Kind: Note, Boot: k.Boot, At: e.At, Up: e.Up,
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
	k.add(kept)
	if sign >= 0 && k.Dir != "" && k.failing == "" {
		k.complain(writeAlive(k.Dir, batch[sign]), "")
	}
}

func (k *Keeper) add(kept []Entry) {
	if len(kept) == 0 {
		return
	}
	k.Pmsg.Write(kept)
	if k.Dir == "" {
		k.complain(Add(k.Spare, kept), "; it is on the console only")
		return
	}
	k.pending = append(k.pending, kept...)
	if err := Add(k.Dir, k.pending); err != nil {
		k.pending = k.pending[max(len(k.pending)-maxPending, 0):]
		k.complain(err, remedy(err))
		Add(k.Spare, kept) // said enough
		return
	}
	k.pending = nil
	k.complain(nil, "")
}

// complain says what is wrong, once, and when it is over.
func (k *Keeper) complain(err error, remedy string) {
	why := ""
	if err != nil {
		why = err.Error() + remedy
	} else if k.failing != "" {
		k.Complain("history: it is written again")
	}
	if why != "" && why != k.failing {
		k.Complain("history: " + why)
	}
	k.failing = why
}

// open finds out what there is from before, and tells it. It comes before anything is
// written.
func (k *Keeper) open() {
	if k.opened {
		return
	}
	k.opened = true
	var past []Entry
	var last Entry
	if k.Dir != "" {
		var garbled int
		var err error
		past, garbled, err = Read(k.Dir)
		k.complain(err, remedy(err))
		if garbled > MaxEntry {
			k.Complain("history: " + strconv.Itoa(garbled) + " bytes of " + k.Dir + fileName + " are garbled, they are passed over")
		}
		last = readAlive(k.Dir)
	}
	if !k.Fresh { // PID 1 fell: what Dir did not take may be in Spare
		if spare, _, _ := Read(k.Spare); k.Dir != "" {
			k.pending = Lost(past, spare)
		}
		return
	}
	older := k.Pmsg.Read()
	k.Pmsg.Write(worthKeeping(older)) // the memory forgets them with the next restart
	if lost := Lost(past, older); len(lost) > 0 {
		past = append(past, lost...)
		if k.Dir != "" {
			k.pending = lost[max(len(lost)-maxPending, 0):]
		} else {
			Add(k.Spare, lost) // if it fails, the next one fails too, and that is said
		}
	}
	if k.Past != nil {
		k.Past(past)
	}
	lines, bad := Previous(past, k.Boot, last)
	for _, line := range lines {
		k.Tell(line, bad)
	}
	if line := k.Pmsg.Panics(); line != "" {
		k.Tell(line, true)
	}
}
