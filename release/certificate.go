package release

import (
	"bytes"
	"errors"
	"strings"
)

// CheckCertificate says why the peers of a node refuse its certificate: each wants the
// host part of the name of the node among the DNS names of the subjectAltName, as it is
// (ssl application, inet_tls_dist; no wildcards). text is PEM (RFC 7468), of which the
// first certificate is that of the node.
func CheckCertificate(path string, text []byte, node string) error {
	_, host, _ := strings.Cut(node, "@")
	der := pem(text)
	if der == nil {
		return errors.New(path + ": no certificate in it; want PEM: -----BEGIN CERTIFICATE-----")
	}
	names := altNames(der)
	for _, name := range names {
		if strings.EqualFold(name, host) {
			return nil
		}
	}
	return errors.New(path + ": the certificate is for [" + strings.Join(names, " ") + "], not for " + host +
		", the host part of " + node + ": its peers refuse the node; want subjectAltName DNS:" + host)
}

// pem decodes the first certificate of a PEM text; nil: there is none.
func pem(text []byte) []byte {
	_, text, ok := bytes.Cut(text, []byte("-----BEGIN CERTIFICATE-----"))
	body, _, closed := bytes.Cut(text, []byte("-----END"))
	if !ok || !closed {
		return nil
	}
	var der []byte
	bits, n := uint32(0), 0
	for _, c := range body {
		v := strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", c)
		if v < 0 {
			continue // line ends, padding
		}
		if bits, n = bits<<6|uint32(v), n+6; n >= 8 {
			n -= 8
			der = append(der, byte(bits>>n))
		}
	}
	return der
}

// The tags of DER (X.690) that a certificate (RFC 5280) has its subjectAltName in.
const (
	tagOID        = 0x06
	tagOctets     = 0x04
	tagSequence   = 0x30
	tagDNSName    = 0x82 // [2] of GeneralName
	tagExtensions = 0xa3 // [3] of TBSCertificate
)

// element cuts the first element off DER bytes; ok is false where there is no whole one.
func element(b []byte) (tag byte, value, rest []byte, ok bool) {
	if len(b) < 2 {
		return 0, nil, nil, false
	}
	n, at := int(b[1]), 2
	if n >= 0x80 {
		count := n & 0x7f
		if n = 0; count > 3 || len(b) < 2+count {
			return 0, nil, nil, false
		}
		for ; at < 2+count; at++ {
			n = n<<8 | int(b[at])
		}
	}
	if n > len(b)-at {
		return 0, nil, nil, false
	}
	return b[0], b[at : at+n], b[at+n:], true
}

// inside is the value of the first element with a tag among those of b.
func inside(b []byte, want byte) []byte {
	for {
		tag, value, rest, ok := element(b)
		if !ok || tag == want {
			return value
		}
		b = rest
	}
}

// altNames are the DNS names of a certificate's subjectAltName.
func altNames(der []byte) (names []string) {
	_, cert, _, _ := element(der)
	list := inside(inside(inside(cert, tagSequence), tagExtensions), tagSequence)
	for {
		_, extension, rest, ok := element(list)
		if !ok {
			return names
		}
		list = rest
		if string(inside(extension, tagOID)) != "\x55\x1d\x11" { // 2.5.29.17
			continue
		}
		general := inside(inside(extension, tagOctets), tagSequence)
		for {
			tag, value, rest, ok := element(general)
			if !ok {
				break
			}
			if general = rest; tag == tagDNSName {
				names = append(names, string(value))
			}
		}
	}
}
