package child

import (
	"errors"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// record is what a DNS resource record says, as far as it is of use here.
type record struct {
	name   string // in lower case, without the dot at the end
	kind   dnsmessage.Type
	ttl    time.Duration
	flush  bool       // of mDNS: it takes the place of all others of its name and kind
	target string     // of SRV, PTR and CNAME, like name
	port   int        // of SRV
	text   []string   // of TXT
	addr   netip.Addr // of A and AAAA
}

// message is a DNS message.
type message struct {
	dnsmessage.Header
	questions []dnsmessage.Question
	records   []record // of answers and additional records; others are passed over
}

// maxRecords is how many records of one message are read.
const maxRecords = 4096

// flushBit is the top bit of the class in mDNS (RFC 6762, 10.2).
const flushBit = 1 << 15

// parseMessage reads a message. A record that cannot be read, or is of another kind, is
// passed over; a message of which the header or the questions cannot be is an error.
func parseMessage(b []byte) (m message, err error) {
	var p dnsmessage.Parser
	if m.Header, err = p.Start(b); err != nil {
		return m, err
	}
	if m.questions, err = p.AllQuestions(); err != nil {
		return m, err
	}
	if err = m.section(&p, p.AnswerHeader, p.SkipAnswer); err != nil {
		return m, err
	}
	if err = p.SkipAllAuthorities(); err != nil {
		return m, err
	}
	return m, m.section(&p, p.AdditionalHeader, p.SkipAdditional)
}

// section reads the records of one section.
func (m *message) section(p *dnsmessage.Parser, header func() (dnsmessage.ResourceHeader, error), skip func() error) error {
	for range maxRecords {
		h, err := header()
		if errors.Is(err, dnsmessage.ErrSectionDone) {
			return nil
		}
		if err == nil {
			if r, ok := body(p, &h); ok {
				m.records = append(m.records, r)
				continue
			}
		}
		if err := skip(); err != nil {
			return err
		}
	}
	return errors.New("more than 4096 records")
}

// body reads one record; ok is false for one that is to be passed over.
func body(p *dnsmessage.Parser, h *dnsmessage.ResourceHeader) (r record, ok bool) {
	r = record{name: plain(h.Name), kind: h.Type, ttl: time.Duration(h.TTL) * time.Second, flush: h.Class&flushBit != 0}
	if h.Class&^flushBit != dnsmessage.ClassINET {
		return r, false
	}
	switch h.Type {
	case dnsmessage.TypeA:
		a, err := p.AResource()
		r.addr = netip.AddrFrom4(a.A)
		return r, err == nil
	case dnsmessage.TypeAAAA:
		a, err := p.AAAAResource()
		r.addr = netip.AddrFrom16(a.AAAA)
		return r, err == nil
	case dnsmessage.TypeSRV:
		s, err := p.SRVResource()
		r.target, r.port = plain(s.Target), int(s.Port)
		return r, err == nil
	case dnsmessage.TypePTR:
		t, err := p.PTRResource()
		r.target = plain(t.PTR)
		return r, err == nil
	case dnsmessage.TypeCNAME:
		t, err := p.CNAMEResource()
		r.target = plain(t.CNAME)
		return r, err == nil
	case dnsmessage.TypeTXT:
		t, err := p.TXTResource()
		r.text = t.TXT
		return r, err == nil
	}
	return r, false
}

// plain is a name in lower case, without the dot at the end.
func plain(n dnsmessage.Name) string { return strings.ToLower(strings.TrimSuffix(n.String(), ".")) }

// nameOf is a name as messages have it. The error is of one that is too long. (Inlined: 3 KB more.)
//
//go:noinline
func nameOf(s string) (dnsmessage.Name, error) { return dnsmessage.NewName(s + ".") }
