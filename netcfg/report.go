package netcfg

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/beaminit/beaminit/config/lex"
	"github.com/beaminit/beaminit/internal/report"
)

// ChildName is the name under which the binary is the network child.
const ChildName = "beaminit-net"

// Orders are what the network child is to do; PID 1 gives them as its argument, as JSON.
type Orders struct {
	Plan     Plan
	StateDir string // where leases are kept over a reboot, a directory of the child's own; empty: nowhere
	RunDir   string // where PID 1 keeps what the child reported of each link, as NAME.json
}

// Report is what the network child tells PID 1: a line of JSON for each change. All that
// a network said is in it as values that ParseReport has checked; nothing else of what a
// network said reaches PID 1.
type Report struct {
	Links []LinkReport
	Say   []string `json:",omitempty"` // for the console, one line each
}

// LinkReport is a link as the network child has it now.
type LinkReport struct {
	Name   string // of its table in the configuration
	Device string `json:",omitempty"`
	State  string // a State
	Why    string `json:",omitempty"` // of a link that failed
	Lease  *Lease `json:",omitempty"` // by DHCP
	Local  string `json:",omitempty"` // its link-local IPv4 address, with the prefix length
	RA     *DNS   `json:",omitempty"` // of router advertisements (RFC 8106)
}

// DNS is what a network says of name servers.
type DNS struct {
	Servers []netip.Addr `json:",omitempty"` // may have the link as zone
	Search  []string     `json:",omitempty"`
}

// Lease is what a DHCPv4 server gave (RFC 2131, 2132, 3442).
type Lease struct {
	Address  netip.Prefix
	Server   netip.Addr
	Routers  []netip.Addr `json:",omitempty"`
	Routes   []LeaseRoute `json:",omitempty"` // where there are any, Routers do not count
	Hostname string       `json:",omitempty"`
	Domain   string       `json:",omitempty"`
	DNS
	NTP     []netip.Addr `json:",omitempty"`
	MTU     int          `json:",omitempty"` // bytes; 0: the server said nothing
	Seconds uint32       // how long it lasts; the highest: for ever
	Renew   uint32       // seconds until it is to be renewed
	Rebind  uint32       // seconds until any server is asked
	Since   int64        // when it began: ns of CLOCK_BOOTTIME
	Boot    string       // of which boot that is: /proc/sys/kernel/random/boot_id
	Until   time.Time    // by the time of day, which another boot has to go by
}

// LeaseRoute is a classless static route.
type LeaseRoute struct {
	To  netip.Prefix
	Via netip.Addr // not valid: on the link
}

// Forever is Lease.Seconds of one that does not end.
const Forever = ^uint32(0)

// Bounds of what a report may hold.
const (
	MaxReport = 64 << 10 // bytes of a line
	maxList   = 16       // addresses, names or routes in one list
)

// ParseReport reads a line that the network child wrote and checks every value in it: p is
// the plan that it was given, and knows the links. What is wrong with a report is an error,
// and then none of it counts.
func (p Plan) ParseReport(line []byte) (r Report, err error) {
	if err := report.Decode(line, MaxReport, &r); err != nil {
		return Report{}, err
	}
	if len(r.Links) > len(p.Links) || len(r.Say) > maxList {
		return Report{}, fmt.Errorf("report of %d links and %d lines", len(r.Links), len(r.Say))
	}
	for i := range r.Links {
		if err := p.checkLink(&r.Links[i]); err != nil {
			return Report{}, err
		}
	}
	for i, s := range r.Say {
		r.Say[i] = report.Text(s)
	}
	return r, nil
}

func (p Plan) checkLink(l *LinkReport) error {
	known := false
	for i := range p.Links {
		known = known || p.Links[i].Interface == l.Name
	}
	if !known || l.Device != "" && !validName(l.Device) {
		return fmt.Errorf("report: %q as %q is no link of the plan", l.Name, l.Device)
	}
	if _, ok := parseState(l.State); !ok {
		return fmt.Errorf("report: %s: %q is no state", l.Name, l.State)
	}
	l.Why = report.Text(l.Why)
	if l.Lease != nil {
		if err := l.Lease.Check(); err != nil {
			return fmt.Errorf("report: %s: %w", l.Name, err)
		}
	}
	if l.Local != "" {
		a, err := netip.ParsePrefix(l.Local)
		if err != nil || !linkLocal.Contains(a.Addr()) {
			return fmt.Errorf("report: %s: %q is no link-local address", l.Name, l.Local)
		}
	}
	if l.RA != nil {
		if err := l.RA.check(); err != nil {
			return fmt.Errorf("report: %s: router advertisement: %w", l.Name, err)
		}
	}
	return nil
}

