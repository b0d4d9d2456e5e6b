package console

import "strconv"

// maxWaiting is how much output waits for a tty that does not take it, in bytes. It is
// more than the shell's longest answers have, and less than 6 s of a line with 57,600
// bit/s: so long a key that is typed into a flood waits for its echo.
const maxWaiting = 32 << 10

// queue is the output that the tty has not taken yet. What is too much is dropped, the
// oldest first, and told in its place as soon as the tty takes anything.
type queue struct {
	buf     []byte
	told    []byte // goes before buf: that something was dropped
	dropped int64  // bytes that were not told of yet
}

func (q *queue) add(b []byte) {
	if cut := len(q.buf) + len(b) - maxWaiting; cut > 0 {
		q.dropped += int64(cut)
		old := min(cut, len(q.buf))
		q.buf = q.buf[:copy(q.buf, q.buf[old:])]
		b = b[cut-old:]
	}
	q.buf = append(q.buf, b...)
}

func (q *queue) empty() bool { return len(q.buf) == 0 && len(q.told) == 0 }

// next is what is to be written next; taken says how much of that was.
func (q *queue) next() []byte {
	if q.dropped > 0 && len(q.told) == 0 {
		q.told = append(q.told, "\r\n[beaminit: the tty did not take "+strconv.FormatInt(q.dropped, 10)+" bytes, they are dropped]\r\n"...)
		q.dropped = 0
	}
	if len(q.told) > 0 {
		return q.told
	}
	return q.buf
}

func (q *queue) taken(n int) {
	if len(q.told) > 0 {
		q.told = q.told[n:]
		return
	}
	q.buf = q.buf[:copy(q.buf, q.buf[n:])]
}
