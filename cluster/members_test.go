package cluster

import (
	"encoding/binary"
	"net"
	"net/netip"
	"reflect"
	"strconv"
	"testing"

	"github.com/beaminit/beaminit/internal/nstest"
	"golang.org/x/sys/unix"
)

// peersAt are peers at 127.0.0.2, .3 and so on.
func peersAt(n, port int) (peers []Peer) {
	for i := 0; i < n; i++ {
		peers = append(peers, Peer{Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, byte(2 + i)}), uint16(port))})
	}
	return peers
}

// The kernel is asked about real connections between loopback addresses, and ends one.
func TestConnections(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		loUp(t)
		l, err := net.Listen("tcp4", "0.0.0.0:0")
		if err != nil {
			t.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		peers := peersAt(3, port)
		index := indexOf(peers)
		check := func(when string, want map[int]int) (found map[int]Socket) {
			t.Helper()
			got := map[int]int{}
			found = map[int]Socket{}
			if err := connections(func(s Socket, _ bool) {
				if i := index.find(peers, port, &s); i >= 0 {
					got[i]++
					found[i] = s
				}
			}); err != nil {
				t.Fatalf("%s: %v", when, err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s: got %v, want %v", when, got, want)
			}
			return found
		}
		check("alone", map[int]int{})
		accept := func() {
			t.Helper()
			c, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { c.Close() })
		}
		a := dialFrom(t, "127.0.0.2", port)
		check("one is at the door", map[int]int{})
		accept()
		check("one came", map[int]int{0: 1})
		dialFrom(t, "127.0.0.4", port)
		dialFrom(t, "127.0.0.9", port)
		accept()
		accept()
		found := check("a second and a stranger", map[int]int{0: 1, 2: 1})
		if !CanDestroy() {
			t.Skip("the kernel has no CONFIG_INET_DIAG_DESTROY")
		}
		s := found[0]
		wrong := s
		wrong[len(wrong)-1]++
		if err := wrong.Destroy(); err != unix.ENOENT {
			t.Errorf("another socket of the same addresses: %v, want ENOENT", err)
		}
		if err := s.Destroy(); err != nil {
			t.Errorf("destroy: %v", err)
		}
		if _, err := a.Read(make([]byte, 1)); err == nil {
			t.Error("the other end was not reset")
		}
		check("the first is destroyed", map[int]int{2: 1})
		if err := s.Destroy(); err != unix.ENOENT {
			t.Errorf("destroyed twice: %v, want ENOENT", err)
		}
	})
}

func TestConnects(t *testing.T) {
	p := Peer{Addr: netip.MustParseAddrPort("192.168.7.8:17013")}
	socket := func(addr netip.Addr, local, remote uint16) *Socket {
		s := &Socket{0: unix.AF_INET}
		if addr.Is6() {
			s[0] = unix.AF_INET6
		}
		binary.BigEndian.PutUint16(s[4:], local)
		binary.BigEndian.PutUint16(s[6:], remote)
		copy(s[24:], addr.AsSlice())
		return s
	}
	for _, tt := range []struct {
		addr          string
		local, remote uint16
		want          bool
	}{
		{"192.168.7.8", 17012, 40000, true},
		{"192.168.7.8", 40000, 17013, true},
		{"::ffff:192.168.7.8", 17012, 40000, true},
		{"192.168.7.8", 40000, 17012, false},
		{"192.168.7.8", 22, 40000, false},
		{"192.168.7.9", 17012, 40000, false},
	} {
		if got := socket(netip.MustParseAddr(tt.addr), tt.local, tt.remote).Connects(p, 17012); got != tt.want {
			t.Errorf("%+v: got %v", tt, got)
		}
	}
}

// dialFrom connects from a loopback address to the port of this machine.
func dialFrom(t *testing.T, from string, port int) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	c, err := d.Dial("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func loUp(t *testing.T) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	ifr, _ := unix.NewIfreq("lo")
	ifr.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, ifr); err != nil {
		t.Fatal(err)
	}
}

func FuzzScan(f *testing.F) {
	msg := make([]byte, 16+diagMessage)
	binary.NativeEndian.PutUint32(msg, uint32(len(msg)))
	binary.NativeEndian.PutUint16(msg[4:], unix.SOCK_DIAG_BY_FAMILY)
	msg[16] = unix.AF_INET
	f.Add(msg)
	f.Fuzz(func(t *testing.T, b []byte) {
		scan(b, func(s Socket, _ bool, _ uint32) { s.Connects(Peer{}, 17012) })
	})
}
