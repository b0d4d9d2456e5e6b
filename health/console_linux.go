package health

import (
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/beaminit/beaminit/internal/fault"
)

// Console is the way of a node's words to its serial console: through the kernel's log,
// or where the kernel takes none, through the console's tty (see device). Lines said
// before Open are kept (at most maxEarly) and follow then.
//
// Until Start every line is written by the caller. From Start to Stop a goroutine
// writes, because printk may have to push a line through a slow UART before
// write(2) returns, and PID 1's loop must not wait for that.
type Console struct {
	mu    sync.Mutex // of the next three; no lock is held while the kernel writes
	dev   device
	early []message
	key   Key

	started atomic.Bool
	own     chan message  // health records and beaminit's own lines
	output  chan message  // lines of the release, and of others
	quit    chan struct{} // closed by Stop: the goroutine writes what there is, and ends
	gone    chan struct{} // closed when it has

	dropped atomic.Uint32 // lines of output that were not written, and not told of yet
	lost    atomic.Uint32 // lines of beaminit's own and records likewise
}

const (
	maxEarly  = 32  // lines that are kept before there is a device
	maxOwn    = 64  // lines and records of its own that wait to be written
	maxOutput = 128 // lines of the release likewise
)

type message struct {
	severity Severity
	speaker  string
	text     string
	record   bool
}

// NewConsole gives a console that keeps its lines until Open names the device.
func NewConsole() *Console {
	return &Console{
		dev: device{fd: -1, tty: "/dev/console"},
		own: make(chan message, maxOwn), output: make(chan message, maxOutput),
	}
}

// Open names the kernel's log (/dev/kmsg). It is opened with the first line, so a boot
// that has nothing to say pays nothing; while that fails, lines are kept.
func (c *Console) Open(kmsg string) { c.dev.kmsg = kmsg }

// Sign has all records from now on carry a mac= made with the key.
func (c *Console) Sign(key Key) {
	c.mu.Lock()
	c.key = key
	c.mu.Unlock()
}

// Say writes one line of beaminit's own. (Inlined in all its callers: 16 KB more.)
//
//go:noinline
func (c *Console) Say(s Severity, text string) {
	c.send(c.own, &c.lost, message{severity: s, speaker: Speaker, text: text})
}

// Health writes a record, with a level that the console shows.
func (c *Console) Health(r Record) {
	c.mu.Lock()
	key := c.key
	c.mu.Unlock()
	text := key.Append(make([]byte, 0, MaxRecord), r)
	c.send(c.own, &c.lost, message{severity: visible(readSmall(printkLevels)), speaker: Speaker, text: string(text), record: true})
}

// Output writes one line of the release. It never waits: where the console is
// slower than the release, lines are dropped and counted, and the count is said.
func (c *Console) Output(line string) {
	c.send(c.output, &c.dropped, message{severity: Info, speaker: "release: ", text: line})
}

// OutputOf is Output for another child of that name: one that writes without end costs neither a
// health record nor a line of beaminit's own.
func (c *Console) OutputOf(name, line string) {
	c.send(c.output, &c.dropped, message{severity: Notice, speaker: Speaker + name + ": ", text: line})
}

func (c *Console) send(queue chan message, without *atomic.Uint32, m message) {
	if !c.started.Load() {
		c.write(m)
		return
	}
	select {
	case queue <- m:
	default:
		without.Add(1)
	}
	if !c.started.Load() { // Stop came between: nobody else takes it
		c.drain(queue)
	}
}

// Start hands the writing over to a goroutine; guard is deferred in its top frame.
func (c *Console) Start(guard func()) {
	if c.started.Swap(true) {
		return
	}
	quit, gone := make(chan struct{}), make(chan struct{})
	c.quit, c.gone = quit, gone
	c.openLate()
	go func() {
		defer guard()
		defer close(gone)
		c.serve(quit)
	}()
}

// serve writes what comes, beaminit's own first, until quit is closed.
func (c *Console) serve(quit chan struct{}) {
	for {
		fault.At("console")
		select {
		case m := <-c.own:
			c.write(m)
			continue
		default:
		}
		select {
		case m := <-c.own:
			c.write(m)
		case m := <-c.output:
			c.write(m)
		case <-c.flushTTY():
		case <-quit:
			c.drain(c.own)
			c.drain(c.output)
			return
		}
	}
}

// drain writes what is in a queue now; what comes meanwhile, from a release that does
// not end to speak, is not waited for.
func (c *Console) drain(queue chan message) {
	for n := len(queue); n > 0; n-- {
		select {
		case m := <-queue:
			c.write(m)
		default:
			return
		}
	}
}

// Stop hands the writing back to the callers, for the way down, after all that
// was said has been written or limit is over. Start and Stop are for one goroutine.
func (c *Console) Stop(limit time.Duration) {
	if !c.started.Load() {
		return
	}
	if c.quit != nil {
		close(c.quit)
	}
	select {
	case <-c.gone:
	case <-time.After(limit): // the writer hangs in the kernel, or has fallen
	}
	c.started.Store(false)
	c.drain(c.own)
	c.drain(c.output)
	c.settleTTY(limit)
}

// write gives the device one line. Whatever is no record cannot be taken for one, and
// no character of it does anything to a terminal: this is the one place for both.
func (c *Console) write(m message) {
	if !c.ready(m) {
		return
	}
	c.tell(&c.lost, " of the node's own lines and records were lost: the console did not take them")
	c.tell(&c.dropped, " lines of output dropped: the console is slower")
	if !c.put(m) {
		c.without(m)
	}
}

// tell says how many lines are missing in this place.
func (c *Console) tell(count *atomic.Uint32, what string) {
	n := count.Swap(0)
	if n > 0 && !c.put(message{severity: Warning, speaker: Speaker, text: strconv.Itoa(int(n)) + what}) {
		count.Add(n)
	}
}

// without counts a line that is not written.
func (c *Console) without(m message) {
	if m.speaker == Speaker {
		c.lost.Add(1)
	} else {
		c.dropped.Add(1)
	}
}

// ready opens the device if it is not open, and follows up the lines kept. false: m is
// kept too, or counted.
func (c *Console) ready(m message) bool {
	c.mu.Lock()
	if !c.dev.open(len(c.early) == maxEarly) {
		defer c.mu.Unlock()
		if len(c.early) < maxEarly {
			c.early = append(c.early, m)
		} else {
			c.without(m)
		}
		return false
	}
	early := c.early
	c.early = nil
	c.mu.Unlock()
	for _, m := range early {
		c.put(m)
	}
	return true
}
