package supervise

import (
	"strconv"
	"strings"
	"time"
	"unsafe"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/fault"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/heart"
	"golang.org/x/sys/unix"
)

// earPace is the time between two messages of a heart that are taken: who sends more
// has to wait, and PID 1 does not.
const earPace = 20 * time.Millisecond

// listenHeart makes the socket on which the release's heart speaks, once; only the
// user of the release may write to it.
func (l *Loop) listenHeart(uid int) {
	if l.ear != 0 {
		return
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		unix.Unlink(heart.Socket) // of the PID 1 that fell
		old := unix.Umask(0o177)
		err = unix.Bind(fd, &unix.SockaddrUnix{Name: heart.Socket})
		unix.Umask(old)
		if err == nil {
			err = unix.Chown(heart.Socket, uid, -1)
		}
		if err == nil {
			err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PASSCRED, 1)
		}
		if err != nil {
			unix.Close(fd)
		}
	}
	if err != nil {
		l.Console.Say(health.Err, "socket "+heart.Socket+": "+err.Error()+"; the release's heart acts on its own")
		return
	}
	l.ear = uid + 1
	go l.hear(fd, uid)
}

// hear hands on what comes from a process of the release.
func (l *Loop) hear(fd, uid int) {
	defer func() { l.fell(recover()) }()
	var b [heart.MessageSize + 1]byte
	var room [8]uint64 // aligned for what the kernel puts there
	oob := unsafe.Slice((*byte)(unsafe.Pointer(&room)), unsafe.Sizeof(room))
	for {
		n, oobn, _, _, err := unix.Recvmsg(fd, b[:], oob, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return
		}
		fault.At("heart")
		m, ok := heart.DecodeMessage(b[:n])
		if from := sender(oob[:oobn]); ok && from != nil && (int(from.Uid) == uid || from.Uid == 0) && descends(int(from.Pid), m.PID) {
			l.beats <- m
		}
		time.Sleep(earPace)
	}
}

// resumeRunning sets the timers of a release that the PID 1 before this one had.
func (l *Loop) resumeRunning() {
	s := &l.state
	s.HeardAt = Now()
	if s.Kill == KillDump || s.Kill == KillSent {
		l.setTimer(KillTimer, s.Policy.DumpTimeout)
	}
	if l.Resume.Ear != 0 {
		l.listenHeart(l.Resume.Ear - 1)
	}
	if l.ear == 0 {
		s.BeatAt = 0 // nobody hears the next one
	}
	if s.BeatAt != 0 {
		l.setTimer(BeatTimer, s.BeatSpan+beatSlack)
	}
	if s.Policy.StartTimeout > 0 && !s.Answered {
		l.setTimer(StartTimer, s.Policy.StartTimeout)
	}
}

// sender is who sent a datagram, by the word of the kernel (unix(7), SCM_CREDENTIALS).
func sender(oob []byte) *unix.Ucred {
	if len(oob) < unix.CmsgSpace(unix.SizeofUcred) {
		return nil
	}
	h := (*unix.Cmsghdr)(unsafe.Pointer(&oob[0]))
	if h.Level != unix.SOL_SOCKET || h.Type != unix.SCM_CREDENTIALS {
		return nil
	}
	return (*unix.Ucred)(unsafe.Pointer(&oob[unix.CmsgLen(0)]))
}

// descends says whether a process is below another: the heart is the child of a child
// of the VM.
func descends(pid, from int) bool {
	for depth := 0; depth < 8 && pid > 1; depth++ {
		if pid == from {
			return true
		}
		pid = parent(pid)
	}
	return false
}

// parent is the parent of a process (proc(5), stat); 0 where there is none. The name
// before it is in brackets and may have any.
func parent(pid int) int {
	text := readStart("/proc/" + strconv.Itoa(pid) + "/stat")
	f := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(f) < 2 {
		return 0
	}
	ppid, _ := strconv.Atoi(f[1])
	return ppid
}

// heard deals with a message of the release's heart.
func (l *Loop) heard(m heart.Message) {
	if m.Kind != heart.Asked {
		l.step(Event{Kind: Heard, Heart: m})
		return
	}
	if m.PID != l.state.PID {
		return
	}
	action := Action(config.Reboot)
	switch m.Action {
	case heart.PowerOff:
		action = config.PowerOff
	case heart.Halt:
		action = config.Halt
	}
	l.stop(action, "the release (heart)", m.Now)
}
