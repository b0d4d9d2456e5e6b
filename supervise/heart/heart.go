package heart

import (
	"strconv"
	"time"
)

// Heart judges a VM by its beats. It is pure: all times are given to it, on any
// clock that does not stop or jump, and what follows is in what it returns.
type Heart struct {
	Settings
	start   time.Duration
	last    time.Duration // of the beats, or a later time from which they count
	shaken  bool          // init_handshake came, or need not come
	snoozed time.Duration // until then nothing is lost
	told    time.Duration // when PID 1 was last told of a beat
	over    bool          // nothing of the VM counts any more
}

// Do is what follows from a packet or from the time; the zero Do is nothing.
type Do struct {
	Answer []byte  // for ERTS
	Tell   Message // for PID 1; Kind 0: nothing
	Say    string  // for the console
	End    End
}

// End says how it goes on.
type End int

// The ends.
const (
	GoOn     End = iota
	Leave        // the VM stops in order: go
	Await        // the VM crashes or is lost: see to it that it ends
	AwaitEnd     // it closed its end: it should have ended
)

// tellPace is how often PID 1 is told of beats, at most.
const tellPace = time.Second

// New begins to judge at the time now.
func New(s Settings, now time.Duration) *Heart {
	return &Heart{Settings: s, start: now, last: now + s.Grace, shaken: s.Init == 0, told: -tellPace}
}

func (h *Heart) message(k Kind) Message {
	return Message{Kind: k, PID: h.PID, Abort: k == Lost && h.Abort}
}

// Delivered deals with a packet of ERTS.
func (h *Heart) Delivered(p Packet, now time.Duration) Do {
	if h.over {
		return Do{}
	}
	switch p.Op {
	case Beat:
		h.last = max(h.last, now)
		if now-h.told < tellPace {
			return Do{}
		}
		h.told = now
		m := h.message(Beats)
		m.Span = max(h.Timeout, h.last-now+h.Timeout)
		return Do{Tell: m}
	case ShutDown:
		h.over = true
		return Do{End: Leave}
	case SetCommand:
		do := h.word(string(p.Data), now)
		do.Answer = Packet{Op: Ack}.Encode()
		return do
	case ClearCommand:
		return Do{Answer: Packet{Op: Ack}.Encode()}
	case GetCommand:
		return Do{Answer: Packet{Command, []byte(h.status(now))}.Encode()}
	case PreparingCrash:
		h.over = true
		return Do{Tell: h.message(Crashing), End: Await}
	}
	return Do{}
}

// Ended deals with the end of what ERTS sends. At halt, init:reboot and a kill the
// VM has ended with it.
func (h *Heart) Ended() Do {
	h.over = true
	return Do{End: AwaitEnd}
}

// Due is the time at which Late has to be asked.
func (h *Heart) Due() time.Duration {
	due := h.last + h.Timeout
	if !h.shaken {
		due = min(due, h.start+h.Init)
	}
	return max(due, h.snoozed)
}

// Suspended is for a heart that woke so much later than it wanted to: it could not run,
// and neither may the VM have. Nobody has missed a beat in that time.
func (h *Heart) Suspended(span time.Duration) {
	h.last += span
	h.start += span
	if h.snoozed != 0 {
		h.snoozed += span
	}
}

// Late deals with the time.
func (h *Heart) Late(now time.Duration) Do {
	if h.over || now < h.Due() {
		return Do{}
	}
	if now >= h.last+h.Timeout {
		return h.declareHung(Silent, (now - h.last).Truncate(time.Second))
	}
	return h.declareHung(NoHandshake, h.Init)
}

// declareHung gives the VM up.
func (h *Heart) declareHung(r Reason, span time.Duration) Do {
	m := h.message(Lost)
	m.Reason, m.Span = r, span
	if h.NoKill {
		h.last, h.shaken = h.last+h.Timeout, true
		return Do{Say: m.Why() + "; it is not killed because of HEART_NO_KILL"}
	}
	h.over = true
	return Do{Tell: m, Say: m.Why(), End: Await}
}

// Snooze lets nothing be lost for a quarter of an hour.
func (h *Heart) Snooze(now time.Duration) Do {
	h.snoozed, h.shaken = now+snooze, true
	h.last = max(h.last, h.snoozed-h.Timeout)
	m := h.message(Snoozed)
	m.Span = snooze
	return Do{Tell: m, Say: "snoozing: nothing is killed or reset for " + snooze.String()}
}

// wordsOf is the version of nerves_heart whose words it takes: nerves_runtime asks for it
// before it says any, and ends the VM where there is none.
const wordsOf = "2.5.0"

// status answers heart:get_cmd/0 with lines of key=value, with the keys of
// nerves_heart where there is something to tell.
func (h *Heart) status(now time.Duration) string {
	number := func(key string, d time.Duration) string {
		return key + "=" + strconv.Itoa(int(max(d, 0)/time.Second)) + "\n"
	}
	shaken, left := "1", time.Duration(0)
	if !h.shaken {
		shaken, left = "0", h.start+h.Init-now
	}
	return "program_name=beaminit\nprogram_version=" + wordsOf + "\n" +
		number("heartbeat_timeout", h.Timeout) +
		number("heartbeat_time_left", h.last+h.Timeout-now) +
		number("init_grace_time_left", h.start+h.Grace-now) +
		number("snooze_time_left", h.snoozed-now) +
		"init_handshake_happened=" + shaken + "\n" +
		number("init_handshake_timeout", h.Init) +
		number("init_handshake_time_left", left)
}
