package release

import (
	"encoding/asn1"
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

// certificate is that of RFC 5280, section 4.1, as far as its extensions. It is not read by
// crypto/x509, because that brings a third of this program with it.
type certificate struct {
	TBS struct {
		Version                                                 int `asn1:"optional,explicit,default:0,tag:0"`
		Serial, Algorithm, Issuer, Validity, Subject, PublicKey asn1.RawValue
		IssuerID                                                asn1.BitString `asn1:"optional,tag:1"`
		SubjectID                                               asn1.BitString `asn1:"optional,tag:2"`
		Extensions                                              []extension    `asn1:"optional,explicit,tag:3"`
	}
	Algorithm asn1.RawValue
	Signature asn1.BitString
}

type extension struct {
	ID       asn1.ObjectIdentifier
	Critical bool `asn1:"optional"`
	Value    []byte
}

// subjectAltName is the ID of that extension, and dNSName the tag of a DNS name in it
// (RFC 5280, 4.2.1.6).
var subjectAltName = asn1.ObjectIdentifier{2, 5, 29, 17}

const dNSName = 2

// dnsNames are the DNS names of a certificate's subjectAltName.
func dnsNames(der []byte) (names []string) {
	var c certificate
	if _, err := asn1.Unmarshal(der, &c); err != nil {
		return nil
	}
	for _, e := range c.TBS.Extensions {
		var general []asn1.RawValue
		if !e.ID.Equal(subjectAltName) {
			continue
		}
		asn1.Unmarshal(e.Value, &general) // one that is broken has no names
		for _, name := range general {
			if name.Class == asn1.ClassContextSpecific && name.Tag == dNSName {
				names = append(names, string(name.Bytes))
			}
		}
	}
	return names
}
