package cluster

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"math/big"
	"net"
	"testing"
	"time"
)

// Flags of the challenges of real nodes; those of OTP 23 are without what came later
// (DFLAG_V4_NC, DFLAG_ALIAS, DFLAG_UNLINK_ID, DFLAG_MANDATORY_25_DIGEST).
const (
	flagsOTP27 = 0xd07df7fbd // and of OTP 25
	flagsOTP23 = flagsOTP27 &^ (0xc00000000 | 0x2000000 | 0x4000000)
)

// challengeOf is the challenge of a node that has these flags.
func challengeOf(flags uint64) []byte {
	c := []byte(challenge("app@n2"))
	binary.BigEndian.PutUint64(c[1:], flags)
	return append(wire("sok"), wire(string(c))...)
}

// A peer that answers and never connects is named with the reason that its answer has.
func TestReason(t *testing.T) {
	year := 365 * 24 * time.Hour
	now := time.Now()
	valid, young, old := certificate(t, now.Add(-time.Hour), now.Add(time.Hour)), certificate(t, now.Add(year), now.Add(2*year)), certificate(t, now.Add(-2*year), now.Add(-year))
	long := certificate(t, now.Add(-time.Hour), time.Date(2060, 1, 2, 3, 4, 5, 0, time.UTC)) // GeneralizedTime
	for _, tt := range []struct {
		name string
		own  uint64
		tls  *tls.Config // what the peer speaks; nil: the plain protocol
		have []byte
		want PeerState
	}{
		{"the same OTP", flagsOTP27, nil, challengeOf(flagsOTP27), OtherCookie},
		{"an OTP of before", flagsOTP27, nil, challengeOf(flagsOTP23), OtherOTP},
		{"an OTP to come", flagsOTP23, nil, challengeOf(flagsOTP27), OtherOTP},
		{"own flags are not known", 0, nil, challengeOf(flagsOTP23), OtherCookie},
		{"no flags", flagsOTP27, nil, wire("snok"), OtherCookie},
		{"a certificate that is valid", 0, valid, nil, OtherCookie},
		{"one that is not yet", 0, young, nil, OtherClock},
		{"one that is no more", 0, old, nil, OtherClock},
		{"one for a long time", 0, long, nil, OtherCookie},
		{"TLS 1.3 alone shows none", 0, &tls.Config{MinVersion: tls.VersionTLS13, Certificates: old.Certificates}, nil, OtherCookie},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := monitor{Watch: Watch{Healing: true, Heal: time.Second, TLS: tt.tls != nil, Limit: time.Minute}, flags: tt.own, out: -1}
			m.peers = []peer{{Peer: Peer{Node: "app@n2"}, heal: heal{attempts: askWhyAfter}}}
			d := &dial{answer: Answered, met: true, have: tt.have}
			if tt.tls != nil {
				port := serve(t, func(c net.Conn) { tls.Server(c, tt.tls).Handshake() })
				for d = m.dialAgain(local(port)); !d.done; {
					d.wait()
				}
				if d.answer != Answered {
					t.Fatalf("the answer is %d", d.answer)
				}
			}
			d.peer = 0
			m.tried(d, time.Hour)
			if got := m.peers[0].state; got != tt.want {
				t.Errorf("missing for the reason %q, want %q", got, tt.want)
			}
		})
	}
}

// certificate is what a TLS server has that shows a certificate of that time, and behind it
// others, as many as a chain may have.
func certificate(t *testing.T, begin, end time.Time) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "n2"}, NotBefore: begin, NotAfter: end}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	chain := [][]byte{cert, make([]byte, 8<<10)}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: chain, PrivateKey: key}}}
}

// What only looks like certificates is none, and is read to its end.
func FuzzCertificate(f *testing.F) {
	f.Add([]byte("\x16\x03\x03\x00\x0d\x0b\x00\x00\x09\x00\x00\x06\x00\x00\x03\x30\x01\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if cert, _ := certificateIn(b); cert != nil {
			validAt(cert, time.Now())
		}
		validAt(b, time.Now())
		judgeCertificate(b)
		if incompatible(flagsOf(b), 0) {
			t.Error("far from what is not known")
		}
	})
}
