package cluster

import "time"

// pace is how often a connected peer is asked for a sign of life; all of it follows from
// the time after which one without is cut.
type pace struct {
	steady time.Duration // between two requests as long as all is well
	miss   time.Duration // without a reply for so long, one is missed
	burst  time.Duration // between two requests from then on, until a sign comes
	alert  time.Duration // between two for a while after that
	calm   time.Duration // how long that is
	dead   time.Duration // without a sign for so long, the peer is
}

// paceOf keeps within the window some twenty requests for whoever lost one. With 20 % of
// all packets lost each way, a reply is missed in 36 of 100 cases, twenty in a row in one
// of 10⁹; a delay of 500 ms leaves replies to a dozen of them time to come.
func paceOf(timeout time.Duration) pace {
	return pace{
		steady: timeout / 3, miss: timeout / 8, burst: timeout / 30, alert: timeout / 15,
		calm: 10 * timeout / 3, dead: timeout,
	}
}

// enoughAsked is how many requests have to be without a reply before a peer is dead, however
// long it is silent: who was not asked has not failed to answer.
const enoughAsked = 8

// reach is what is known of the way to a connected peer.
type reach struct {
	sign     time.Duration // the last sign
	sent     time.Duration // the last request
	waiting  time.Duration // the first request since the last sign; 0: none yet
	asked    int           // requests since the last sign
	alert    time.Duration // until then it is asked often
	tcpAsked time.Duration // when it was last asked by TCP
	echoes   bool          // it answers echo requests
}

// signed notes a sign.
func (r *reach) signed(at time.Duration) {
	r.sign, r.waiting, r.asked = at, 0, 0
}

// missed says that a reply is overdue.
func (r *reach) missed(p *pace, at time.Duration) bool {
	return r.waiting != 0 && at-r.waiting >= p.miss
}

// due is when something is to be done about the peer.
func (r *reach) due(p *pace, at time.Duration) time.Duration {
	next := p.steady
	switch {
	case r.missed(p, at):
		next = p.burst
	case at < r.alert:
		next = p.alert
	}
	due := r.sent + next
	if r.waiting != 0 && !r.missed(p, at) {
		due = min(due, r.waiting+p.miss)
	}
	return due
}

// early is how much before it is due a request may be made, where the monitor is awake: peers
// that are well are asked together then, because a wake costs more than a request.
func (r *reach) early(p *pace, at time.Duration) time.Duration {
	if r.waiting != 0 || at < r.alert {
		return 0
	}
	return p.steady / 8
}

// ask notes a request. tcp: it is to be made by TCP too, because no echo has ever come,
// or the last ones have not.
func (r *reach) ask(p *pace, at time.Duration) (tcp bool) {
	r.sent = at
	r.asked++
	if r.waiting == 0 {
		r.waiting = at
	}
	every := p.steady
	if r.missed(p, at) {
		r.alert = at + p.calm
		every = p.dead / 6
	} else if r.echoes {
		return false
	}
	if at-r.tcpAsked < every {
		return false
	}
	r.tcpAsked = at
	return true
}

// dead says that the peer gave no sign for too long, though it was asked.
func (r *reach) dead(p *pace, at time.Duration) bool {
	return p.dead > 0 && r.asked >= enoughAsked && at-r.sign >= p.dead
}

// well says that nothing is amiss: the last sign is fresh, or none was asked for since.
func (r *reach) well(p *pace, at time.Duration) bool { return !r.missed(p, at) }
