package lan

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/beaminit/beaminit/internal/nstest"
)

// A namespace whose device is a port itself hears the others, is silent while it is paused, and sees
// its carrier go.
func TestTapPort(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		s := NewSwitch()
		defer s.Close()
		other := udpIn(t, s, "192.168.7.1/24")
		dev, err := NewTap("eth0")
		nstest.Must(t, err)
		nstest.Must(t, configure("eth0", netip.MustParsePrefix("192.168.7.2/24")))
		port := NewTapPort(dev)
		s.attach("node", port, false)
		own, err := net.ListenPacket("udp4", "192.168.7.2:9")
		nstest.Must(t, err)
		defer own.Close()
		heard := func() bool {
			other.WriteTo([]byte("hello"), own.LocalAddr())
			own.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
			_, _, err := own.ReadFrom(make([]byte, 100))
			return err == nil
		}
		nstest.Await(t, "it hears the other", heard, nil)
		port.Pause(true)
		for heard() { // what was on the way
		}
		if heard() {
			t.Error("it hears the other while it is paused")
		}
		port.Pause(false)
		nstest.Await(t, "it hears the other again", heard, nil)

		for _, there := range []bool{false, true} {
			nstest.Must(t, port.Carrier(there))
			nstest.Await(t, "the carrier is as it was set", func() bool {
				card, err := net.InterfaceByName("eth0")
				return err == nil && (card.Flags&net.FlagRunning != 0) == there
			}, nil)
		}
	})
}
