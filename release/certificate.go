package release

import (
	"encoding/pem"
	"errors"
	"strings"
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
// RFC 5280, 4.1 and 4.2.1.6. encoding/asn1 is not used, because it brings math/big with it,
// together 164 KB.
const (
	tagOctets     = 0x04
	tagID         = 0x06
	tagExtensions = 0xa3
	tagDNSName    = 0x82
)

// subjectAltName is the ID of that extension, 2.5.29.17, in DER.
const subjectAltName = "\x55\x1d\x11"

// dnsNames are the DNS names of a certificate's subjectAltName.
func dnsNames(der []byte) (names []string) {
	for _, e := range extensions(der) {
		parts := elements(e.in)
		if n := len(parts); n < 2 || parts[0].tag != tagID || string(parts[0].in) != subjectAltName || parts[n-1].tag != tagOctets {
			continue
		}
		for _, name := range elements(inside(parts[len(parts)-1].in)) {
			if name.tag == tagDNSName {
				names = append(names, string(name.in))
			}
		}
	}
	return names
}

// extensions are those of a certificate.
func extensions(der []byte) []element {
	for _, part := range elements(inside(inside(der))) {
		if part.tag == tagExtensions {
			return elements(inside(part.in))
		}
	}
	return nil
}

// element is one of DER: its tag, and what it holds.
type element struct {
	tag byte
	in  []byte
}

// inside is what the first of some elements holds.
func inside(der []byte) []byte {
	if list := elements(der); len(list) > 0 {
		return list[0].in
	}
	return nil
}

// elements are the elements of DER that lie one behind the other, as far as they are whole.
func elements(der []byte) (list []element) {
	for len(der) >= 2 {
		tag, size, rest := der[0], int(der[1]), der[2:]
		if more := size - 0x80; more > 0 && more <= 3 && more <= len(rest) { // the length of the length
			size = 0
			for _, b := range rest[:more] {
				size = size<<8 | int(b)
			}
			rest = rest[more:]
		}
		if size > len(rest) {
			break
		}
		list = append(list, element{tag, rest[:size]})
		der = rest[size:]
	}
	return list
}
