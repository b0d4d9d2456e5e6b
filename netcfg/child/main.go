package child

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/beaminit/beaminit/internal/footprint"
	"github.com/beaminit/beaminit/internal/proc"
	"github.com/beaminit/beaminit/internal/seccomp"
	"github.com/beaminit/beaminit/netcfg"
	"golang.org/x/sys/unix"
)

// allowed is what the child needs of the kernel: sockets of UDP, of packets and of links,
// and files for its leases.
var allowed = seccomp.List{
	Calls:    slices.Concat(seccomp.Files, seccomp.Sockets),
	Families: []uint32{unix.AF_INET, unix.AF_INET6, unix.AF_NETLINK, unix.AF_PACKET},
}

// Main is the process: its argument is netcfg.Orders as JSON, it writes a line for each
// report to its standard output, and ends when its standard input does, for then PID 1 has
// become another program and starts a child of its own.
func Main(args []string) int {
	if len(args) != 2 {
		os.Stderr.WriteString(netcfg.ChildName + ": is for PID 1 to call\n")
		return 2
	}
	l := loop{news: make(chan news), advert: make(chan advert), changed: make(chan struct{}, 1)}
	if err := json.Unmarshal([]byte(args[1]), &l.orders); err != nil {
		os.Stderr.WriteString(netcfg.ChildName + ": orders: " + err.Error() + "\n")
		return 2
	}
	footprint.Small()
	proc.SetName(netcfg.ChildName) // not "exe"
	_ = seccomp.Apply(allowed)     // PID 1 says where the kernel cannot
	go func() {
		var b [64]byte
		for {
			if n, err := os.Stdin.Read(b[:]); n == 0 && err != nil {
				os.Exit(0)
			}
		}
	}()
	if err := l.run(); err != nil {
		os.Stderr.WriteString(netcfg.ChildName + ": " + err.Error() + "\n")
	}
	return 1
}

// loop owns all that the child knows; the goroutines beside it send it news.
type loop struct {
	orders   netcfg.Orders
	plan     netcfg.Plan // without the host name, which is PID 1's
	links    []link
	news     chan news
	advert   chan advert
	changed  chan struct{} // a link came, went or changed
	say      []string
	reported string // the last report, without what it said
}

// link is one link of the plan, as it is now.
type link struct {
	netcfg.LinkStatus
	lease  *netcfg.Lease
	local  netip.Prefix // link-local; not valid: none
	dns    advertised
	cancel context.CancelFunc // of what runs while there is a carrier; nil: nothing does
	done   chan struct{}
	kept   time.Time // when its lease was last written for the next boot
}

// run does not return unless the kernel says nothing of links any more.
func (l *loop) run() error {
	l.plan = l.orders.Plan
	l.plan.Hostname = ""
	l.links = make([]link, len(l.plan.Links))
	for i := range l.links {
		if l.plan.Links[i].DHCP {
			l.links[i].lease = recall(&l.orders, l.plan.Links[i].Interface)
		}
	}
	failed := make(chan error, 2)
	watch, err := netcfg.OpenWatch()
	if err != nil {
		return err
	}
	go func() {
		for {
			if _, err := watch.Wait(time.Hour); err != nil {
				failed <- err
				return
			}
			l.touch()
		}
	}()
	go func() { failed <- listenAdverts(l.advert) }()
	timer := time.NewTimer(0)
	l.touch() // for what happened before the watch was open
	for {
		select {
		case <-l.changed:
			l.relink()
		case n := <-l.news:
			l.take(n)
		case a := <-l.advert:
			l.hear(a)
		case <-timer.C:
			l.expire()
		case err := <-failed:
			return err
		}
		if err := l.report(); err != nil {
			return err
		}
		timer.Reset(l.nextEnd())
	}
}

// touch has the links looked at. It never waits: one time is enough for all that happened.
func (l *loop) touch() {
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// relink brings the links to what the plan says, and starts or ends what needs a carrier.
func (l *loop) relink() {
	status := l.plan.Apply()
	for i := range l.links {
		k, now := &l.links[i], status.Links[i]
		for n, err := range now.Errs {
			if n >= len(k.Errs) || k.Errs[n].Error() != err.Error() {
				l.say = append(l.say, err.Error())
			}
		}
		replugged := k.Index != now.Index
		k.LinkStatus = now
		carrier := now.State == netcfg.Ready || now.State == netcfg.NoAddress
		if k.cancel != nil && (!carrier || replugged) {
			k.stop()
		}
		if replugged {
			k.dns, k.local = advertised{}, netip.Prefix{}
		}
		if carrier && k.cancel == nil {
			l.start(i)
		}
	}
}

func (k *link) stop() {
	k.cancel()
	<-k.done
	k.cancel = nil
}

// start runs what the link needs while it has a carrier.
func (l *loop) start(i int) {
	k, plan := &l.links[i], &l.plan.Links[i]
	if !plan.DHCP && !plan.LinkLocal {
		return
	}
	ifi, err := net.InterfaceByIndex(k.Index)
	if err != nil {
		l.say = append(l.say, err.Error())
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	k.cancel, k.done = cancel, make(chan struct{})
	var running sync.WaitGroup
	if plan.DHCP {
		lease := k.lease
		if lease != nil { // the kernel has lost its routes, or never had them
			l.set(i, nil, lease)
		}
		c := client{i, ifi, l.orders.Plan.Hostname, l.news}
		running.Add(1)
		go func() {
			defer running.Done()
			c.run(ctx, lease)
		}()
	}
	if plan.LinkLocal {
		c := local{i, ifi, l.news}
		running.Add(1)
		go func() {
			defer running.Done()
			c.run(ctx)
		}()
	}
	go func(done chan struct{}) {
		running.Wait()
		close(done)
	}(k.done)
}

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

// report writes what has changed since the last report.
func (l *loop) report() error {
	var r netcfg.Report
	for i := range l.links {
		k := &l.links[i]
		plan := &l.plan.Links[i]
		one := netcfg.LinkReport{
			Name:   plan.Interface,
			Device: k.Device,
			State:  k.state(plan).String(),
			Lease:  k.lease,
			RA:     k.dns.all(k.Device),
		}
		if k.local.IsValid() {
			one.Local = k.local.String()
		}
		if len(k.Errs) > 0 {
			one.Why = k.Errs[0].Error()
		}
		r.Links = append(r.Links, one)
	}
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if string(text) == l.reported && len(l.say) == 0 {
		return nil
	}
	l.reported = string(text)
	for len(l.say) > 0 { // more than one report may hold goes with the next
		n := min(len(l.say), maxSay)
		r.Say, l.say = l.say[:n], l.say[n:]
		if text, err = json.Marshal(r); err != nil {
			return err
		}
		if len(l.say) > 0 {
			if _, err := os.Stdout.Write(append(text, '\n')); err != nil {
				return err
			}
		}
	}
	_, err = os.Stdout.Write(append(text, '\n'))
	return err
}

// maxSay is how many lines one report says.
const maxSay = 16

// state is that of the link with what the network gave it.
func (k *link) state(plan *netcfg.Link) netcfg.State {
	if k.State != netcfg.NoAddress || plan.DHCP && k.lease == nil || !plan.DHCP && plan.LinkLocal && !k.local.IsValid() {
		return k.State
	}
	return netcfg.Ready
}
