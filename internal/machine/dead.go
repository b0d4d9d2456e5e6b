package machine

import (
	"encoding/binary"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// fuse is a file system of which this process is the server, and never answers: what has
// asked it for anything waits until it is killed; with asleep, in uninterruptible sleep, as with
// a disk that is gone (kernel Documentation/filesystems/fuse.rst).
func (m *Machine) fuse(asleep bool) *os.File {
	m.T.Helper()
	f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		m.T.Skipf("no file system that never answers can be made here: %v", err)
	}
	over, gone := make(chan struct{}), make(chan struct{})
	m.dead = append(m.dead, func() { close(over); <-gone })
	fd, _ := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0) // with a close that waits for no reader, as that of f does
	go func() {
		defer close(gone)
		defer f.Close()
		defer unix.Close(fd)
		request := make([]byte, 64<<10)
		for {
			select {
			case <-over:
				return
			default:
			}
			if n, _ := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 50); n > 0 && asleep {
				answerInit(fd, request)
			} else if n > 0 {
				<-over
			}
		}
	}()
	return f
}

// answerInit takes a request of the kernel, and answers only the first.
func answerInit(fd int, request []byte) {
	n, err := unix.Read(fd, request)
	const header, opInit = 40, 26 // fuse_in_header, FUSE_INIT (linux/fuse.h)
	if err != nil || n < header || binary.NativeEndian.Uint32(request[4:]) != opInit {
		return
	}
	answer := make([]byte, 16+64) // fuse_out_header, fuse_init_out
	binary.NativeEndian.PutUint32(answer, uint32(len(answer)))
	copy(answer[8:16], request[8:16]) // unique
	binary.NativeEndian.PutUint32(answer[16:], 7)
	binary.NativeEndian.PutUint32(answer[20:], 31)
	binary.NativeEndian.PutUint32(answer[36:], 4096) // max_write
	unix.Write(fd, answer)
}

// Dies puts a file system that never answers over a directory of a machine that runs.
func (m *Machine) Dies(dir string) {
	m.T.Helper()
	f := m.fuse(false)
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and not unlocked: the thread ends with its namespace
		done <- func() error {
			ns, err := os.Open(fmt.Sprintf("/proc/%d/ns/mnt", m.PID()))
			if err != nil {
				return err
			}
			defer ns.Close()
			if err := unix.Unshare(unix.CLONE_FS); err != nil { // as setns(2) wants it
				return err
			}
			if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNS); err != nil {
				return err
			}
			return unix.Mount("dead", dir, "fuse", 0, fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0", f.Fd()))
		}()
	}()
	m.Must(<-done)
}

// Revive ends those file systems: what waits for them gets an error.
func (m *Machine) Revive() {
	for _, end := range m.dead {
		end()
	}
	m.dead = nil
}
