package heart

import (
	"os"
	"os/signal"
	"time"

	"golang.org/x/sys/unix"
)

// How long the heart waits for the VM to end before it does more about it.
const (
	closedGrace = 5 * time.Second  // after it closed its end
	dumpGrace   = 5 * time.Second  // beyond the time for a crash dump
	initGrace   = 30 * time.Second // beyond that, where PID 1 has been told
	killGrace   = 5 * time.Second
)

// process is the heart at work.
type process struct {
	*Heart
	vm     int // pidfd_open(2) of the VM; -1: the kernel has none
	socket int
	wake   int // read end of a pipe that SIGUSR1 writes to
	say    func(string)
}

// Run is the heart of ERTS, with what that sends on descriptor 0 and takes on 1,
// until the VM has ended. say gets lines for people.
func Run(s Settings, say func(string)) {
	b := process{Heart: New(s, now()), say: say, wake: wakeBySignal()}
	b.vm, _ = unix.PidfdOpen(s.PID, 0)
	b.socket, _ = unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	unix.Write(1, Packet{Op: Ack}.Encode())
	switch end, told := b.run(); end {
	case Await:
		b.finish(told)
	case AwaitEnd:
		if b.ended(closedGrace) {
			return
		}
		m := b.message(Lost)
		m.Reason, m.Span = Closed, closedGrace
		say(m.Why())
		b.finish(b.tell(m))
	}
}

// wakeBySignal gives a descriptor that can be read after a SIGUSR1, by which
// nerves_heart snoozes where heart:set_cmd/1 hangs.
func wakeBySignal() int {
	var p [2]int
	if unix.Pipe2(p[:], unix.O_CLOEXEC|unix.O_NONBLOCK) != nil {
		return -1
	}
	c := make(chan os.Signal, 1)
	signal.Notify(c, unix.SIGUSR1)
	go func() {
		for range c {
			unix.Write(p[1], []byte{0})
		}
	}()
	return p[0]
}

// standstill is how much later than planned the heart has to wake to have stood still.
const standstill = 2 * time.Second

// run takes what comes until nothing does any more. told says that PID 1 knows.
func (b *process) run() (end End, told bool) {
	var in Decoder
	buf := make([]byte, 4096)
	for {
		fds := [2]unix.PollFd{{Fd: 0, Events: unix.POLLIN}, {Fd: int32(b.wake), Events: unix.POLLIN}}
		left := max(b.Due()-now(), 0)
		planned := now() + left
		if _, err := unix.Poll(fds[:], int((left+time.Millisecond-1)/time.Millisecond)); err != nil && err != unix.EINTR {
			return AwaitEnd, false
		}
		if late := now() - planned; late > standstill {
			b.Suspended(late)
		}
		follow := func(next Do) {
			if end == GoOn {
				end = next.End
			}
			told = b.follow(next)
		}
		if fds[1].Revents != 0 {
			unix.Read(b.wake, buf)
			follow(b.Snooze(now()))
		}
		if fds[0].Revents != 0 {
			n, err := unix.Read(0, buf)
			switch {
			case err == unix.EINTR || err == unix.EAGAIN:
			case err != nil || n == 0:
				follow(b.Ended())
			default:
				in.Take(buf[:n], func(p Packet) { follow(b.Delivered(p, now())) })
			}
		}
		if end == GoOn {
			follow(b.Late(now()))
		}
		if end != GoOn {
			return end, told
		}
	}
}

// follow does what is to be done, and says whether PID 1 was told.
func (b *process) follow(do Do) (told bool) {
	if do.Say != "" {
		b.say(do.Say)
	}
	if do.Tell.Kind != 0 {
		told = b.tell(do.Tell)
		if !told && do.Tell.Kind == DownAsked {
			b.say("PID 1 does not hear: nothing follows")
		}
	}
	if do.Answer != nil {
		unix.Write(1, do.Answer)
	}
	return told
}

// tell sends a message to PID 1, if that listens.
func (b *process) tell(m Message) bool {
	data := m.Encode()
	return unix.Sendto(b.socket, data[:], 0, &unix.SockaddrUnix{Name: Socket}) == nil
}

// finish sees to it that the VM ends. Where PID 1 knows, it is the one to do it, and
// this is for the case that it cannot.
func (b *process) finish(told bool) {
	wait := b.Dump + dumpGrace
	if told {
		wait += initGrace
	} else {
		first := unix.SIGUSR1 // it writes its crash dump
		if b.Abort {
			first = unix.SIGABRT
		}
		unix.Kill(b.PID, first)
		unix.Kill(b.PID, unix.SIGCONT) // who is stopped does not hear the other
	}
	if b.ended(wait) {
		return
	}
	b.say("the VM has not ended within " + wait.String() + ": SIGKILL")
	unix.Kill(b.PID, unix.SIGKILL)
	b.ended(killGrace)
}

// ended waits for the end of the VM, and says whether it came.
func (b *process) ended(limit time.Duration) bool {
	for deadline := now() + limit; ; {
		left := deadline - now()
		if left <= 0 {
			return unix.Kill(b.PID, 0) == unix.ESRCH
		}
		if b.vm < 0 { // before Linux 5.3
			if unix.Kill(b.PID, 0) == unix.ESRCH {
				return true
			}
			left = min(left, 50*time.Millisecond) // poll leaves out a descriptor below 0
		}
		fds := [1]unix.PollFd{{Fd: int32(b.vm), Events: unix.POLLIN}}
		if n, _ := unix.Poll(fds[:], int(left/time.Millisecond)+1); n > 0 {
			return true
		}
	}
}

// now is CLOCK_MONOTONIC: a machine that slept has lost no beat.
func now() time.Duration {
	var ts unix.Timespec
	unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts)
	return time.Duration(ts.Nano())
}
