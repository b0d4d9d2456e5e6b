package netcfg

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"
)

// bufferSize holds the batch of an ordinary plan, on the stack, and of any answer
// as much as is read here: the kernel cuts what does not fit, and a message of
// its answers is never split over two reads.
const bufferSize = 512

// open opens an rtnetlink(7) socket. Reads never block: the kernel has answered
// by the time the write of a request returns.
func open() (int, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return -1, err
	}
	// With it the kernel says in words what it refuses; without it (before Linux
	// 4.12) the error number must do.
	_ = unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_EXT_ACK, 1)
	return fd, nil
}

// message starts a request; finish closes it. Only ask gets an answer whatever
// happens; the others are answered where they fail, and silence is success.
// That is why the asks come last: their answers prove that the kernel has seen
// everything before them.
func message(b []byte, typ, flags uint16, seq uint32) []byte {
	b = append(b, 0, 0, 0, 0)
	b = binary.NativeEndian.AppendUint16(b, typ)
	b = binary.NativeEndian.AppendUint16(b, flags|unix.NLM_F_REQUEST)
	b = binary.NativeEndian.AppendUint32(b, seq)
	return append(b, 0, 0, 0, 0) // sender: filled in by the kernel
}

// finish writes the length of the message that starts at start.
func finish(b []byte, start int) []byte {
	binary.NativeEndian.PutUint32(b[start:], uint32(len(b)-start))
	return b
}

