package child

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/beaminit/beaminit/netcfg"
)

// take takes over what a client says.
func (l *loop) take(n news) {
	k := &l.links[n.link]
	for _, s := range n.say {
		l.say = append(l.say, l.plan.Links[n.link].Interface+": "+s)
	}
	if n.only {
		return
	}
	if n.local != nil {
		l.setLocal(n.link, *n.local)
		return
	}
	old := k.lease
	k.lease = n.lease
	l.set(n.link, old, n.lease)
	if n.lease == nil {
		return
	}
	if old == nil || old.Address != n.lease.Address || old.Server != n.lease.Server || time.Since(k.kept) > time.Hour {
		k.kept = time.Now()
		if err := keep(&l.orders, l.plan.Links[n.link].Interface, n.lease); err != nil {
			l.say = append(l.say, "the lease is not kept for the next boot: "+err.Error())
		}
	}
}

// setLocal gives a link its link-local address, in the place of the one before.
func (l *loop) setLocal(i int, p netip.Prefix) {
	k := &l.links[i]
	if err := l.plan.SetLocal(i, k.local, p); err != nil {
		l.say = append(l.say, err.Error())
	}
	k.local = p
}

// set gives a link what its lease says.
func (l *loop) set(i int, old, lease *netcfg.Lease) {
	seconds := 0
	if lease != nil {
		// Never 0, which the kernel takes for an address without an end.
		seconds = max(1, int((left(lease)+time.Second-1)/time.Second))
	}
	for _, err := range l.plan.SetLease(i, old, lease, seconds) {
		l.say = append(l.say, err.Error())
	}
}

// expire takes away what is over. A client ends its own leases; this is for links without
// a carrier.
func (l *loop) expire() {
	for i := range l.links {
		k := &l.links[i]
		k.dns.expire()
		if k.lease != nil && k.cancel == nil && left(k.lease) == 0 {
			l.say = append(l.say, fmt.Sprintf("%s: the lease of %s is over, and the link has no carrier",
				l.plan.Links[i].Interface, k.lease.Address))
			l.set(i, k.lease, nil)
			k.lease = nil
		}
	}
}

// nextEnd is how long until expire has something to do; an hour at most.
func (l *loop) nextEnd() time.Duration {
	next := time.Hour
	for i := range l.links {
		k := &l.links[i]
		if k.lease != nil && k.cancel == nil {
			next = min(next, left(k.lease))
		}
		next = min(next, k.dns.nextEnd())
	}
	return max(next, 10*time.Millisecond)
}
