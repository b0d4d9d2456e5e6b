package cluster

import "encoding/binary"

// Answer is what a probe of a distribution port found.
type Answer byte

// The answers, from best to worst.
const (
	Answered   Answer = iota + 1 // the handshake was answered
	Refused                      // nothing listens
	Silent                       // connected, but no answer in time: a stopped or wedged VM
	Unanswered                   // no connection in time: the machine is off, or cut off
	Strange                      // something answers that does not speak the distribution protocol
)

// Flags of the handshake: those that every node since OTP 23 sets (OTP's
// erts/emulator/beam/dist.h). A node that finds a mandatory one missing logs an
// error, and the probe must leave no trace. DFLAG_NAME_ME is not among them: with
// it the VM would make a new atom for each probe, and atoms are never freed.
const probeFlags = 0x403070f94

// sendName is the handshake's first message in the form of OTP 23 and newer:
// length, 'N', flags, creation, length of the name, the name. What follows are status and
// challenge (OTP's erl_dist_protocol). It needs no cookie, ends before authentication, and
// nothing is logged by the node. A TCP connection alone proves nothing: the kernel accepts
// it for a stopped VM too.
func sendName(name string) []byte {
	m := binary.BigEndian.AppendUint16(nil, uint16(1+8+4+2+len(name)))
	m = append(m, 'N')
	m = binary.BigEndian.AppendUint64(m, probeFlags)
	m = binary.BigEndian.AppendUint32(m, 1)
	m = binary.BigEndian.AppendUint16(m, uint16(len(name)))
	return append(m, name...)
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

// challenger is the name of the node in an answer that judge took; empty where it has none.
func challenger(b []byte) string {
	const fixed = 1 + 8 + 4 + 4 + 2 // 'N', flags, challenge, creation, length of the name
	_, rest, _ := packet(b)
	challenge, _, ok := packet(rest)
	if !ok || len(challenge) < fixed || challenge[0] != 'N' {
		return ""
	}
	name := challenge[fixed:]
	return string(name[:min(len(name), int(binary.BigEndian.Uint16(challenge[fixed-2:])))])
}

// mandatoryFlags are those of which OTP 26 and all after it refuse a node that lacks one
// (DFLAG_DIST_MANDATORY of erts/emulator/beam/dist.h; those of OTP 25 are among them). OTP 24
// is the first that has them all.
const mandatoryFlags = 0x403060f94

// flagsOf are the flags in an answer that judge took; 0 where it has none.
func flagsOf(b []byte) uint64 {
	_, rest, _ := packet(b)
	challenge, _, ok := packet(rest)
	if !ok || len(challenge) < 1+8 || challenge[0] != 'N' {
		return 0
	}
	return binary.BigEndian.Uint64(challenge[1:])
}

// incompatible says that of two nodes with these flags, where both are known, one lacks what the
// other has and may want.
func incompatible(a, b uint64) bool { return a != 0 && b != 0 && (a^b)&mandatoryFlags != 0 }

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