// attr appends an attribute, padded to 4 bytes as rtnetlink(7) wants it.
func attr(b []byte, typ uint16, value []byte) []byte {
	b = binary.NativeEndian.AppendUint16(b, uint16(4+len(value)))
	b = binary.NativeEndian.AppendUint16(b, typ)
	b = append(b, value...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

func attr32(b []byte, typ uint16, value uint32) []byte {
	b = binary.NativeEndian.AppendUint16(b, 8)
	b = binary.NativeEndian.AppendUint16(b, typ)
	return binary.NativeEndian.AppendUint32(b, value)
}

func attrAddr(b []byte, typ uint16, a netip.Addr) []byte {
	if a.Is4() {
		v := a.As4()
		return attr(b, typ, v[:])
	}
	v := a.As16()
	return attr(b, typ, v[:])
}

// linkMessage is a request with a struct ifinfomsg: RTM_SETLINK or RTM_GETLINK.
func linkMessage(b []byte, typ uint16, seq uint32, index int32, flags, change uint32) []byte {
	b = message(b, typ, 0, seq)
	b = append(b, unix.AF_UNSPEC, 0, 0, 0) // family, padding, hardware type
	b = binary.NativeEndian.AppendUint32(b, uint32(index))
	b = binary.NativeEndian.AppendUint32(b, flags)
	return binary.NativeEndian.AppendUint32(b, change)
}

// family is the address family of a.
func family(a netip.Addr) byte {
	if a.Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

// addressMessage is RTM_NEWADDR. IFA_F_NODAD: an appliance's address is its own,
// and one second of duplicate address detection would delay every boot.
func addressMessage(b []byte, seq uint32, index int32, p netip.Prefix) []byte {
	b = message(b, unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, seq)
	flags := byte(0)
	if p.Addr().Is6() {
		flags = unix.IFA_F_NODAD
	}
	b = append(b, family(p.Addr()), byte(p.Bits()), flags, unix.RT_SCOPE_UNIVERSE)
	b = binary.NativeEndian.AppendUint32(b, uint32(index))
	b = attrAddr(b, unix.IFA_LOCAL, p.Addr())
	return attrAddr(b, unix.IFA_ADDRESS, p.Addr())
}

// gatewayMessage is RTM_NEWROUTE of a default route; priority 0: none is named.
func gatewayMessage(b []byte, seq uint32, index int32, gw netip.Addr, priority uint32) []byte {
	b = message(b, unix.RTM_NEWROUTE, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, seq)
	b = append(b, family(gw), 0, 0, 0, // family, lengths of destination and source, TOS
		unix.RT_TABLE_MAIN, unix.RTPROT_STATIC, unix.RT_SCOPE_UNIVERSE, unix.RTN_UNICAST)
	b = append(b, 0, 0, 0, 0) // flags
	b = attrAddr(b, unix.RTA_GATEWAY, gw)
	b = attr32(b, unix.RTA_OIF, uint32(index))
	if priority != 0 {
		b = attr32(b, unix.RTA_PRIORITY, priority)
	}
	return b
}

// filterSkipStats is RTEXT_FILTER_SKIP_STATS of linux/rtnetlink.h.
const filterSkipStats = 1 << 3

// askMessage is RTM_GETLINK by index, or by name where index is 0. Statistics
// are left out of the answer.
func askMessage(b []byte, seq uint32, index int32, name string) []byte {
	b = linkMessage(b, unix.RTM_GETLINK, seq, index, 0, 0)
	b = attr32(b, unix.IFLA_EXT_MASK, filterSkipStats)
	if index == 0 {
		b = attr(b, unix.IFLA_IFNAME, append([]byte(name), 0))
	}
	return b
}

// append adds the request of s on l to a batch.
func (s step) append(b []byte, seq uint32, index int32, l *Link) []byte {
	start := len(b)
	switch s.op {
	case setMTU:
		b = linkMessage(b, unix.RTM_SETLINK, seq, index, 0, 0)
		b = attr32(b, unix.IFLA_MTU, uint32(l.MTU))
	case setUp:
		b = linkMessage(b, unix.RTM_SETLINK, seq, index, unix.IFF_UP, unix.IFF_UP)
	case addAddress:
		b = addressMessage(b, seq, index, s.address(l))
	case addGateway:
		gw := s.gateway(l)
		b = gatewayMessage(b, seq, index, gw, s.priority(gw))
	case ask:
		b = askMessage(b, seq, index, l.Name)
	}
	return finish(b, start)
}

// answer is one message of the kernel.
type answer struct {
	seq   uint32
	link  bool       // RTM_NEWLINK: flags hold; else errno holds
	flags uint32     // IFF_*
	errno unix.Errno // 0: a plain acknowledgement
	text  []byte     // what the kernel says beside errno; may be empty
}

// next reads the first message of b that is an answer, and returns what follows
// it. ok is false at the end, and where b holds nothing that is well formed.
func next(b []byte) (a answer, rest []byte, ok bool) {
	for len(b) >= unix.SizeofNlMsghdr {
		size := uint64(binary.NativeEndian.Uint32(b))
		typ := binary.NativeEndian.Uint16(b[4:])
		flags := binary.NativeEndian.Uint16(b[6:])
		if size < unix.SizeofNlMsghdr {
			return answer{}, nil, false
		}
		msg, rest := b, []byte(nil)
		if aligned := (size + 3) &^ 3; aligned <= uint64(len(b)) {
			msg, rest = b[:size], b[aligned:]
		} else if size < uint64(len(b)) {
			msg = b[:size]
		}
		a = answer{seq: binary.NativeEndian.Uint32(b[8:])}
		body := msg[unix.SizeofNlMsghdr:]
		switch {
		case typ == unix.RTM_NEWLINK && len(body) >= unix.SizeofIfInfomsg:
			a.link = true
			a.flags = binary.NativeEndian.Uint32(body[8:])
			return a, rest, true
		case typ == unix.NLMSG_ERROR && len(body) >= 4:
			a.errno = unix.Errno(-int32(binary.NativeEndian.Uint32(body)))
			a.text = ackText(body, flags)
			return a, rest, true
		}
		b = rest
	}
	return answer{}, nil, false
}

// ackText finds NLMSGERR_ATTR_MSG (netlink(7), NETLINK_EXT_ACK) in the body of
// an NLMSG_ERROR: after the errno and the request, of which there is only the
// header where NLM_F_CAPPED says so.
func ackText(body []byte, flags uint16) []byte {
	const head = 4 + unix.SizeofNlMsghdr
	if flags&unix.NLM_F_ACK_TLVS == 0 || len(body) < head {
		return nil
	}
	skip := uint64(head)
	if flags&unix.NLM_F_CAPPED == 0 {
		skip = 4 + (uint64(binary.NativeEndian.Uint32(body[4:]))+3)&^3
	}
	if skip > uint64(len(body)) {
		return nil
	}
	const nlmsgerrAttrMsg = 1
	for b := body[skip:]; len(b) >= 4; {
		size := int(binary.NativeEndian.Uint16(b))
		if size < 4 || size > len(b) {
			return nil
		}
		if binary.NativeEndian.Uint16(b[2:])&^unix.NLA_F_NESTED == nlmsgerrAttrMsg {
			text := b[4:size]
			for len(text) > 0 && text[len(text)-1] == 0 {
				text = text[:len(text)-1]
			}
			return text
		}
		if size = (size + 3) &^ 3; size > len(b) {
			return nil
		}
		b = b[size:]
	}
	return nil
}

// answerDeadline bounds each wait for an answer, in ms. The kernel answers before
// write(2) returns; this is only for one that does not.
const answerDeadline = 200

// exchange sends a batch and hands every answer to got, until got has said of
// asks of them that they answer an ask. buf is scratch.
func exchange(fd int, batch, buf []byte, asks int, got func(answer) (isAsk bool)) error {
	if _, err := unix.Write(fd, batch); err != nil {
		return err
	}
	for waits := 0; asks > 0; {
		n, err := unix.Read(fd, buf)
		if err == unix.EAGAIN && waits < 5 {
			waits++
			_, err = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, answerDeadline)
			if err == nil || err == unix.EINTR {
				continue
			}
		}
		if err == unix.EAGAIN {
			return unix.ETIMEDOUT
		}
		if err != nil {
			return err
		}
		for b := buf[:n]; ; {
			a, rest, ok := next(b)
			if !ok {
				break
			}
			if got(a) {
				asks--
			}
			b = rest
		}
	}
	return nil
}
