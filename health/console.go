package health

import (
	"strconv"
	"sync/atomic"
	"time"

	"github.com/beaminit/beaminit/internal/fault"
	"golang.org/x/sys/unix"
)

// Severity is a syslog level, as the number in angle brackets before a kmsg line
// (kernel Documentation/ABI/testing/dev-kmsg).
type Severity byte

// The levels that beaminit uses.
const (
	Err     Severity = 3
	Warning Severity = 4
	Notice  Severity = 5
	Info    Severity = 6
)

// maxLine is how much text one kmsg record takes: printk refuses more than about
// 1,000 bytes with its prefix, and a refused line would be lost.
const maxLine = 940

// facility is LOG_DAEMON (3) in the upper bits of a syslog priority: the kernel
// keeps facility 0 for itself.
const facility = 3 << 3

// Console is the way of a node's words to its serial console: /dev/kmsg, where
// records stay whole. It never writes to a tty, which can block for ever. Lines
// said before Open are kept (at most 32) and follow then.
//
// Until Start every line is written by the caller. From Start on a goroutine
// writes, because printk may have to push a line through a slow UART before
// write(2) returns, and PID 1's loop must not wait for that.
type Console struct {
	device string
	fd     int
	early  []message
	health Severity // shown by the present console log level; 0: not found out yet

	started atomic.Bool
	own     chan message // health records and beaminit's own lines
	output  chan message // lines of the release
	dropped atomic.Uint32
}

type message struct {
	severity Severity
	prefix   string
	text     string
	done     chan struct{} // closed instead of writing anything, where there is one
}

// NewConsole gives a console that keeps its lines until Open names the device.
func NewConsole() *Console { return &Console{fd: -1} }

// Open names the device (/dev/kmsg). It is opened with the first line, so a boot
// that has nothing to say pays nothing; while that fails, lines are kept.
func (c *Console) Open(device string) { c.device = device }

// ready opens the device if it is not open, and follows up the lines kept.
func (c *Console) ready() bool {
	if c.fd < 0 && c.device != "" {
		fd, err := unix.Open(c.device, unix.O_WRONLY|unix.O_CLOEXEC|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
		if err != nil {
			return false
		}
		c.fd = fd
		early := c.early
		c.early = nil
		for _, m := range early {
			c.write(m)
		}
	}
	return c.fd >= 0
}

// tune gives health records a level that passes the console's log level (proc(5),
// /proc/sys/kernel/printk), so that "quiet" does not hide them; and it switches
// the rate limit of user records off (printk_devkmsg=on), because a lost record is
// taken for a lost node. A command line that set printk_devkmsg= keeps its word.
func (c *Console) tune() {
	writeSmall("/proc/sys/kernel/printk_devkmsg", "on\n")
	c.health = visible(readSmall("/proc/sys/kernel/printk"))
}

// visible gives the level for health records under the console log level that
// printk (the text of /proc/sys/kernel/printk) begins with. Below "alert" nothing
// helps: such a console was meant to be silent.
func visible(printk []byte) Severity {
	if len(printk) < 2 || printk[0] < '0' || printk[0] > '9' || printk[1] >= '0' {
		return Notice
	}
	level := Severity(printk[0] - '0')
	switch {
	case level > Notice:
		return Notice
	case level < 2:
		return 1
	}
	return level - 1
}

// Say writes one line of beaminit's own.
func (c *Console) Say(s Severity, text string) {
	c.send(c.own, message{severity: s, prefix: "beaminit: ", text: text})
}

// Health writes a record.
func (c *Console) Health(r Record) {
	if c.health == 0 {
		c.tune()
	}
	c.send(c.own, message{severity: c.health, prefix: "beaminit: ", text: string(r.Append(make([]byte, 0, 512)))})
}

// Output writes one line of the release. It never waits: where the console is
// slower than the release, lines are dropped and counted, and the count is said.
func (c *Console) Output(line string) {
	c.send(c.output, message{severity: Info, prefix: "release: ", text: line})
}

func (c *Console) send(queue chan message, m message) {
	if !c.started.Load() {
		c.write(m)
		return
	}
	select {
	case queue <- m:
	default:
		c.dropped.Add(1)
	}
}

// Start hands the writing over to a goroutine; guard is deferred in its top frame.
func (c *Console) Start(guard func()) {
	own, output := make(chan message, 64), make(chan message, 128)
	c.own, c.output = own, output
	c.started.Store(true)
	go func() {
		defer guard()
		for {
			fault.At("console")
			select { // beaminit's own lines first
			case m := <-own:
				c.write(m)
				continue
			default:
			}
			select {
			case m := <-own:
				c.write(m)
			case m := <-output:
				c.sayDropped()
				c.write(m)
				if m.done != nil { // Stop: there may be another after this one
					return
				}
			}
		}
	}()
}

func (c *Console) sayDropped() {
	if n := c.dropped.Swap(0); n > 0 {
		c.write(message{severity: Warning, prefix: "beaminit: ", text: strconv.Itoa(int(n)) + " lines of output dropped: the console is slower than the release"})
	}
}

// Stop hands the writing back to the callers, for the way down, after all that
// was said has been written or limit is over.
func (c *Console) Stop(limit time.Duration) {
	if !c.started.Load() {
		return
	}
	written := make(chan struct{})
	timeout := time.After(limit)
	select {
	case c.output <- message{done: written}: // last of all: own lines go first
		select {
		case <-written:
		case <-timeout:
		}
	case <-timeout:
	}
	c.started.Store(false)
	for { // nobody took them: the writer is slow, or has fallen
		select {
		case m := <-c.own:
			c.write(m)
		default:
			return
		}
	}
}

// write gives the kernel one record. The line end matters: without it a record
// stays invisible until the next one. Control characters are made harmless here,
// in one place, because a person's terminal is at the other end of the line.
func (c *Console) write(m message) {
	if m.done != nil {
		close(m.done)
		return
	}
	if !c.ready() {
		if len(c.early) < 32 {
			c.early = append(c.early, m)
		}
		return
	}
	var room [maxLine + 32]byte
	b := append(room[:0], '<')
	b = strconv.AppendUint(b, uint64(facility|m.severity), 10)
	b = append(append(b, '>'), m.prefix...)
	text := m.text
	if len(text) > maxLine-len(m.prefix) {
		text = text[:maxLine-len(m.prefix)]
	}
	for i := 0; i < len(text); i++ {
		if ch := text[i]; ch >= ' ' && ch != 0x7f || ch == '\t' {
			b = append(b, ch)
		} else {
			b = append(b, '?')
		}
	}
	unix.Write(c.fd, append(b, '\n'))
}

// readSmall reads the beginning of a small file; nil where it cannot.
func readSmall(path string) []byte {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	var b [128]byte
	n, err := unix.Read(fd, b[:])
	if err != nil || n < 0 {
		return nil
	}
	return b[:n]
}

func writeSmall(path, text string) {
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	unix.Write(fd, []byte(text))
	unix.Close(fd)
}
