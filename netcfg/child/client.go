package child

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"

	"github.com/beaminit/beaminit/internal/clock"
	"github.com/beaminit/beaminit/netcfg"
	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/nclient4"
)

// client is DHCPv4 on one link, for as long as that has a carrier. It changes nothing on
// the node: what it got goes to the loop, as news.
type client struct {
	link     int            // index in the plan
	ifi      *net.Interface // to send by
	hostname string         // of this node, for the server's records; empty: it has none
	news     chan<- news
}

// news is what a client says to the loop.
type news struct {
	link  int
	lease *netcfg.Lease // nil: what there was is not to be used any more
	say   []string      // for the console
	local *netip.Prefix // not nil: the link-local address is this, or (not valid) there is none
	only  bool          // the lease is as it was: there is only something to say
}

// Pace of requests (RFC 2131, 4.1): doubled from first to longest, with jitter so that
// nodes that were powered on at once do not ask at once for ever.
const (
	firstWait   = 2 * time.Second
	longestWait = 64 * time.Second
)

// soonest is how long after a lease came it is renewed at least, where it lasts so long: a
// server may want it at once (T1 of 0), and again.
const soonest = 5 * time.Second

func jitter(d time.Duration) time.Duration {
	return d - d/8 + time.Duration(rand.Int64N(int64(d)/4))
}

// run keeps a lease until ctx ends: the states of RFC 2131, figure 5. old is what the link
// had before; nil: nothing.
func (c *client) run(ctx context.Context, old *netcfg.Lease) {
	lease := old
	if old != nil {
		lease = c.reboot(ctx, old)
	}
	for ctx.Err() == nil {
		if lease == nil {
			if lease = c.discover(ctx, longestWait, true); lease == nil {
				return
			}
		}
		lease = c.renew(ctx, lease)
	}
}

func (c *client) tell(ctx context.Context, n news) {
	n.link = c.link
	select {
	case c.news <- n:
	case <-ctx.Done():
	}
}

// reboot asks whether the lease of before is still good (INIT-REBOOT). A server that
// refuses it is asked for another. Where none answers it is used for as long as it
// lasts (RFC 2131, 3.2): a node that starts beside a dead server is on the network.
func (c *client) reboot(ctx context.Context, old *netcfg.Lease) *netcfg.Lease {
	for wait := time.Second; wait <= 2*time.Second; wait *= 2 {
		own := dhcpv4.OptRequestedIPAddress(old.Address.Addr().AsSlice())
		lease, err := c.ask(ctx, nil, wait, old.Address.Addr(), dhcpv4.WithOption(own))
		if isNak(err) {
			c.tell(ctx, news{say: []string{"the DHCP server does not give " + old.Address.Addr().String() + " any more"}})
			return nil
		}
		if lease != nil {
			return lease
		}
	}
	// A server of another network may be silent about the address, and offer its own.
	if lease := c.discover(ctx, firstWait, false); lease != nil || ctx.Err() != nil {
		return lease
	}
	if left(old) < time.Second {
		return nil
	}
	c.tell(ctx, news{lease: old, say: []string{fmt.Sprintf("no DHCP server answers; %s is used for the %v that the last lease has left",
		old.Address, left(old).Round(time.Second))}})
	return old
}

// discover asks all servers for a lease until one gives it. The wait for an answer doubles
// up to longest; unless forever, that is the last one.
func (c *client) discover(ctx context.Context, longest time.Duration, forever bool) *netcfg.Lease {
	said := false
	for wait := firstWait; ctx.Err() == nil; wait = min(2*wait, longest) {
		lease, err := c.request(ctx, jitter(wait))
		if lease != nil {
			return lease
		}
		if !forever && wait >= longest {
			return nil
		}
		if wait > firstWait && !said && ctx.Err() == nil {
			said = true
			c.tell(ctx, news{only: true, say: []string{"no lease: " + err.Error() + "; the node goes on asking"}})
		}
		var refused *nclient4.ErrNak
		if err != nil && (errors.As(err, &refused) || !errors.Is(err, nclient4.ErrNoResponse)) {
			sleep(ctx, firstWait) // RFC 2131, 3.1, 5: a client that is refused does not ask again at once
		}
	}
	return nil
}

// request is one discover, offer, request, acknowledge.
func (c *client) request(ctx context.Context, wait time.Duration) (*netcfg.Lease, error) {
	cl, err := broadcast(c.ifi, nclient4.WithTimeout(wait), nclient4.WithRetry(1))
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	got, err := cl.Request(ctx, c.modifiers()...)
	if err != nil {
		return nil, plain(err)
	}
	return c.take(ctx, got.ACK)
}

