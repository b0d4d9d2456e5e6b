package release

import (
	"encoding/pem"
	"errors"
	"strings"

	"github.com/beaminit/beaminit/internal/der"
)

// CheckCertificate says why the peers of a node refuse its certificate: each wants the
// host part of the name of the node among the DNS names of the subjectAltName, as it is
// (ssl application, inet_tls_dist; no wildcards). text is PEM (RFC 7468), of which the
// first certificate is that of the node.
func CheckCertificate(path string, text []byte, node string) error {
	_, host, _ := strings.Cut(node, "@")
	block, _ := pem.Decode(text)
	for block != nil && block.Type != "CERTIFICATE" {
		block, text = pem.Decode(text)
	}
	if block == nil {
		return errors.New(path + ": no certificate in it; want PEM: -----BEGIN CERTIFICATE-----")
	}
	names := dnsNames(block.Bytes)
	for _, name := range names {
		if strings.EqualFold(name, host) {
			return nil
		}
	}
	return errors.New(path + ": the certificate is for [" + strings.Join(names, " ") + "], not for " + host +
		", the host part of " + node + ": its peers refuse the node; want subjectAltName DNS:" + host)
}

// The tags of DER (X.690, 8.1.2) on the way to the DNS names of a certificate: those of
// RFC 5280, 4.1 and 4.2.1.6.
const (
	tagOctets     = 0x04
	tagID         = 0x06
	tagExtensions = 0xa3
	tagDNSName    = 0x82
)

// subjectAltName is the ID of that extension, 2.5.29.17, in DER.
const subjectAltName = "\x55\x1d\x11"

// dnsNames are the DNS names of a certificate's subjectAltName.
func dnsNames(cert []byte) (names []string) {
	for _, e := range extensions(cert) {
		parts := der.Elements(e.In)
		if n := len(parts); n < 2 || parts[0].Tag != tagID || string(parts[0].In) != subjectAltName || parts[n-1].Tag != tagOctets {
			continue
		}
		for _, name := range der.Elements(der.Inside(parts[len(parts)-1].In)) {
			if name.Tag == tagDNSName {
				names = append(names, string(name.In))
			}
		}
	}
	return names
}

// extensions are those of a certificate.
func extensions(cert []byte) []der.Element {
	for _, part := range der.Elements(der.Inside(der.Inside(cert))) {
		if part.Tag == tagExtensions {
			return der.Elements(der.Inside(part.In))
		}
	}
	return nil
}
