package cluster

import (
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// MonitorName is the name under which the binary is the monitor.
const MonitorName = "beaminit-monitor"

// ProbeNode is the part before @ of the name that the monitor gives as its own in a
// handshake. No release has it, nor has anything else that asks one: of two that shake
// hands under one name at once, the VM drops one (OTP's net_kernel, ok_pending and
// nok_pending). It is always the same, because a VM keeps each name that it ever heard as
// an atom.
const ProbeNode = "beaminit-probe"

// Watch is what the monitor is to watch. Durations that are 0 switch off what they are for.
type Watch struct {
	Table    uint32           // its number: another one for each Watch that a monitor gets
	Port     int              // of the release of this node
	Node     string           // the name the monitor gives as its own in a handshake
	Local    []netip.AddrPort // where the release may listen, tried in turn; none: it is not probed
	Peers    []Peer
	TLS      bool          // the releases speak TLS there
	Interval time.Duration // between probes of a release that answers
	Limit    time.Duration // of one probe
	Timeout  time.Duration // after which a peer without a sign is cut; 0: never
	Heal     time.Duration // between attempts to reach a peer that is not connected
	Healing  bool          // and one that answers is connected again
	Respect  time.Duration // how long a disconnection that a release asked for is left alone
}

// maxWatch bounds a Watch as Encode writes it, in bytes.
const maxWatch = 2 << 20

// readWatch reads the Watch that is in a file.
func readWatch(fd int) (w Watch, err error) {
	f := os.NewFile(uintptr(fd), "watch")
	if f == nil {
		return w, unix.EBADF
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxWatch))
	if err != nil {
		return w, fmt.Errorf("what to watch: %w", err)
	}
	return parseWatch(text)
}

// Encode gives w for the monitor; parseWatch reads it back. It is no argument of the
// monitor's, which could have 128 KiB (execve(2), MAX_ARG_STRLEN): too little for a thousand peers.
func (w Watch) Encode() []byte {
	text, err := json.Marshal(w)
	if err != nil {
		panic(err) // there is nothing in it that has no JSON
	}
	return text
}

// parseWatch reads what Encode wrote.
func parseWatch(text []byte) (w Watch, err error) {
	if err := json.Unmarshal(text, &w); err != nil {
		return w, fmt.Errorf("what to watch: %w", err)
	}
	return w, nil
}

// Reach looks once for the address at which the release answers; where it answers at
// none, for the best of what is there instead.
func (w Watch) Reach() (best Answer, at netip.AddrPort) {
	for _, local := range w.Local {
		answer, _ := w.probe(local)
		if best == 0 || answer == Answered || answer != Refused && best == Refused {
			if best, at = answer, local; best == Answered {
				break
			}
		}
	}
	return best, at
}

// probe asks one address of the release.
func (w *Watch) probe(at netip.AddrPort) (Answer, time.Duration) {
	d := w.dial(at)
	for !d.done {
		d.wait()
	}
	return d.answer, d.took
}
