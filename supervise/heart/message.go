package heart

import (
	"encoding/binary"
	"time"
)

// Socket is where PID 1 hears its release's heart: a datagram socket (unix(7)).
const Socket = "/run/beaminit/heart"

// Kind says what a Message is about.
type Kind byte

// The kinds.
const (
	Beats     Kind = iota + 1 // a beat came; Span is the longest time to the next
	Lost                      // the VM is to be killed: Reason, Span
	Crashing                  // the VM writes its crash dump
	DownAsked                 // the node is to go down: Action, Now
	Snoozed                   // nothing is to be killed for Span
	Unpetted                  // the hardware watchdog is not to be petted any more
	kinds
)

// Reason says why a VM is Lost.
type Reason byte

// The reasons.
const (
	Silent      Reason = iota + 1 // no beat for Span
	NoHandshake                   // no init_handshake within Span
	Closed                        // it closed its end and lives on after Span
	Told                          // disable_vm
	reasons
)

// Action is how a node is asked to go down.
type Action byte

// The actions.
const (
	Reboot Action = iota + 1
	PowerOff
	Halt
	actions
)

// Message is what the heart tells PID 1. Nothing in it is text: whatever is said
// about it is PID 1's own.
type Message struct {
	Kind   Kind
	Reason Reason
	Action Action
	Now    bool // without ending the release in order
	Abort  bool // the VM is to be ended by SIGABRT instead of with a dump (HEART_KILL_SIGNAL)
	PID    int  // of the VM that is meant
	Span   time.Duration
}

// MessageSize is the size of an encoded Message.
const MessageSize = 16

// Encode gives the message's bytes; the span in ms.
func (m Message) Encode() (b [MessageSize]byte) {
	b[0], b[1], b[2], b[3] = 'H', byte(m.Kind), byte(m.Reason), byte(m.Action)
	if m.Now {
		b[4] |= 1
	}
	if m.Abort {
		b[4] |= 2
	}
	binary.LittleEndian.PutUint32(b[8:], uint32(m.PID))
	binary.LittleEndian.PutUint32(b[12:], uint32(m.Span/time.Millisecond))
	return b
}

// DecodeMessage reads a message; ok is false for anything that is none.
func DecodeMessage(b []byte) (m Message, ok bool) {
	if len(b) != MessageSize || b[0] != 'H' || b[4] > 3 || b[5]|b[6]|b[7] != 0 {
		return m, false
	}
	m = Message{
		Kind: Kind(b[1]), Reason: Reason(b[2]), Action: Action(b[3]), Now: b[4]&1 != 0, Abort: b[4]&2 != 0,
		PID:  int(int32(binary.LittleEndian.Uint32(b[8:]))),
		Span: time.Duration(binary.LittleEndian.Uint32(b[12:])) * time.Millisecond,
	}
	switch {
	case m.Kind < Beats || m.Kind >= kinds || m.Reason >= reasons || m.Action >= actions || m.PID <= 0,
		(m.Kind == Lost) != (m.Reason != 0), (m.Kind == DownAsked) != (m.Action != 0):
		return Message{}, false
	}
	return m, true
}

// Why says of a Lost message why the VM is killed.
func (m Message) Why() string {
	switch m.Reason {
	case Silent:
		return "hung: no heart beat for " + m.Span.String()
	case NoHandshake:
		return "hung: no init_handshake within " + m.Span.String()
	case Closed:
		return "hung: it closed its heart, and was still there after " + m.Span.String()
	}
	return "killed because it said disable_vm"
}
