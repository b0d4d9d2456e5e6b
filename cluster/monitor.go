package cluster

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// MonitorName is the name under which the binary is the monitor.
const MonitorName = "beaminit-monitor"

// Orders are the single bytes that PID 1 writes to the monitor.
const (
	OrderWatch byte = 'w' // the release was started: probe often until it answers
	OrderRest  byte = 'r' // the release is not running: probe nothing
)

// Pace of the monitor where the configuration has no say.
const (
	startingPace = 100 * time.Millisecond // between probes of a release that does not listen yet
	memberPace   = time.Second            // between looks at the connections, at most
	memberRush   = 50 * time.Millisecond  // and at least, however often sockets end
	missPace     = 500 * time.Millisecond // after a probe without answer
)

// Watch is what the monitor is to watch.
type Watch struct {
	Port     int              // of the release
	Node     string           // the name the probe gives as its own
	Local    []netip.AddrPort // where the release may listen, tried in turn; none: it is not probed
	Peers    []netip.AddrPort
	TLS      bool          // the release speaks TLS there
	Interval time.Duration // between probes of a release that answers
	Timeout  time.Duration // of one probe
}

// Report is what the monitor found; it travels to PID 1 as ReportSize bytes.
type Report struct {
	Answer  Answer // 0: not probed this time
	Took    time.Duration
	Known   bool // Members could be found out
	Members Set
}

// ReportSize is the fixed size of an encoded Report; a write of it to a pipe is
// atomic (pipe(7), PIPE_BUF).
const ReportSize = 16 + MaxPeers/8

// Encode gives the report's bytes.
func (r Report) Encode() [ReportSize]byte {
	var b [ReportSize]byte
	b[0], b[1] = 'R', byte(r.Answer)
	if r.Known {
		b[2] = 1
	}
	binary.LittleEndian.PutUint32(b[4:], uint32(r.Took/time.Microsecond))
	copy(b[16:], r.Members[:])
	return b
}

// DecodeReport reads a report; ok is false for anything that is none.
func DecodeReport(b [ReportSize]byte) (r Report, ok bool) {
	if b[0] != 'R' || Answer(b[1]) > Strange {
		return r, false
	}
	r.Answer, r.Known = Answer(b[1]), b[2] == 1
	r.Took = time.Duration(binary.LittleEndian.Uint32(b[4:])) * time.Microsecond
	copy(r.Members[:], b[16:])
	return r, true
}

// Args gives the monitor's argument vector for w; ParseArgs reads it back.
func (w Watch) Args() []string {
	return []string{MonitorName, strconv.Itoa(w.Port), w.Node, w.Interval.String(), w.Timeout.String(),
		join(w.Local), join(w.Peers), strconv.FormatBool(w.TLS)}
}

func join(addrs []netip.AddrPort) string {
	var b []byte
	for i, a := range addrs {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(a.Addr().AppendTo(b), ' ')
		b = strconv.AppendUint(b, uint64(a.Port()), 10)
	}
	return string(b)
}

// ParseArgs reads what Args wrote. Errors name the argument.
func ParseArgs(args []string) (w Watch, err error) {
	if len(args) != 8 {
		return w, errors.New("the monitor is started by PID 1 only")
	}
	if w.Port, err = strconv.Atoi(args[1]); err != nil {
		return w, fmt.Errorf("port: %w", err)
	}
	w.Node = args[2]
	if w.Interval, err = time.ParseDuration(args[3]); err != nil {
		return w, fmt.Errorf("interval: %w", err)
	}
	if w.Timeout, err = time.ParseDuration(args[4]); err != nil {
		return w, fmt.Errorf("timeout: %w", err)
	}
	if w.Local, err = split(args[5]); err != nil {
		return w, fmt.Errorf("local addresses: %w", err)
	}
	if w.Peers, err = split(args[6]); err != nil {
		return w, fmt.Errorf("peers: %w", err)
	}
	w.TLS = args[7] == "true"
	return w, nil
}

func split(list string) (addrs []netip.AddrPort, err error) {
	for _, s := range strings.Split(list, ",") {
		if s == "" {
			continue
		}
		host, port, _ := strings.Cut(s, " ")
		a, err := netip.ParseAddr(host)
		if err != nil {
			return nil, err
		}
		p, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			return nil, err
		}
		addrs = append(addrs, netip.AddrPortFrom(a, uint16(p)))
	}
	return addrs, nil
}

