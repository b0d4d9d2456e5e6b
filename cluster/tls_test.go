package cluster

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"testing"
	"time"
)

// A TLS server answers the constant ClientHello, in whatever version; what is none, or
// says nothing, is told from it. OTP's own server is in the tests of nodes.
func TestProbeTLS(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	server := func(version uint16) func(net.Conn) {
		return func(c net.Conn) {
			s := tls.Server(c, &tls.Config{
				MinVersion: version, MaxVersion: version, ClientAuth: tls.RequireAnyClientCert,
				Certificates: []tls.Certificate{{Certificate: [][]byte{cert}, PrivateKey: key}},
				GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
					if len(h.CipherSuites) != 11 || len(h.SupportedCurves) != 3 || len(h.SupportedVersions) != 2 {
						t.Errorf("the server understands %+v", h)
					}
					return nil, nil
				},
			})
			c.SetDeadline(time.Now().Add(5 * time.Second))
			s.Handshake()
		}
	}
	for _, tt := range []struct {
		name   string
		handle func(net.Conn)
		want   Answer
	}{
		{"TLS 1.3", server(tls.VersionTLS13), Answered},
		{"TLS 1.2", server(tls.VersionTLS12), Answered},
		{"an alert", func(c net.Conn) { c.Write([]byte{21, 3, 3, 0, 2, 2, 40}) }, Answered},
		{"plain distribution", func(c net.Conn) { c.Write(wire("snok")) }, Strange},
		{"closes at once", func(c net.Conn) { c.Read(make([]byte, 512)) }, Strange},
		{"says nothing", func(c net.Conn) {
			c.SetReadDeadline(time.Now().Add(5 * time.Second))
			for _, err := c.Read(make([]byte, 512)); err == nil; _, err = c.Read(make([]byte, 512)) {
			}
		}, Silent},
	} {
		w := Watch{TLS: true, Limit: time.Minute}
		if tt.want == Silent {
			w.Limit = 200 * time.Millisecond
		}
		if got, _ := w.probe(local(serve(t, tt.handle))); got != tt.want {
			t.Errorf("%s: got %d, want %d", tt.name, got, tt.want)
		}
	}
}
