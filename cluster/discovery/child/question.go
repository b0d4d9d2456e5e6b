package child

import (
	"net/netip"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// self is the announcement of this node on a link.
func (m *mdns) self(l *link, bye bool) announcement {
	m.n = max(m.n+1, uint64(max(0, time.Now().UnixMilli())))
	return announcement{host: m.orders.Host, node: m.orders.Node, port: m.orders.Port, addrs: l.addrs, bye: bye, boot: m.boot, n: m.n}
}

// announce tells a link, or the one who asked, of this node. What cannot be sent is sent
// again when somebody asks.
func (m *mdns) announce(l *link, asked *message, to netip.AddrPort, bye bool) {
	self := m.self(l, bye)
	text, err := self.message(m.key, asked)
	if err != nil {
		m.once("mdns: " + err.Error())
		return
	}
	l.send(text, to)
}

// knownAnswers are records of nodes that need not answer (RFC 6762, 7.1).
func (m *mdns) knownAnswers(now time.Time) (answers []dnsmessage.Resource) {
	header := dnsmessage.ResourceHeader{
		Name: dnsmessage.MustNewName(service + "."), Class: dnsmessage.ClassINET, TTL: uint32(otherTTL / time.Second),
	}
	for _, h := range m.nodes {
		if len(answers) == maxKnown {
			break
		}
		if n, err := nameOf(h.instance); err == nil && h.whole() && !h.silent(now) {
			answers = append(answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.PTRResource{PTR: n}})
		}
	}
	return answers
}

// question asks a link who is there, saying who is known, and asks some whether they still are.
func (m *mdns) question(l *link, browse bool, nodes []*heard, now time.Time) {
	var q dnsmessage.Message
	ask := func(name string, kind dnsmessage.Type) {
		if n, err := nameOf(name); err == nil {
			q.Questions = append(q.Questions, dnsmessage.Question{Name: n, Type: kind, Class: dnsmessage.ClassINET})
		}
	}
	if browse {
		ask(service, dnsmessage.TypePTR)
		q.Answers = m.knownAnswers(now)
		m.send(l, &q)
		q = dnsmessage.Message{}
	}
	for _, h := range nodes {
		ask(h.instance, dnsmessage.TypeSRV)
		ask(h.instance, dnsmessage.TypeTXT)
		if h.host != "" {
			ask(h.host+local, dnsmessage.TypeA)
			ask(h.host+local, dnsmessage.TypeAAAA)
		}
		if len(q.Questions) >= 16 {
			m.send(l, &q)
			q = dnsmessage.Message{}
		}
	}
	m.send(l, &q)
}

func (m *mdns) send(l *link, q *dnsmessage.Message) {
	if len(q.Questions) == 0 {
		return
	}
	if text, err := q.Pack(); err == nil {
		l.send(text, netip.AddrPort{})
	}
}
