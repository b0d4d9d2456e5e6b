package child

import (
	"encoding/json"
	"os"

	"github.com/beaminit/beaminit/netcfg"
)

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
	if k.State != netcfg.NoAddress {
		return k.State
	}
	given := true
	if plan.DHCP {
		given = k.lease != nil
	} else if plan.LinkLocal {
		given = k.local.IsValid()
	}
	if !given {
		return netcfg.NoAddress
	}
	return netcfg.Ready
}