// monitor is the state of a running Watch.
type monitor struct {
	Watch
	out      int
	watching bool
	answered bool // since the last order
	local    int  // index of the address that is probed
	probeAt  time.Duration
	memberAt time.Duration
	looked   time.Duration // when the connections were last looked at
	links    links
	ends     int // descriptor of watchEnds
	last     Report
}

// Run watches until in is closed, which means that PID 1 has gone or started
// another monitor. It reads orders from in and writes reports to out.
func (w Watch) Run(in, out int) {
	m := monitor{Watch: w, out: out, ends: watchEnds()}
	for m.await(in) {
		if m.watching {
			m.look()
		}
	}
	if m.ends >= 0 {
		unix.Close(m.ends)
	}
}

// await sleeps until an order comes, a socket ended or something is due; false: in
// was closed.
func (m *monitor) await(in int) bool {
	timeout := -1
	if m.watching {
		left := m.memberAt - now()
		if len(m.Local) > 0 {
			left = min(left, m.probeAt-now())
		}
		timeout = max(0, int((left+time.Millisecond-1)/time.Millisecond))
	}
	fds := [2]unix.PollFd{{Fd: int32(in), Events: unix.POLLIN}, {Fd: int32(m.ends), Events: unix.POLLIN}}
	if n, err := unix.Poll(fds[:], timeout); n == 0 || err == unix.EINTR {
		return true
	}
	if fds[1].Revents != 0 {
		m.socketEnded()
	}
	if fds[0].Revents == 0 {
		return true
	}
	var b [16]byte
	n, err := unix.Read(in, b[:])
	if err == unix.EINTR || err == unix.EAGAIN {
		return true
	}
	if n <= 0 {
		return false
	}
	m.watching = b[n-1] == OrderWatch
	m.answered, m.probeAt, m.memberAt, m.links = false, 0, 0, links{}
	return true
}

// socketEnded empties the socket of ends; which one it was, the next look tells.
func (m *monitor) socketEnded() {
	var b [4096]byte
	for {
		n, err := unix.Read(m.ends, b[:])
		if err == unix.EINTR || err == unix.ENOBUFS {
			continue
		}
		if err != nil || n <= 0 {
			break
		}
	}
	m.memberAt = min(m.memberAt, m.looked+memberRush)
}

// look does what is due and reports what is new.
func (m *monitor) look() {
	r := Report{Known: m.last.Known, Members: m.last.Members}
	if len(m.Local) > 0 && now() >= m.probeAt {
		m.probe(&r)
	}
	if now() >= m.memberAt || r.Answer != 0 {
		is, err := members(m.Peers, m.Port, &m.links)
		m.looked = now()
		m.memberAt = m.looked + min(memberPace, m.Interval)
		m.reportBroken(&is)
		m.links = is
		r.Known, r.Members = err == nil, is.set()
	}
	if r.Answer != 0 || r.Known != m.last.Known || r.Members != m.last.Members {
		m.report(r)
	}
}

// reportBroken reports connections that ended and were made again since the last
// look as missing, before the report of the new ones: a peer that was gone for a
// moment was gone.
func (m *monitor) reportBroken(is *links) {
	between := *is
	broken := false
	for i, cookie := range m.links {
		if cookie != 0 && is[i] != 0 && is[i] != cookie {
			between[i], broken = 0, true
		}
	}
	if broken {
		m.report(Report{Known: true, Members: between.set()})
	}
}

func (m *monitor) report(r Report) {
	m.last = r
	b := r.Encode()
	unix.Write(m.out, b[:])
}

// ask probes one address of the release.
func (w *Watch) ask(at netip.AddrPort) (Answer, time.Duration) {
	if w.TLS {
		return ProbeTLS(sockaddr(at), w.Timeout)
	}
	return Probe(sockaddr(at), w.Node, w.Timeout)
}

// Reach looks once for the address at which the release answers; where it answers at
// none, for the best of what is there instead.
func (w Watch) Reach() (best Answer, at netip.AddrPort) {
	for _, local := range w.Local {
		if answer, _ := w.ask(local); best == 0 || answer == Answered || answer != Refused && best == Refused {
			if best, at = answer, local; best == Answered {
				break
			}
		}
	}
	return best, at
}

func (m *monitor) probe(r *Report) {
	r.Answer, r.Took = m.ask(m.Local[m.local])
	switch {
	case r.Answer == Answered:
		m.answered = true
		m.probeAt = now() + m.Interval
	case m.answered:
		m.probeAt = now() + min(missPace, m.Interval)
	default:
		m.probeAt = now() + startingPace
	}
	if r.Answer == Refused {
		m.local = (m.local + 1) % len(m.Local)
	}
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
}
