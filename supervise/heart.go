package supervise

import (
	"time"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/fault"
	"github.com/beaminit/beaminit/internal/proc"
	"github.com/beaminit/beaminit/supervise/datagram"
	"github.com/beaminit/beaminit/supervise/heart"
	"github.com/beaminit/beaminit/supervise/policy"
	"golang.org/x/sys/unix"
)

// heartSocket is what the loop knows of the release's heart.
type heartSocket struct {
	fd       int // 0: there is none yet
	uid      int // the user whose heart is listened to, and 1 more; 0: none
	messages chan heart.Message
}

// listen makes the socket on which the release's heart speaks, once; only the
// user of the release may write to it. It is kept when PID 1 executes itself anew, and never
// closed: who closes it waits for what came along with what lies there (see datagram.HasFiles).
func (h *heartSocket) listen(uid int, guard func()) error {
	if h.uid != 0 {
		return nil
	}
	if h.fd > 0 {
		datagram.Grant(heart.Socket, uid, 0o600)
	} else {
		fd, err := datagram.Listen(heart.Socket, uid, 0o600)
		if err != nil {
			return err
		}
		h.fd = fd
	}
	h.uid = uid + 1
	go h.read(h.fd, uid, guard)
	return nil
}

// listenHeart has the heart of that user listened to.
func (l *Loop) listenHeart(uid int) {
	if err := l.heart.listen(uid, l.guard); err != nil {
		l.Console.Say(health.Err, "socket "+heart.Socket+": "+err.Error()+"; the release's heart acts on its own")
	}
}

// read hands on what comes from a process of the release.
func (h *heartSocket) read(fd, uid int, guard func()) {
	defer guard()
	var b [heart.MessageSize + 1]byte
	for {
		fds := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds[:], -1); err == unix.EINTR {
			continue
		}
		n, from, err := datagram.Take(fd, b[:])
		if err == unix.EAGAIN {
			continue
		}
		if err != nil {
			return
		}
		fault.At("heart")
		m, ok := heart.DecodeMessage(b[:n])
		if ok && (int(from.Uid) == uid || from.Uid == 0) && proc.Descends(int(from.Pid), m.PID) {
			h.messages <- m
		}
		time.Sleep(datagram.Pace)
	}
}

// resumeRunning sets the timers of a release that the PID 1 before this one had.
func (l *Loop) resumeRunning() {
	s := &l.state
	s.HeardAt = now()
	if s.Kill == policy.KillDump || s.Kill == policy.KillSent {
		l.timers.set(policy.KillTimer, s.Policy.DumpTimeout)
	}
	if l.Resume.HeartUID != 0 {
		l.listenHeart(l.Resume.HeartUID - 1)
	}
	if l.heart.uid == 0 {
		s.BeatAt = 0 // nobody hears the next one
	}
	if s.BeatAt != 0 {
		l.timers.set(policy.BeatTimer, s.BeatSpan+policy.BeatSlack)
	}
	if s.Policy.StartTimeout > 0 && !s.Ready {
		l.timers.set(policy.StartTimer, s.Policy.StartTimeout)
	}
}

// handleHeart deals with a message of the release's heart.
func (l *Loop) handleHeart(m heart.Message) {
	if m.Kind != heart.DownAsked {
		l.step(policy.Event{Kind: policy.Heard, Heart: m})
		return
	}
	if m.PID != l.state.PID {
		return
	}
	action := policy.Action(config.Reboot)
	switch m.Action {
	case heart.PowerOff:
		action = config.PowerOff
	case heart.Halt:
		action = config.Halt
	}
	const who = "the release (heart)"
	if m.Now {
		l.Console.Say(health.Notice, string(action)+" at once asked for by "+who+": nothing is written or unmounted any more")
		l.Console.Say(health.Err, l.Down.AtOnce(action).Error())
	}
	l.stop(action, who, m.Now)
}
