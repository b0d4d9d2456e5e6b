package lab

import (
	"slices"
	"time"

	"github.com/beaminit/beaminit/qemu/watch"
)

// What is known of a lab is what is known of its nodes' consoles, and more: see package
// watch.
type (
	Status     = watch.Status
	NodeStatus = watch.NodeStatus
	Playing    = watch.Playing
	Event      = watch.Event
)

// The states that no record tells.
const (
	Off  = watch.Off
	Dead = watch.Dead
)

// Playing notes how far a scenario is that is played on this lab.
func (l *Lab) Playing(p Playing) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.play = &p
}

// Status gives the present status.
func (l *Lab) Status() (Status, error) {
	now := time.Now()
	s := Status{
		At: now, Uptime: now.Sub(l.begun), Accel: "tcg",
		Kernel: l.opts.Image.Kernel.Version, Image: l.size,
		LAN: l.Switch.Count(), Links: l.Switch.Links(), Traffic: l.Switch.Traffic(),
	}
	switch {
	case l.opts.As == AsNS:
		s.Accel = "namespaces"
	case l.kvm:
		s.Accel = "kvm"
	}
	if l.opts.LANs[0].Name != "" {
		for _, on := range l.opts.LANs {
			s.LANs = append(s.LANs, watch.LAN{Name: on.Name, Prefix: on.Prefix})
		}
	}
	for _, n := range l.nodes {
		s.Nodes = append(s.Nodes, n.status(now))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s.Events = append(s.Events, l.events...)
	s.Play = l.play
	return s, nil
}

func (n *Node) status(now time.Time) NodeStatus {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := n.view.Status(now)
	s.Name, s.Address, s.Faults = n.Spec.Name, n.Spec.Address.String(), slices.Clone(n.faults)
	if s.Cut = len(n.cut) > 0 && len(n.cut) == len(n.lans()); !s.Cut {
		for _, name := range n.cut {
			s.Faults = append(s.Faults, "cut "+onWord+" "+name)
		}
	}
	if s.Auto = n.Spec.Auto; s.Auto {
		s.Address = ""
	}
	return s
}
