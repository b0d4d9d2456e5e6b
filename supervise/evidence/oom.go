package evidence

import (
	"bytes"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Log is a place in the kernel's log (kernel Documentation/ABI/testing/dev-kmsg) from
// which on it has not been read yet.
type Log struct{ fd int }

// OpenLog opens the log at its end; nil where there is none that can be read. Anything
// but the device itself is left alone: to read from a pipe would take what is meant
// for somebody else.
func OpenLog(path string) *Log {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
	if err != nil {
		return nil
	}
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFCHR || uint64(st.Rdev) != unix.Mkdev(1, 11) {
		unix.Close(fd)
		return nil
	}
	unix.Seek(fd, 0, unix.SEEK_END)
	return &Log{fd}
}

// OOM reads on to the end of the log and says whether the kernel killed process pid
// because there was no memory left (killed), and whether it was the memory that its
// cgroup may have (limit).
func (l *Log) OOM(pid int) (killed, limit bool) {
	if l == nil {
		return false, false
	}
	var b [2 << 10]byte
	for i := 0; i < 1e5; i++ { // who writes faster than this is read must not keep us here
		n, err := unix.Read(l.fd, b[:])
		if err == unix.EPIPE || err == unix.EINTR || err == unix.EINVAL { // overwritten, or longer than any word on this
			continue
		}
		if err != nil || n <= 0 {
			break
		}
		if victim, cgroup, ok := oomVictim(b[:n]); ok && victim == pid {
			killed, limit = true, limit || cgroup
		}
	}
	return killed, limit
}

// oomVictim reads a record of the log: the process that the kernel's OOM killer took,
// as mm/oom_kill.c has said it from Linux 3 on. A process can write records of its own,
// but none of the kernel's facility.
func oomVictim(record []byte) (pid int, limit, ok bool) {
	head, text, _ := bytes.Cut(record, []byte{';'})
	head, _, _ = bytes.Cut(head, []byte{','})
	if priority, err := strconv.Atoi(string(head)); err != nil || priority < 0 || priority>>3 != 0 {
		return 0, false, false
	}
	text, _, _ = bytes.Cut(text, []byte{'\n'})
	limit = bytes.HasPrefix(text, []byte("Memory cgroup out of memory"))
	switch {
	case bytes.HasPrefix(text, []byte("oom-kill:")): // comes before the signal, the others after it
		limit = bytes.Contains(text, []byte("constraint=CONSTRAINT_MEMCG"))
		at := strings.LastIndex(string(text), ",pid=") // the name before it can hold anything
		pid, ok = number(text, at, len(",pid="))
	case limit, bytes.HasPrefix(text, []byte("Out of memory")), bytes.HasPrefix(text, []byte("Killed process ")):
		word := "Killed process "
		at := bytes.Index(text, []byte(word))
		if at < 0 {
			word = "Kill process "
			at = bytes.Index(text, []byte(word))
		}
		pid, ok = number(text, at, len(word))
	}
	return pid, limit && ok, ok
}

// number reads the digits skip bytes behind at; at is negative where there are none.
func number(text []byte, at, skip int) (int, bool) {
	if at < 0 {
		return 0, false
	}
	text = text[at+skip:]
	n := 0
	for n < len(text) && text[n] >= '0' && text[n] <= '9' {
		n++
	}
	pid, err := strconv.ParseInt(string(text[:n]), 10, 32)
	if err != nil || pid <= 0 {
		return 0, false
	}
	return int(pid), true
}