// linkLocal is the network of RFC 3927.
var linkLocal = netip.MustParsePrefix("169.254.0.0/16")

// Check says what of a lease cannot be: it has been read from a network or from a file.
func (l *Lease) Check() error {
	switch a := l.Address.Addr(); {
	case !a.Is4() || !IsHost(a) || l.Address.Bits() < 1 || l.Address.Bits() > 32:
		return fmt.Errorf("lease of %s: no address of a host", l.Address)
	case !l.Server.Is4():
		return fmt.Errorf("lease of %s: %s is no server", l.Address, l.Server)
	case l.Seconds == 0 || l.Renew > l.Rebind || l.Rebind > l.Seconds:
		return fmt.Errorf("lease of %s: times %d, %d, %d s do not follow each other", l.Address, l.Renew, l.Rebind, l.Seconds)
	case l.MTU != 0 && (l.MTU < 576 || l.MTU > 65535):
		return fmt.Errorf("lease of %s: MTU %d", l.Address, l.MTU)
	case l.Hostname != "" && !DomainName(l.Hostname), l.Domain != "" && !DomainName(l.Domain):
		return fmt.Errorf("lease of %s: host name %.80q, domain %.80q", l.Address, l.Hostname, l.Domain)
	case len(l.Routers) > maxList || len(l.Routes) > maxList || len(l.NTP) > maxList || len(l.Boot) > 36:
		return fmt.Errorf("lease of %s: a list with more than %d entries", l.Address, maxList)
	}
	for _, a := range append(append([]netip.Addr(nil), l.Routers...), l.NTP...) {
		if !a.Is4() || !IsHost(a) {
			return fmt.Errorf("lease of %s: %s is no address of a host", l.Address, a)
		}
	}
	for _, r := range l.Routes {
		to4 := r.To.IsValid() && r.To.Addr().Is4()
		via4 := !r.Via.IsValid() || r.Via.Is4() && IsHost(r.Via)
		if !to4 || !via4 {
			return fmt.Errorf("lease of %s: no route to %s via %s", l.Address, r.To, r.Via)
		}
	}
	return l.DNS.check()
}

func (d *DNS) check() error {
	if len(d.Servers) > maxList || len(d.Search) > maxList {
		return fmt.Errorf("%d name servers and %d domains, want %d at most", len(d.Servers), len(d.Search), maxList)
	}
	for _, a := range d.Servers {
		if !IsHost(a) || a.Zone() != "" && !validName(a.Zone()) {
			return fmt.Errorf("%.80q is no name server", a)
		}
	}
	for _, name := range d.Search {
		if !DomainName(name) {
			return fmt.Errorf("%.80q is no domain name", name)
		}
	}
	return nil
}

// IsHost says whether a machine can have that address.
func IsHost(a netip.Addr) bool {
	return a.IsValid() && !a.IsUnspecified() && !a.IsMulticast() && a != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

// DomainName says whether s is a name that the DNS can have for a host (RFC 1123, 2.1): 253
// bytes at most, where the name of a machine has 64.
func DomainName(s string) bool {
	if len(s) > 253 {
		return false
	}
	for _, label := range strings.Split(s, ".") {
		if !lex.IsDNSLabel(label) {
			return false
		}
	}
	return true
}

// parseState reads what State.String wrote.
func parseState(s string) (State, bool) {
	for st := Failed; st <= Ready; st++ {
		if st.String() == s {
			return st, true
		}
	}
	return Failed, false
}

// Status is the report in the form of what Apply gives, for all links of the plan.
func (p Plan) Status(r Report) Status {
	s := p.status()
	for i := range s.Links {
		l := &s.Links[i]
		l.State = Absent
		for _, got := range r.Links {
			if got.Name == l.Name {
				l.Device = got.Device
				l.State, _ = parseState(got.State)
			}
		}
	}
	return s
}
