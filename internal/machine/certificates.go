package machine

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"sync"
	"testing"
	"time"
)

// authority is who signs the certificates of the nodes.
var authority = sync.OnceValues(func() (*x509.Certificate, *ecdsa.PrivateKey) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "farm"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	if ca.Raw, err = x509.CreateCertificate(rand.Reader, ca, ca, key.Public(), key); err != nil {
		panic(err)
	}
	return ca, key
})

// Certificates are the files of /data of the nth node, for its name.
func Certificates(t *testing.T) func(t *testing.T, n int) map[string]string {
	return func(t *testing.T, n int) map[string]string {
		return CertificateFor(t, fmt.Sprintf("n%d", n))
	}
}

// CertificateFor are those files for a node of that name.
func CertificateFor(t *testing.T, name string) map[string]string {
	t.Helper()
	return CertificateUntil(t, name, time.Now().Add(time.Hour))
}

// CertificateUntil are those files, with a certificate that is valid until then.
func CertificateUntil(t *testing.T, name string, end time.Time) map[string]string {
	t.Helper()
	ca, signer := authority()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	node := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "node"}, DNSNames: []string{"other.farm", name},
		NotBefore: end.Add(-2 * time.Hour), NotAfter: end,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	cert, err := x509.CreateCertificate(rand.Reader, node, ca, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	return map[string]string{
		"data/cert.pem": text("CERTIFICATE", cert),
		"data/key.pem":  text("EC PRIVATE KEY", private),
		"data/ca.pem":   text("CERTIFICATE", ca.Raw),
	}
}
