package child

import (
	"context"
	"encoding/json"
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
