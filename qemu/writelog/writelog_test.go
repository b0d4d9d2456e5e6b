package writelog

import (
	"bytes"
	"encoding/binary"
	"math/rand"
	"os"
	"path/filepath"
	"testing"
)

// logOf makes a log as QEMU does, of writes of whole sectors; an empty one is a flush.
func logOf(sectors ...string) []byte {
	block := func(values ...uint64) []byte {
		b := make([]byte, 512)
		for i, v := range values {
			binary.LittleEndian.PutUint64(b[8*i:], v)
		}
		return b
	}
	log := block(magic, 1, uint64(len(sectors)), 512)
	for i, s := range sectors {
		if s == "" {
			log = append(log, block(0, 0, flagFlush)...)
			continue
		}
		log = append(append(log, block(uint64(i), 1, 0)...), bytes.Repeat([]byte(s), 512)...)
	}
	return log
}

type memory []byte

func (m memory) WriteAt(p []byte, at int64) (int, error) { return copy(m[at:], p), nil }

// Whatever chance wants, what was flushed before the cut is there, and nothing of behind it.
func TestCut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, logOf("a", "b", "", "d", "e", "", "g"), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := Open(path)
	if err != nil || len(l.Entries) != 7 {
		t.Fatalf("%d entries, %v", len(l.Entries), err)
	}
	defer l.Close()
	seen := map[string]bool{}
	for seed := range int64(200) {
		disk := make(memory, 7*512)
		if err := l.Cut(disk, 5, rand.New(rand.NewSource(seed))); err != nil {
			t.Fatal(err)
		}
		var now string
		for i := range 7 {
			if first := disk[i*512]; first != 0 {
				now += string(first)
			}
		}
		seen[now] = true
	}
	for _, want := range []string{"ab", "abd", "abe", "abde"} {
		if !seen[want] {
			t.Errorf("never %q in %v", want, seen)
		}
		delete(seen, want)
	}
	if len(seen) > 0 {
		t.Errorf("these cannot be: %v", seen)
	}
}

func TestNoLog(t *testing.T) {
	for _, text := range [][]byte{nil, []byte("short"), make([]byte, 1024), logOf()[:511]} {
		if list, err := read(bytes.NewReader(text), int64(len(text))); len(list) > 0 || err == nil && len(text) < 500 {
			t.Errorf("%d bytes: %v, %v", len(text), list, err)
		}
	}
	whole := logOf("a", "b")
	if list, err := read(bytes.NewReader(whole[:len(whole)-1]), int64(len(whole)-1)); len(list) != 1 || err != nil {
		t.Errorf("a log that is cut short: %v, %v", list, err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(logOf("a", "", "b"))
	f.Fuzz(func(t *testing.T, log []byte) {
		list, _ := read(bytes.NewReader(log), int64(len(log)))
		for _, e := range list {
			if e.Size < 0 || e.At < 0 || e.End > int64(len(log)) {
				t.Fatalf("%+v", e)
			}
		}
	})
}
