package netcfg

// State is what became of a link.
type State uint8

// The states of a link.
const (
	Failed    State = iota // the kernel refused something: LinkStatus.Errs
	Absent                 // there is no such interface (yet)
	NoCarrier              // no cable, or nobody at its other end (yet)
	NoAddress              // of those that the network is to give it (yet)
	Ready
)

// String is the state as a word, as health records have it.
func (s State) String() string {
	switch s {
	case Absent:
		return "absent"
	case NoCarrier:
		return "no-carrier"
	case NoAddress:
		return "no-address"
	case Ready:
		return "ready"
	}
	return "failed"
}

// LinkStatus is the state of one link of a plan.
type LinkStatus struct {
	Name   string // of its table in the configuration
	Device string // the kernel's name for it; empty: there is none (yet)
	Index  int    // the kernel's number of it; 0: there is none
	State  State
	Errs   []error // what was refused, one line each
}

// Status is the state of a plan, its links in the plan's order.
type Status struct {
	Links []LinkStatus
	Errs  []error // of the node as a whole: host name, the socket
}

// Ready says whether every link is.
func (s Status) Ready() bool {
	for i := range s.Links {
		if s.Links[i].State != Ready {
			return false
		}
	}
	return true
}

// Waiting says whether there is a link that may become ready by itself: absent,
// without carrier, or without an address.
func (s Status) Waiting() bool {
	for i := range s.Links {
		if st := s.Links[i].State; st == Absent || st == NoCarrier || st == NoAddress {
			return true
		}
	}
	return false
}
