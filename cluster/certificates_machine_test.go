package cluster_test

import (
	"testing"

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
