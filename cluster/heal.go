package cluster

import "time"

// heal is what is done about a peer that is not connected: it is asked for a handshake
// again and again, and the release is told to connect to one that answers.
type heal struct {
	next     time.Duration // when to ask again
	attempts int           // how often the release was told to connect, since that last helped
	brake    time.Duration // the next pause after an attempt that came to nothing
	respect  time.Duration // until then it is left alone: a release has ended the connection
	lost     bool          // it was connected once
	gone     time.Duration // when its last connection ended
	ended    time.Duration // when that connection ended, while all was well; 0: it was not well
}

// LongestBrake is the longest pause between two attempts of what comes to nothing.
const LongestBrake = time.Minute

// askWhyAfter is after how many attempts that came to nothing it is asked why.
const askWhyAfter = 2

// answeredSoon is how soon after the end of its connection a peer has to answer for that
// end to have been asked for: a VM that ended takes longer to come again.
const answeredSoon = time.Second

// steadyAfter is how long a connection has to last for the attempts before it to be forgotten.
const steadyAfter = 30 * time.Second

// disconnected notes the end of the connection. well: the peer was alive, and nobody here cut it.
func (h *heal) disconnected(at time.Duration, well bool) {
	h.lost, h.next, h.gone, h.ended = true, at, at, 0
	if well {
		h.ended = at
	} else {
		h.attempts, h.brake = 0, 0
	}
}

// connected notes that there is a connection, and says whether that is the release's merit
// after it was told, for a peer that had been lost.
func (h *heal) connected(at time.Duration) (healed bool) {
	healed = h.lost && h.attempts > 0
	h.respect, h.ended = 0, 0
	return healed
}

// forgive ends the respect for a disconnection that came after the time at which another
// peer was cut off: not a release asked for it, but OTP, which makes a partition whole by
// ending further connections (prevent_overlapping_partitions of kernel(6)).
func (h *heal) forgive(cut, at time.Duration) {
	if at < h.respect && h.gone >= cut {
		h.respect, h.next, h.attempts, h.brake = 0, at, 0, 0
	}
}

// lasted forgets the attempts, once a connection has lasted.
func (h *heal) lasted() { h.attempts, h.brake = 0, 0 }

// outcome takes over what a handshake with the peer came to, and says how it stands with
// it, and whether to tell the release.
func (h *heal) outcome(w *Watch, d *dial, node string, at time.Duration) (s PeerState, tell bool) {
	h.next = at + w.Heal
	if d.answer != Answered {
		h.ended, h.respect, h.attempts, h.brake = 0, 0, 0, 0
		switch {
		case d.answer == Refused:
			return NotListening, false
		case !d.met:
			return Unreachable, false
		case d.answer == Strange && judgeTLS(d.have) == Answered: // it speaks TLS, and this node does not
			return OtherCookie, false
		}
		return Down, false
	}
	if h.ended != 0 && at-h.ended < answeredSoon {
		h.respect = h.ended + w.Respect
	}
	h.ended = 0
	if name := challenger(d.have); name != "" && node != "" && name != node {
		return OtherName, false
	}
	if at < h.respect || !w.Healing {
		return Disconnected, false
	}
	s = NotSeen
	if h.attempts >= askWhyAfter {
		s = OtherCookie
	}
	h.attempts++
	if h.attempts > askWhyAfter {
		h.brake = min(max(2*h.brake, w.Heal), LongestBrake)
		h.next = max(h.next, at+h.brake)
	}
	return s, true
}
