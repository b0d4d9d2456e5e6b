package cluster

import (
	"encoding/binary"
	"time"

	"golang.org/x/sys/unix"
)

// Answer is what a probe of the distribution port found.
type Answer byte

// The answers, from best to worst.
const (
	Answered Answer = iota + 1 // the handshake was answered
	Refused                    // nothing listens
	Silent                     // connected, but no answer in time: a stopped or wedged VM
	Strange                    // something answers that does not speak the distribution protocol
)

// Flags of the handshake: those that every node since OTP 23 sets (OTP's
// erts/emulator/beam/dist.h). A node that finds a mandatory one missing logs an
// error, and the probe must leave no trace. DFLAG_NAME_ME is not among them: with
// it the VM would make a new atom for each probe, and atoms are never freed.
const probeFlags = 0x403070f94

// Probe asks the Erlang node that listens on addr for its handshake: send_name,
// then status and challenge (OTP's erl_dist_protocol). It needs no cookie, ends
// before authentication, and nothing is logged by the node. A TCP connection
// alone proves nothing: the kernel accepts it for a stopped VM too.
func Probe(addr unix.Sockaddr, name string, limit time.Duration) (Answer, time.Duration) {
	return probe(addr, sendName(name), limit, judge)
}

// probe connects, sends one message and has what comes back judged.
func probe(addr unix.Sockaddr, message []byte, limit time.Duration, judge func([]byte) Answer) (Answer, time.Duration) {
	begun := now()
	deadline := begun + limit
	family := unix.AF_INET
	if _, six := addr.(*unix.SockaddrInet6); six {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return Refused, 0
	}
	defer unix.Close(fd)
	if answer := connect(fd, addr, deadline); answer != Answered {
		return answer, now() - begun
	}
	if _, err := unix.Write(fd, message); err != nil {
		return Refused, now() - begun
	}
	answer := readAnswer(fd, deadline, judge)
	return answer, now() - begun
}

func connect(fd int, addr unix.Sockaddr, deadline time.Duration) Answer {
	err := unix.Connect(fd, addr)
	if err == unix.EINPROGRESS {
		if !await(fd, unix.POLLOUT, deadline) {
			return Silent
		}
		if code, _ := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR); code != 0 {
			return Refused
		}
		return Answered
	}
	if err != nil {
		return Refused
	}
	return Answered
}

// sendName is the handshake's first message in the form of OTP 23 and newer:
// length, 'N', flags, creation, length of the name, the name.
func sendName(name string) []byte {
	m := binary.BigEndian.AppendUint16(nil, uint16(1+8+4+2+len(name)))
	m = append(m, 'N')
	m = binary.BigEndian.AppendUint64(m, probeFlags)
	m = binary.BigEndian.AppendUint32(m, 1)
	m = binary.BigEndian.AppendUint16(m, uint16(len(name)))
	return append(m, name...)
}

// readAnswer reads until judge has made up its mind.
func readAnswer(fd int, deadline time.Duration, judge func([]byte) Answer) Answer {
	var b [512]byte
	for have := 0; have < len(b); {
		if !await(fd, unix.POLLIN, deadline) {
			return Silent
		}
		n, err := unix.Read(fd, b[have:])
		if err == unix.EAGAIN || err == unix.EINTR {
			continue
		}
		if err != nil || n <= 0 {
			return Strange
		}
		have += n
		if answer := judge(b[:have]); answer != 0 {
			return answer
		}
	}
	return Strange
}

// judge reads the status and the challenge so far; 0 means that more has to come. Any
// status is an answer, also a refusal ("nok", "alive", "not_allowed"): the net kernel
// had to run to give it. After "ok" the challenge has to come too: a VM whose schedulers
// are taken by busy processes of high priority still sends the status.
func judge(b []byte) Answer {
	status, rest, ok := packet(b)
	if !ok {
		return 0
	}
	if len(status) < 1 || status[0] != 's' {
		return Strange
	}
	if string(status[1:]) != "ok" && string(status[1:]) != "ok_simultaneous" {
		return Answered
	}
	challenge, _, ok := packet(rest)
	if !ok {
		return 0
	}
	if len(challenge) < 1 || challenge[0] != 'N' && challenge[0] != 'n' {
		return Strange
	}
	return Answered
}

// packet takes one message with its two bytes of length off the front of b.
func packet(b []byte) (body, rest []byte, ok bool) {
	if len(b) < 2 {
		return nil, b, false
	}
	n := 2 + int(binary.BigEndian.Uint16(b))
	if len(b) < n {
		return nil, b, false
	}
	return b[2:n], b[n:], true
}

// await waits until fd is ready or the deadline has passed.
func await(fd int, events int16, deadline time.Duration) bool {
	for {
		left := deadline - now()
		if left <= 0 {
			return false
		}
		fds := [1]unix.PollFd{{Fd: int32(fd), Events: events}}
		n, err := unix.Poll(fds[:], int((left+time.Millisecond-1)/time.Millisecond))
		if err == unix.EINTR {
			continue
		}
		return err == nil && n > 0
	}
}

// now is CLOCK_BOOTTIME (clock_gettime(2)): it never jumps, and counts from the
// kernel's own start.
func now() time.Duration {
	var ts unix.Timespec
	unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts)
	return time.Duration(ts.Nano())
}
