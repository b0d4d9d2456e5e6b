package evidence

import "sync"

// RingSize is how much of the last output is kept, in bytes.
const RingSize = 64 << 10

// Ring holds the last RingSize bytes that were written to it. One goroutine writes,
// another takes.
type Ring struct {
	mu   sync.Mutex
	buf  []byte // made with the first output: pages that nobody touched cost nothing
	next int    // where the next byte goes
	full bool   // what follows next is older output
}

// Add writes b.
func (r *Ring) Add(b []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.buf == nil {
		r.buf = make([]byte, RingSize)
	}
	for len(b) > 0 {
		n := copy(r.buf[r.next:], b)
		b = b[n:]
		if r.next += n; r.next == len(r.buf) {
			r.next, r.full = 0, true
		}
	}
}

// Take empties the ring: what is in it is older followed by newer.
func (r *Ring) Take() (older, newer []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	newer = r.buf[:r.next]
	if r.full {
		older = r.buf[r.next:]
	}
	r.buf, r.next, r.full = nil, 0, false
	return older, newer
}
