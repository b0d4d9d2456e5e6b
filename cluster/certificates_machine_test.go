package cluster_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/machine"
)

// A certificate that peers will refuse is said to be one on the console, where a person looks
// who wonders why they do.
func TestWrongCertificate(t *testing.T) {
	t.Parallel()
	s := machine.WithERTS(t, "hostname=node1", "[distribution.tls]\ncert = \"/data/cert.pem\"\nkey = \"/data/key.pem\"\nca = \"/data/ca.pem\"\n")
	for name, text := range machine.CertificateFor(t, "node2") {
		s.Files[name] = text
	}
	machine.Start(t, s).Line("/data/cert.pem: the certificate is for [other.farm node2], not for node1")
}

// A peer whose certificate is not valid by the clock of this node is named with the clock as
// the reason: nobody else can know which of the two clocks is wrong. The peer itself finds
// nothing wrong with the certificate of this one.
func TestOtherClock(t *testing.T) {
	t.Parallel()
	br := machine.Bridge(t)
	var ms []*machine.Machine
	for i, reason := range []string{"clock", "cookie"} {
		s := machine.WithRelease(t, machine.Release(t, "relx/secure"), fmt.Sprintf("ip=10.77.0.1%d::10.77.0.1:255.255.255.0:n%d:eth0:off beaminit.network.eth0.wait=20s beaminit.cluster.heal=500ms", i+1, i+1),
			"[peers]\nn1 = \"10.77.0.11\"\nn2 = \"10.77.0.12\"\n[distribution.tls]\ncert = \"/data/cert.pem\"\nkey = \"/data/key.pem\"\nca = \"/data/ca.pem\"\n")
		end := time.Now().Add(time.Hour)
		if reason == "cookie" { // n2 lives in a time that is no more
			end = time.Now().Add(-time.Minute)
		}
		for name, text := range machine.CertificateUntil(t, fmt.Sprintf("n%d", i+1), end) {
			s.Files[name] = text
		}
		m := machine.Start(t, s)
		m.Plug(br, i)
		ms = append(ms, m)
	}
	for i, reason := range []string{"clock", "cookie"} {
		ms[i].Record("missing for the reason "+reason, 0, func(r health.Record) bool { return len(r.Missing) == 1 && r.Missing[0].Reason == reason })
	}
}
