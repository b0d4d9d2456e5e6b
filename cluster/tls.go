package cluster

import (
	"encoding/binary"
	"time"

	"github.com/beaminit/beaminit/internal/der"
)

// judgeTLS reads the answer to clientHello (RFC 8446, 4.1.2; RFC 5246); 0: more has to
// come. A distribution inside of TLS lets nobody further without a certificate. The answer
// is made by processes of the VM's ssl application, so a VM that is stopped or whose
// schedulers are busy gives none; a net kernel that hangs is not found out. OTP logs
// nothing of a client that goes after the ServerHello, while it does log a plain handshake
// (measured with OTP 25, TLS 1.2 and 1.3).
func judgeTLS(b []byte) Answer {
	if len(b) < 5 {
		return 0
	}
	// A record of a handshake, or an alert: also a refusal is an answer.
	if (b[0] == 22 || b[0] == 21) && b[1] == 3 {
		return Answered
	}
	return Strange
}

// What a clientHello offers (supported_versions of RFC 8446, 4.2.1): TLS 1.3 and 1.2, or 1.2.
const (
	bothVersions = "\x00\x2b\x00\x05\x04\x03\x04\x03\x03"
	oldVersion   = "\x00\x2b\x00\x03\x02\x03\x03"
)

// clientHello offers these versions with what OTP takes of ciphers, groups and
// signatures. What should be random or a key is a constant: nothing comes after it.
func clientHello(versions string) []byte {
	const (
		ciphers    = "\x13\x01\x13\x02\x13\x03\xc0\x2b\xc0\x2f\xc0\x2c\xc0\x30\xcc\xa9\xcc\xa8\x00\x9c\x00\x2f"
		groups     = "\x00\x0a\x00\x08\x00\x06\x00\x1d\x00\x17\x00\x18"
		points     = "\x00\x0b\x00\x02\x01\x00"
		signatures = "\x00\x0d\x00\x14\x00\x12\x04\x03\x08\x04\x04\x01\x05\x03\x08\x05\x05\x01\x08\x06\x06\x01\x06\x03"
		keyShare   = "\x00\x33\x00\x26\x00\x24\x00\x1d\x00\x20the 32 bytes of an X25519 point."
		nothing    = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	)
	extensions := groups + points + signatures + versions + keyShare
	b := append(make([]byte, 0, 256), 22, 3, 1, 0, 0, 1, 0, 0, 0, 3, 3)
	b = append(b, nothing+nothing+"\x20"+nothing+nothing...) // random, session
	b = binary.BigEndian.AppendUint16(b, uint16(len(ciphers)))
	b = append(append(b, ciphers...), 1, 0) // no compression
	b = binary.BigEndian.AppendUint16(b, uint16(len(extensions)))
	b = append(b, extensions...)
	binary.BigEndian.PutUint16(b[3:], uint16(len(b)-5))
	binary.BigEndian.PutUint16(b[7:], uint16(len(b)-9))
	return b
}

// The records and the messages of a handshake (RFC 5246, 6.2.1 and 7.4).
const (
	recordHandshake    = 22
	messageCertificate = 11
)

// judgeCertificate waits for what judgeTLS does, and for the certificate. Whoever speaks
// no TLS 1.2 says so, and that is an answer.
func judgeCertificate(b []byte) Answer {
	if a := judgeTLS(b); a != Answered {
		return a
	}
	if _, more := certificateIn(b); more && len(b) < maxCertificates {
		return 0
	}
	return Answered
}

// certificateIn is the server's own certificate in its answer to a clientHello, in DER; nil:
// there is none. more says that it may be in what has yet to come.
func certificateIn(b []byte) (cert []byte, more bool) {
	var messages []byte // without the records around them
	for len(b) >= 5 {
		size := int(binary.BigEndian.Uint16(b[3:]))
		if b[0] != recordHandshake {
			return nil, false
		}
		messages = append(messages, b[5:min(5+size, len(b))]...)
		b = b[min(5+size, len(b)):]
	}
	for len(messages) >= 4 {
		kind, size := messages[0], length24(messages[1:])
		body := messages[4:]
		if size > len(body) {
			return nil, true
		}
		if kind == messageCertificate {
			if size < 6 || length24(body[3:]) > size-6 {
				return nil, false
			}
			return body[6 : 6+length24(body[3:])], false
		}
		messages = body[size:]
	}
	return nil, true
}

func length24(b []byte) int { return int(b[0])<<16 | int(b[1])<<8 | int(b[2]) }

// The tags of a certificate's validity (RFC 5280, 4.1.2.5).
const (
	tagVersion = 0xa0
	tagUTC     = 0x17
	tagTime    = 0x18
)

// validAt says whether a certificate is valid at that time; also where it cannot be read.
func validAt(cert []byte, at time.Time) bool {
	parts := der.Elements(der.Inside(der.Inside(cert)))
	if len(parts) > 0 && parts[0].Tag == tagVersion {
		parts = parts[1:]
	}
	if len(parts) < 4 { // serial number, algorithm, issuer, validity
		return true
	}
	span := der.Elements(parts[3].In)
	if len(span) != 2 {
		return true
	}
	begin, ok := timeIn(span[0])
	end, fine := timeIn(span[1])
	return !ok || !fine || !at.Before(begin) && !at.After(end)
}

// timeIn reads UTCTime, whose years are those from 1950 on, or GeneralizedTime.
func timeIn(e der.Element) (t time.Time, ok bool) {
	layout := map[byte]string{tagUTC: "060102150405Z", tagTime: "20060102150405Z"}[e.Tag]
	t, err := time.Parse(layout, string(e.In))
	if e.Tag == tagUTC && t.Year() >= 2050 {
		t = t.AddDate(-100, 0, 0)
	}
	return t, layout != "" && err == nil
}
