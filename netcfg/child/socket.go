package child

import (
	"net"

	"github.com/insomniacslk/dhcp/dhcpv4/nclient4"
	"github.com/mdlayher/packet"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// smallest is the least that is a DHCP message: all before its options (RFC 2131, 2).
const smallest = 236

// replies is a filter for packets that begin with an IPv4 header: UDP to the port of DHCP
// clients, whole, and long enough. All else is dropped in the kernel: the child is not
// woken by the traffic of the node, and the library's parser sees no header that lies
// about lengths.
var replies = []bpf.Instruction{
	bpf.LoadAbsolute{Off: 9, Size: 1},
	bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.IPPROTO_UDP, SkipTrue: 13},
	bpf.LoadAbsolute{Off: 6, Size: 2},
	bpf.JumpIf{Cond: bpf.JumpBitsSet, Val: 0x3fff, SkipTrue: 11}, // a fragment
	bpf.LoadMemShift{Off: 0},                                     // X: length of the IP header
	bpf.LoadIndirect{Off: 2, Size: 2},
	bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: nclient4.ClientPort, SkipTrue: 8},
	bpf.LoadAbsolute{Off: 2, Size: 2}, // length of the packet as it says
	bpf.ALUOpX{Op: bpf.ALUOpSub},
	bpf.JumpIf{Cond: bpf.JumpLessThan, Val: 8 + smallest, SkipTrue: 5},
	bpf.JumpIf{Cond: bpf.JumpGreaterThan, Val: 1 << 15, SkipTrue: 4}, // below zero
	bpf.LoadExtension{Num: bpf.ExtLen},
	bpf.ALUOpX{Op: bpf.ALUOpSub},
	bpf.JumpIf{Cond: bpf.JumpLessThan, Val: 8 + smallest, SkipTrue: 1},
	bpf.RetConstant{Val: 1 << 16},
	bpf.RetConstant{Val: 0},
}

// broadcast is a client on a link that need not have an address: it asks all, and hears
// what comes to the link.
func broadcast(ifi *net.Interface, opts ...nclient4.ClientOpt) (*nclient4.Client, error) {
	conn, err := listen(ifi)
	if err != nil {
		return nil, err
	}
	return nclient4.NewWithConn(conn, ifi.HardwareAddr, opts...)
}

func listen(ifi *net.Interface) (net.PacketConn, error) {
	filter, err := bpf.Assemble(replies)
	if err != nil {
		return nil, err
	}
	conn, err := packet.Listen(ifi, packet.Datagram, unix.ETH_P_IP, &packet.Config{Filter: filter})
	if err != nil {
		return nil, err
	}
	return nclient4.NewBroadcastUDPConn(conn, &net.UDPAddr{Port: nclient4.ClientPort}), nil
}

// unicast is a client that asks one server from the address that it has (RFC 2131, 4.4.5),
// and hears what comes to the link all the same: a server refuses by broadcast (4.1).
func unicast(ifi *net.Interface, own, server net.IP, opts ...nclient4.ClientOpt) (*nclient4.Client, error) {
	to, err := net.DialUDP("udp4", &net.UDPAddr{IP: own, Port: nclient4.ClientPort}, &net.UDPAddr{IP: server, Port: nclient4.ServerPort})
	if err != nil {
		return nil, err
	}
	conn, err := listen(ifi)
	if err != nil {
		to.Close()
		return nil, err
	}
	return nclient4.NewWithConn(oneServer{conn, to}, ifi.HardwareAddr, opts...)
}

// oneServer writes to one server only, whatever address it is given.
type oneServer struct {
	net.PacketConn
	to *net.UDPConn
}

func (c oneServer) WriteTo(b []byte, _ net.Addr) (int, error) { return c.to.Write(b) }

func (c oneServer) Close() error {
	c.to.Close()
	return c.PacketConn.Close()
}
