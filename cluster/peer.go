package cluster

import "net/netip"

// Peer is another node of the cluster.
type Peer struct {
	Name string         // its host name, by which people know it
	Node string         // the name of its Erlang node, app@host
	Addr netip.AddrPort // where that listens
}

// PeerState is how this node stands with a peer.
type PeerState byte

// The states of a peer.
const (
	NotSeen      PeerState = iota // nothing is known of it yet
	Connected                     // the two VMs have a distribution connection
	Unreachable                   // its machine gives no sign: off, or cut off
	NotListening                  // its machine refuses the port: no release runs there
	Down                          // its VM is connected to and says nothing: stopped or hung
	OtherName                     // another node answers there than the one expected
	OtherCookie                   // it answers, and a connection comes to nothing: another cookie, or other TLS
	Disconnected                  // it answers, and a release has ended the connection, or nobody is to make one
	OtherOTP                      // the same, and the handshake of one of the two lacks what newer OTPs want
	OtherClock                    // the same, and its certificate is not valid by the clock of this node
	peerStates                    // how many there are
)

// String is the word of the health record (missing=NAME:WORD); empty where there is none.
func (s PeerState) String() string {
	return [peerStates]string{"", "", "unreachable", "refused", "down", "name", "cookie", "disconnected", "otp", "clock"}[min(s, peerStates-1)]
}