// modifiers are what every message to a server has.
func (c *client) modifiers(more ...dhcpv4.Modifier) []dhcpv4.Modifier {
	m := []dhcpv4.Modifier{dhcpv4.WithRequestedOptions(
		dhcpv4.OptionSubnetMask, dhcpv4.OptionClasslessStaticRoute, dhcpv4.OptionRouter, dhcpv4.OptionDomainNameServer, dhcpv4.OptionHostName,
		dhcpv4.OptionDomainName, dhcpv4.OptionDNSDomainSearchList, dhcpv4.OptionInterfaceMTU, dhcpv4.OptionNTPServers)}
	if c.hostname != "" {
		m = append(m, dhcpv4.WithOption(dhcpv4.OptHostName(c.hostname)))
	}
	return append(m, more...)
}

// take takes over what a server acknowledged.
func (c *client) take(ctx context.Context, ack *dhcpv4.DHCPv4) (*netcfg.Lease, error) {
	lease, say, err := leaseOf(ack)
	if err != nil {
		return nil, err
	}
	c.tell(ctx, news{lease: &lease, say: say})
	return &lease, nil
}

// ask sends one request for an address that the node has or had: to one server, or (nil)
// to all.
func (c *client) ask(ctx context.Context, server net.IP, wait time.Duration, own netip.Addr,
	more ...dhcpv4.Modifier) (*netcfg.Lease, error) {
	opts := []nclient4.ClientOpt{nclient4.WithTimeout(wait), nclient4.WithRetry(1)}
	var cl *nclient4.Client
	var err error
	if server != nil {
		cl, err = unicast(c.ifi, own.AsSlice(), server, opts...)
	} else {
		cl, err = broadcast(c.ifi, opts...)
	}
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	more = append(more,
		dhcpv4.WithHwAddr(c.ifi.HardwareAddr),
		dhcpv4.WithMessageType(dhcpv4.MessageTypeRequest),
		dhcpv4.WithOption(dhcpv4.OptMaxMessageSize(nclient4.MaxMessageSize)))
	msg, err := dhcpv4.New(c.modifiers(more...)...)
	if err != nil {
		return nil, err
	}
	answers := nclient4.IsMessageType(dhcpv4.MessageTypeAck, dhcpv4.MessageTypeNak)
	answer, err := cl.SendAndRead(ctx, nclient4.DefaultServers, msg, answers)
	if err != nil {
		return nil, plain(err)
	}
	if answer.MessageType() == dhcpv4.MessageTypeNak {
		return nil, &nclient4.ErrNak{Nak: answer}
	}
	return c.take(ctx, answer)
}

// renew keeps a lease: it asks its server from T1 on, any server from T2 on. It gives the
// lease that it got; nil: it was refused, or is over.
func (c *client) renew(ctx context.Context, l *netcfg.Lease) *netcfg.Lease {
	if l.Seconds == netcfg.Forever {
		<-ctx.Done()
		return nil
	}
	// However soon its server wants to be asked again.
	sleep(ctx, min(time.Duration(l.Seconds)*time.Second/2, soonest))
	for ctx.Err() == nil {
		now := uint32((clock.Boottime() - time.Duration(l.Since)) / time.Second)
		var server net.IP
		until := l.Seconds
		switch {
		case now < l.Renew:
			sleep(ctx, time.Duration(l.Renew-now)*time.Second)
			continue
		case now < l.Rebind:
			server, until = l.Server.AsSlice(), l.Rebind
		case now >= l.Seconds:
			c.tell(ctx, news{say: []string{"the lease of " + l.Address.String() + " is over, and no DHCP server renewed it"}})
			return nil
		}
		wait := max(time.Second, min(longestWait, time.Duration(until-now)*time.Second/2))
		begun := clock.Boottime()
		got, err := c.ask(ctx, server, min(wait, 4*time.Second), l.Address.Addr(), dhcpv4.WithClientIP(l.Address.Addr().AsSlice()))
		if isNak(err) {
			c.tell(ctx, news{say: []string{"the DHCP server refused to renew " + l.Address.String()}})
			return nil
		}
		if got != nil {
			return got
		}
		sleep(ctx, wait-(clock.Boottime()-begun))
	}
	return nil
}

func isNak(err error) bool {
	var nak *nclient4.ErrNak
	return errors.As(err, &nak)
}

// plain is what an error of the library is about, in fewer words.
func plain(err error) error {
	if errors.Is(err, nclient4.ErrNoResponse) {
		return fmt.Errorf("no DHCP server answers%w", silent{err})
	}
	return err
}

// silent is an error that adds no words.
type silent struct{ error }

func (silent) Error() string   { return "" }
func (s silent) Unwrap() error { return s.error }

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
