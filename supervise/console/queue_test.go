package console

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// What a tty takes late is all that fits, and how much did not; what it takes at once is
// all of it.
func TestQueue(t *testing.T) {
	var q queue
	q.add([]byte("abc"))
	q.taken(len(q.next()))
	if !q.empty() {
		t.Errorf("left: %q", q.next())
	}
	all := bytes.Repeat([]byte("0123456789"), maxWaiting/5)
	for rest := all; len(rest) > 0; rest = rest[min(len(rest), 4096):] {
		q.add(rest[:min(len(rest), 4096)])
	}
	var got []byte
	for !q.empty() {
		n := min(len(q.next()), 7)
		got = append(got, q.next()[:n]...)
		if q.taken(n); len(got) == 14 {
			q.add(bytes.Repeat([]byte("x"), 3)) // more is dropped while that is told
		}
	}
	want := "\r\n[beaminit: the tty did not take " // number of bytes
	text, dropped := string(got), len(all)-maxWaiting
	if !strings.HasPrefix(text, want) || !strings.HasSuffix(text, string(all[dropped+3:])+"xxx") || strings.Count(text, "[beaminit") != 2 {
		t.Errorf("got %q … %q", text[:100], text[len(text)-20:])
	}
	q.add(bytes.Repeat([]byte("y"), 3*maxWaiting)) // in one piece
	if n := len(q.next()); q.dropped != 0 || n > 100 {
		t.Errorf("%d bytes are next, want a word on what was dropped", n)
	}
}

// The ring gives what was written since it was last asked, or the end of that, whoever
// begins anew in between.
func TestRing(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), "ring")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := ring{int(f.Fd())}
	if got := r.take(); got != nil {
		t.Errorf("empty: %q", got)
	}
	at := r.add(r.mark(ringWritten), []byte("first"))
	if got := string(r.take()); got != "first" {
		t.Errorf("got %q", got)
	}
	var all []byte
	for i := 0; i < 40; i++ {
		b := bytes.Repeat([]byte{byte('a' + i%26)}, 3000+i)
		all = append(all, b...)
		at = r.add(at, b)
		if i == 20 {
			at = ring{r.fd}.mark(ringWritten) // another relay
		}
	}
	if got := r.take(); !bytes.Equal(got, all[len(all)-RingSize:]) {
		t.Errorf("%d bytes, want the last %d", len(got), RingSize)
	}
	if got := r.take(); got != nil {
		t.Errorf("taken twice: %d bytes", len(got))
	}
	r.add(at, []byte("last"))
	if got := string(r.take()); got != "last" {
		t.Errorf("got %q", got)
	}
}
