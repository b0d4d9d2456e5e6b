package release

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"
)

// newCertificate is one in PEM, with everything that a subjectAltName can have around its
// DNS names.
func newCertificate(t testing.TB, names ...string) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "eclero6"}, NotAfter: time.Now(), DNSNames: names,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if names != nil {
		template.IPAddresses, template.EmailAddresses = []net.IP{{10, 0, 0, 1}}, []string{"eclero6@lan"}
		template.URIs = []*url.URL{{Scheme: "https", Host: "eclero6"}}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func TestCheckCertificate(t *testing.T) {
	var many []string
	for i := 0; i < 200; i++ {
		many = append(many, strings.Repeat("x", i%60+1)+".lan")
	}
	for _, tt := range []struct {
		name, node string
		text       []byte
		want       string // empty: nothing is wrong
	}{
		{"right", "a@eclero6", newCertificate(t, "other", "eclero6"), ""},
		{"after others", "a@eclero6.lan", append([]byte("text before\n"), newCertificate(t, append(many, "ECLERO6.lan")...)...), ""},
		{"of another", "a@eclero6", newCertificate(t, "eclero8", "eclero6.lan"), "/c.pem: the certificate is for [eclero8 eclero6.lan], not for eclero6, the host part of a@eclero6"},
		{"a wildcard", "a@eclero6.lan", newCertificate(t, "*.lan"), "for [*.lan], not for eclero6.lan"},
		{"the common name alone", "a@eclero6", newCertificate(t), "for [], not for eclero6"},
		{"no PEM", "a@eclero6", []byte("0\x82"), "no certificate in it; want PEM"},
		{"cut off", "a@eclero6", newCertificate(t, "eclero6")[:200], "no certificate in it"},
		{"a key", "a@eclero6", []byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), "no certificate in it"},
	} {
		err := CheckCertificate("/c.pem", tt.text, tt.node)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

func FuzzCertificate(f *testing.F) {
	f.Add(newCertificate(f, "eclero6"))
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nMIIBMIIBMIIB\n-----END"))
	f.Fuzz(func(t *testing.T, b []byte) {
		CheckCertificate("/c.pem", b, "a@eclero6")
		dnsNames(b) // must not panic or spin
	})
}
