package supervise

import (
	"time"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/fault"
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

// messagePace is the time between two messages of a heart that are taken: who sends more
// has to wait, and PID 1 does not.
const messagePace = 20 * time.Millisecond

// listenHeart makes the socket on which the release's heart speaks, once; only the
// user of the release may write to it. It is kept when PID 1 executes itself anew, and never
// closed: who closes it waits for what came along with what lies there (see laden).
func (l *Loop) listenHeart(uid int) {
	if l.heart.uid != 0 {
		return
	}
	if l.heart.fd > 0 {
		grant(heart.Socket, uid, 0o600)
	} else {
		fd, err := listenDatagrams(heart.Socket, uid, 0o600)
		if err != nil {
			l.Console.Say(health.Err, "socket "+heart.Socket+": "+err.Error()+"; the release's heart acts on its own")
			return
		}
		l.heart.fd = fd
	}
	l.heart.uid = uid + 1
	go l.readHeart(l.heart.fd, uid)
}

// readHeart hands on what comes from a process of the release.
func (l *Loop) readHeart(fd, uid int) {
	defer func() { l.crashed(recover()) }()
	var b [heart.MessageSize + 1]byte
	for {
		fds := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds[:], -1); err == unix.EINTR {
			continue
		}
		n, from, err := take(fd, b[:])
		if err == unix.EAGAIN {
			continue
		}
		if err != nil {
			return
		}
		fault.At("heart")
		m, ok := heart.DecodeMessage(b[:n])
		if ok && (int(from.Uid) == uid || from.Uid == 0) && descends(int(from.Pid), m.PID) {
			l.heart.messages <- m
		}
		time.Sleep(messagePace)
	}
}

// resumeRunning sets the timers of a release that the PID 1 before this one had.
func (l *Loop) resumeRunning() {
	s := &l.state
	s.HeardAt = now()
	if s.Kill == policy.KillDump || s.Kill == policy.KillSent {
		l.setTimer(policy.KillTimer, s.Policy.DumpTimeout)
	}
	if l.Resume.HeartUID != 0 {
		l.listenHeart(l.Resume.HeartUID - 1)
	}
	if l.heart.uid == 0 {
		s.BeatAt = 0 // nobody hears the next one
	}
	if s.BeatAt != 0 {
		l.setTimer(policy.BeatTimer, s.BeatSpan+policy.BeatSlack)
	}
	if s.Policy.StartTimeout > 0 && !s.Ready {
		l.setTimer(policy.StartTimer, s.Policy.StartTimeout)
	}
}

// handleHeart deals with a message of the release's heart.
func (l *Loop) handleHeart(m heart.Message) {
	if m.Kind != heart.ActionAsked {
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
