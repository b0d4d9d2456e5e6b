package handover

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"time"

	"github.com/beaminit/beaminit/internal/clock"
	"github.com/beaminit/beaminit/internal/files"
	"github.com/beaminit/beaminit/supervise/launch"
	"github.com/beaminit/beaminit/supervise/policy"
	"golang.org/x/sys/unix"
)

// Inherited is what the PID 1 before this one left in the environment; nil: there was none.
// All descriptors but the standard ones are close-on-exec from then on.
func Inherited() (*Document, error) {
	text := os.Getenv(Env)
	if text == "" {
		return nil, nil
	}
	defer closeOnExec()
	var h Document
	fd, err := strconv.Atoi(text)
	if err == nil && fd > 2 {
		h, err = read(fd)
	} else {
		h, err = parse([]byte(text))
	}
	if err == nil {
		h.takeFds()
	}
	return &h, err
}

// read reads the document and closes it.
func read(fd int) (h Document, err error) {
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return h, fmt.Errorf("%s: %w", Env, err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG || st.Size <= 0 || st.Size > maxSize {
		return h, errors.New(Env + ": no document")
	}
	text := make([]byte, st.Size)
	n, err := unix.Pread(fd, text, 0)
	if err != nil {
		return h, fmt.Errorf("%s: %w", Env, err)
	}
	return parse(text[:n])
}

// closeOnExec closes what PID 1 has open for all that it executes, whoever opened it
// (close_range(2); before Linux 5.11 one by one, up to a number that is far beyond).
func closeOnExec() {
	if unix.CloseRange(3, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC) == nil {
		return
	}
	for fd := 3; fd < 1024; fd++ {
		unix.CloseOnExec(fd)
	}
}

// AddCrash adds a fall, and forgets those that no longer count.
func (h *Document) AddCrash(why string) { h.addCrash(clock.Monotonic(), why) }

func (h *Document) addCrash(at time.Duration, why string) {
	h.Crashes, h.Why = policy.Recent(h.Crashes, at, CrashWindow), why
}

// ExecSelf executes the program anew in this process. It returns only an error.
func (h *Document) ExecSelf() error { return h.Exec("/proc/self/exe") }

// Exec executes the program of that path in this process, with all signals blocked
// until it listens (launch.BlockSignals). It returns only an error.
func (h *Document) Exec(path string) error {
	env := []string{"HOME=/", "TERM=linux"}
	kept := h.fds()
	if fd, err := h.write(); err == nil {
		defer unix.Close(fd)
		kept[Env] = fd
		env = append(env, Env+"="+strconv.Itoa(fd))
	} else {
		env = append(env, Env+"="+h.short())
	}
	for _, fd := range kept {
		unix.FcntlInt(uintptr(fd), unix.F_SETFD, 0) // it has to survive the exec
	}
	undo := launch.BlockSignals()
	err := unix.Exec(path, append([]string{"/sbin/init"}, os.Args[1:]...), env)
	undo()
	for _, fd := range kept {
		unix.CloseOnExec(fd)
	}
	return err
}

// short is the document as it fits into the environment, of which the kernel takes 128 KiB for
// a variable (execve(2)): without the oldest ends, and without facts that can be found again.
func (h *Document) short() string {
	s := *h
	s.State.Exits = s.State.Exits[max(0, len(s.State.Exits)-1000):]
	s.Facts = nil
	text, _ := s.encode() // of plain values: it cannot fail
	return string(text)
}

// write writes the document into a file without a name.
func (h *Document) write() (fd int, err error) {
	text, err := h.encode()
	if err != nil {
		return -1, err
	}
	return files.InMemory("handover", text)
}
