package netcfg

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// running is a plan on its way through the kernel.
type running struct {
	plan   Plan
	steps  []step
	links  []kernelLink
	status Status
}

// kernelLink is what the kernel has said of a link so far.
type kernelLink struct {
	index    int32 // 0: not asked for, or absent
	answered bool  // its ask
}

// Apply sets the host name and sends the plan to the kernel: one socket, one
// batch. What is there already, from the kernel's own ip= or an earlier Apply,
// is left or replaced with the same; so it may be called again at any time, and
// where nothing is missing it causes no event on a Watch. An interface that is
// absent or without carrier is a state and not an error, and hinders no other.
// It waits for nothing. Needs CAP_SYS_ADMIN and CAP_NET_ADMIN.
func (p Plan) Apply() Status {
	r := running{plan: p, steps: p.steps()}
	r.begin()
	if p.Hostname != "" {
		if err := unix.Sethostname([]byte(p.Hostname)); err != nil {
			r.fail(fmt.Errorf("hostname %q: %w", p.Hostname, err))
		}
	}
	fd, err := open()
	if err != nil {
		return r.fail(fmt.Errorf("netlink socket: %w", err))
	}
	defer unix.Close(fd)
	for i := range p.Links {
		r.find(fd, i)
	}
	return r.run(fd)
}

// Check asks for the present state of the links without changing anything. It
// sees presence and carrier; what an earlier Apply was refused, it does not know.
func (p Plan) Check() Status {
	r := running{plan: p, steps: make([]step, 0, len(p.Links))}
	for i := range p.Links {
		r.steps = append(r.steps, step{op: ask, link: uint16(i)})
	}
	r.begin()
	fd, err := open()
	if err != nil {
		return r.fail(fmt.Errorf("netlink socket: %w", err))
	}
	defer unix.Close(fd)
	return r.run(fd)
}

func (r *running) begin() {
	r.links = make([]kernelLink, len(r.plan.Links))
	r.status.Links = make([]LinkStatus, len(r.plan.Links))
	for i := range r.plan.Links {
		l := &r.status.Links[i]
		l.Name = r.plan.Links[i].Name
		l.State = NoCarrier // until its answer says Ready
		if !ValidName(l.Name) {
			r.refuse(i, fmt.Errorf("interface name %q: want 1 to 15 bytes without '/', ':' and spaces", l.Name))
		}
	}
}

func (r *running) fail(err error) Status {
	r.status.Errs = append(r.status.Errs, err)
	return r.status
}

// refuse records an error of link i.
func (r *running) refuse(i int, err error) {
	l := &r.status.Links[i]
	l.State = Failed
	l.Errs = append(l.Errs, err)
}

// find fills in the index of link i, which addresses and routes need. This
// ioctl costs a twentieth of RTM_GETLINK; where the interface is absent, the
// kernel may look for a module of the alias netdev-NAME, as ifconfig has it do.
func (r *running) find(fd, i int) {
	l := &r.status.Links[i]
	if l.State == Failed {
		return
	}
	ifr, err := unix.NewIfreq(l.Name)
	if err == nil {
		err = unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, ifr)
	}
	switch {
	case err == nil:
		r.links[i].index = int32(ifr.Uint32())
	case err == unix.ENODEV:
		l.State = Absent
	default:
		r.refuse(i, fmt.Errorf("find %s: %w", l.Name, err))
	}
}

// run sends the steps of all links that are there, and takes in the answers.
func (r *running) run(fd int) Status {
	var buf [bufferSize]byte
	batch, asks := buf[:0], 0
	for i := range r.steps {
		s := &r.steps[i]
		if st := r.status.Links[s.link].State; st == Failed || st == Absent {
			continue
		}
		// The sequence number is the step's place, from 1.
		batch = s.append(batch, uint32(i+1), r.links[s.link].index, &r.plan.Links[s.link])
		if s.op == ask {
			asks++
		}
	}
	if asks == 0 {
		return r.status
	}
	err := exchange(fd, batch, buf[:], asks, func(a answer) bool {
		if a.seq == 0 || a.seq > uint32(len(r.steps)) {
			return false
		}
		s := r.steps[a.seq-1]
		r.take(s, a)
		if s.op != ask {
			return false
		}
		r.links[s.link].answered = true
		return true
	})
	if err != nil {
		r.fail(fmt.Errorf("netlink: %w", err))
	}
	for i := range r.links {
		if l := &r.status.Links[i]; !r.links[i].answered && l.State == NoCarrier {
			r.refuse(i, fmt.Errorf("%s: the kernel gave no answer", l.Name))
		}
	}
	return r.status
}

// take takes in the answer to s.
func (r *running) take(s step, a answer) {
	l := &r.status.Links[s.link]
	switch {
	case l.State == Absent, s.op != ask && (a.errno == 0 || a.errno == unix.EEXIST):
	case a.errno == unix.ENODEV:
		// Gone since find, or renamed: udev does that at a boot.
		l.State, l.Errs = Absent, nil
	case a.errno != 0:
		r.refuse(int(s.link), s.refusal(&r.plan.Links[s.link], a.errno, a.text))
	case l.State == NoCarrier && a.flags&unix.IFF_UP != 0 && a.flags&unix.IFF_LOWER_UP != 0:
		l.State = Ready
	}
}
