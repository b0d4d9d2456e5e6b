package child

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/beaminit/beaminit/config"
	"golang.org/x/net/dns/dnsmessage"
)

// The names of DNS-SD (RFC 6763) and mDNS (RFC 6762).
const (
	service  = "_erlang._tcp.local"
	services = "_services._dns-sd._udp.local" // where all services are listed (RFC 6763, 9)
	local    = ".local"
)

// TTLs as RFC 6762 (10) has them: of what changes with an address, and of the rest.
const (
	hostTTL  = 120 * time.Second
	otherTTL = 4500 * time.Second
)

// maxAddrs is how many addresses an announcement has: they fit into one string of a TXT record.
const maxAddrs = 5

// announcement is what a node says of itself. All of it stands in the TXT record too, where
// it can be signed: mac= is the HMAC-SHA-256 (RFC 2104), 128 bits of it, of all strings
// before it.
type announcement struct {
	host  string // its name, without a domain
	node  string // the part of its node name before the @; empty: not said
	port  int
	addrs []netip.Addr
	bye   bool // it goes

	boot string // of this run of who announces
	n    uint64 // grows with each announcement: milliseconds since 1970, where the clock is right
}

const macSize = 16

// signing keeps an HMAC of announcements from being one of anything else.
const signing = "beaminit mdns 1\n"

func mac(key []byte, text []string) string {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(signing + strings.Join(text, "\n")))
	return hex.EncodeToString(h.Sum(nil)[:macSize])
}

// keyID tells keys apart, for those who look for a fault.
func keyID(key []byte) string {
	sum := sha256.Sum256(key)
	return hex.EncodeToString(sum[:4])
}

// text is the TXT record; key is nil where there is none.
func (a *announcement) text(key []byte) []string {
	list := []string{"host=" + a.host, "port=" + strconv.Itoa(a.port)}
	if a.node != "" {
		list = append(list, "node="+a.node)
	}
	if len(key) == 0 {
		return list
	}
	var addrs []string
	for _, x := range a.addrs[:min(len(a.addrs), maxAddrs)] {
		addrs = append(addrs, x.String())
	}
	list = append(list, "addr="+strings.Join(addrs, ","))
	if a.bye {
		list = append(list, "bye=1")
	}
	list = append(list, "key="+keyID(key), "boot="+a.boot, "n="+strconv.FormatUint(a.n, 10))
	return append(list, "mac="+mac(key, list))
}

// values are the strings of a TXT record by their keys (RFC 6763, 6.4: the first counts).
func values(text []string) map[string]string {
	m := make(map[string]string, len(text))
	for _, s := range text {
		key, value, _ := strings.Cut(s, "=")
		if key = strings.ToLower(key); m[key] == "" {
			m[key] = value
		}
	}
	return m
}

// parseSigned reads a TXT record that is signed with the key; ok is false for any other.
func parseSigned(key []byte, text []string) (a announcement, ok bool) {
	last := len(text) - 1
	if last < 0 || last > 16 || !hmac.Equal([]byte(text[last]), []byte("mac="+mac(key, text[:last]))) {
		return a, false
	}
	v := values(text)
	a = announcement{host: v["host"], node: v["node"], boot: v["boot"], bye: v["bye"] == "1"}
	var err error
	if a.n, err = strconv.ParseUint(v["n"], 10, 63); err != nil {
		return a, false
	}
	if a.port, err = strconv.Atoi(v["port"]); err != nil {
		return a, false
	}
	for _, s := range strings.Split(v["addr"], ",") {
		if x, err := netip.ParseAddr(s); err == nil && config.HostAddress(x) {
			a.addrs = append(a.addrs, x)
		}
	}
	return a, a.valid() && len(a.boot) <= 32
}

// valid says whether a node can be as it is announced.
func (a *announcement) valid() bool {
	if a.port <= 0 || a.port > 65535 || a.node != "" && !config.NodeName(a.node) {
		return false
	}
	return config.HostName(a.host) && !strings.Contains(a.host, ".")
}

// message is the announcement as an answer of mDNS: all records of the node, in one packet.
// legacy answers somebody who asked from another port than mDNS's (RFC 6762, 6.7): with
// his id and question.
func (a *announcement) message(key []byte, legacy *message) ([]byte, error) {
	m := dnsmessage.Message{Header: dnsmessage.Header{Response: true, Authoritative: true}}
	flush, short, long := dnsmessage.Class(flushBit), hostTTL, otherTTL
	if legacy != nil {
		m.ID, m.Questions = legacy.ID, legacy.questions
		flush, short, long = 0, 10*time.Second, 10*time.Second
	}
	if a.bye {
		short, long = 0, 0
	}
	var err error
	add := func(name string, class dnsmessage.Class, ttl time.Duration, body dnsmessage.ResourceBody) {
		n, wrong := nameOf(name)
		if wrong != nil {
			err = wrong
		}
		m.Answers = append(m.Answers, dnsmessage.Resource{Body: body,
			Header: dnsmessage.ResourceHeader{Name: n, Class: dnsmessage.ClassINET | class, TTL: uint32(ttl / time.Second)}})
	}
	instance, host := a.host+"."+service, a.host+local
	instanceName, wrong := nameOf(instance)
	if wrong != nil {
		return nil, wrong
	}
	serviceName, hostName := dnsmessage.MustNewName(service+"."), dnsmessage.MustNewName(host+".")
	add(service, 0, long, &dnsmessage.PTRResource{PTR: instanceName})
	add(services, 0, long, &dnsmessage.PTRResource{PTR: serviceName})
	add(instance, flush, short, &dnsmessage.SRVResource{Port: uint16(a.port), Target: hostName})
	add(instance, flush, long, &dnsmessage.TXTResource{TXT: a.text(key)})
	for _, x := range a.addrs[:min(len(a.addrs), maxAddrs)] {
		if x.Is4() {
			add(host, flush, short, &dnsmessage.AResource{A: x.As4()})
		} else {
			add(host, flush, short, &dnsmessage.AAAAResource{AAAA: x.As16()})
		}
	}
	if err != nil {
		return nil, err
	}
	return m.Pack()
}

// asks says whether a query wants to know something of the node. Who knows already that it
// is there says so (RFC 6762, 7.1).
func (a *announcement) asks(m *message) bool {
	instance, host := a.host+"."+service, a.host+local
	for _, r := range m.records {
		pointer := r.kind == dnsmessage.TypePTR && r.name == service && r.target == instance
		if pointer && r.ttl >= otherTTL/2 && len(m.questions) == 1 {
			return false
		}
	}
	for _, q := range m.questions {
		switch plain(q.Name) {
		case service, services, instance, host:
			return true
		}
	}
	return false
}
