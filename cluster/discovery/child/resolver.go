package child

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/beaminit/beaminit/hostsgen"
	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"
)

// Go's own resolver is not used because it tells no TTL (net.Resolver), by which the answer
// is asked for again.

// resolver asks DNS servers (RFC 1035).
type resolver struct {
	conf string // path of resolv.conf(5)
	port uint16
}

const (
	askTimeout = 3 * time.Second // of one server
	askRounds  = 2               // through all of them
	maxStrays  = 64              // datagrams that are no answer, before an answer
	maxChain   = 8               // of CNAMEs
)

// errNone is the answer that there are no such records.
var errNone = errors.New("there are no such records")

// servers are the name servers by now.
func (r *resolver) servers() ([]netip.Addr, error) {
	text, err := os.ReadFile(r.conf)
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(text, []byte("#")) { // hostsgen passes over its own
		_, text, _ = bytes.Cut(text, []byte("\n"))
	}
	servers := hostsgen.ParseResolv(text).Servers
	if len(servers) == 0 {
		return nil, errors.New("no name server is known; want dns.servers or DHCP")
	}
	return servers, nil
}

// ask gives the records of that kind of a name, or of that which it is an alias of, and
// whatever else of records came with them. The error is errNone, or that of the last server.
func (r *resolver) ask(name string, kind dnsmessage.Type) (found, more []record, err error) {
	servers, err := r.servers()
	if err != nil {
		return nil, nil, err
	}
	for range askRounds {
		for _, server := range servers {
			var m message
			if m, err = r.exchange(server, name, kind); err != nil {
				continue
			}
			switch m.RCode {
			case dnsmessage.RCodeSuccess:
				found, more = m.answers(name, kind)
				if len(found) == 0 {
					return nil, nil, errNone
				}
				return found, more, nil
			case dnsmessage.RCodeNameError:
				return nil, nil, errNone
			}
			err = fmt.Errorf("%s answers %s", server, strings.TrimPrefix(m.RCode.String(), "RCode"))
		}
	}
	return nil, nil, err
}

// answers are the records of that kind that belong to the name, and the others.
func (m *message) answers(name string, kind dnsmessage.Type) (found, more []record) {
	names := []string{name}
	for i := 0; i < len(names) && i < maxChain; i++ {
		for _, rec := range m.records {
			if rec.name == names[i] && rec.kind == dnsmessage.TypeCNAME && kind != dnsmessage.TypeCNAME {
				names = append(names, rec.target)
				break
			}
		}
	}
	for _, rec := range m.records {
		if rec.kind == kind && rec.name == names[len(names)-1] {
			found = append(found, rec)
		} else {
			more = append(more, rec)
		}
	}
	return found, more
}

// exchange asks one server, by UDP, and by TCP where the answer does not fit.
func (r *resolver) exchange(server netip.Addr, name string, kind dnsmessage.Type) (message, error) {
	var random [2]byte
	unix.Getrandom(random[:], 0)
	id := binary.BigEndian.Uint16(random[:])
	n, err := nameOf(name)
	if err != nil {
		return message{}, fmt.Errorf("%s: %w", name, err)
	}
	q := dnsmessage.Question{Name: n, Type: kind, Class: dnsmessage.ClassINET}
	query := dnsmessage.Message{Header: dnsmessage.Header{ID: id, RecursionDesired: true}, Questions: []dnsmessage.Question{q}}
	text, err := query.Pack()
	if err != nil {
		return message{}, fmt.Errorf("%s: %w", name, err)
	}
	m, err := r.once("udp", server, text, id, &q)
	if err == nil && m.Truncated {
		m, err = r.once("tcp", server, text, id, &q)
	}
	return m, err
}

// once asks by one protocol. The socket is connected, so the kernel chooses a port at random
// and takes datagrams of the server alone; what has another id or question is passed over.
func (r *resolver) once(network string, server netip.Addr, query []byte, id uint16, q *dnsmessage.Question) (message, error) {
	conn, err := dial(network, netip.AddrPortFrom(server, r.port))
	if err != nil {
		return message{}, err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(askTimeout))
	if network == "tcp" {
		query = append(binary.BigEndian.AppendUint16(nil, uint16(len(query))), query...)
	}
	if _, err := conn.Write(query); err != nil {
		return message{}, err
	}
	b := make([]byte, 64<<10)
	for range maxStrays {
		n, err := readAnswer(conn, network, b)
		if err != nil {
			return message{}, err
		}
		if m, err := parseMessage(b[:n]); err == nil && m.ID == id && m.repeats(q) {
			return m, nil
		}
		if network == "tcp" {
			break
		}
	}
	return message{}, fmt.Errorf("%s: no answer to what it was asked", server)
}

// repeats says whether m is an answer to the question, which it has to repeat (RFC 5452, 9.1).
func (m *message) repeats(q *dnsmessage.Question) bool {
	if !m.Response || m.OpCode != 0 || len(m.questions) != 1 {
		return false
	}
	asked := m.questions[0]
	return asked.Type == q.Type && asked.Class == q.Class && plain(asked.Name) == plain(q.Name)
}

// dial connects to a server. TCP is on its way then: the first write waits for it. net.Dial
// is not used because it brings Go's resolver with it, 240 KB.
func dial(network string, to netip.AddrPort) (*os.File, error) {
	family, kind := unix.AF_INET6, unix.SOCK_DGRAM
	if to.Addr().Is4() {
		family = unix.AF_INET
	}
	if network == "tcp" {
		kind = unix.SOCK_STREAM
	}
	fd, err := unix.Socket(family, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	if err := unix.Connect(fd, sockaddr(to)); err != nil && err != unix.EINPROGRESS {
		unix.Close(fd)
		return nil, os.NewSyscallError("connect to "+to.String(), err)
	}
	return os.NewFile(uintptr(fd), to.String()), nil
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	to := &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
	if ifi, err := net.InterfaceByName(a.Addr().Zone()); err == nil {
		to.ZoneId = uint32(ifi.Index)
	}
	return to
}

func readAnswer(conn io.Reader, network string, b []byte) (int, error) {
	if network == "udp" {
		return conn.Read(b)
	}
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return 0, err
	}
	return io.ReadFull(conn, b[:binary.BigEndian.Uint16(size[:])])
}
