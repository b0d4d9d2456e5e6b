package child

import (
	"encoding/json"
	"io"
	"strconv"

	"github.com/beaminit/beaminit/cluster/discovery"
)

// sources are in the order in which they are believed, among what is new at the same time.
var sources = [...]string{discovery.File, discovery.DNS, discovery.MDNS}

// merger makes one list of what the sources know.
type merger struct {
	limit    int
	of       map[string][]discovery.Peer // by source
	have     []discovery.Peer            // as reported last
	say      []string
	said     map[string]bool // of collisions
	reported string
}

// maxSaid is how many collisions are said before the rest is not.
const maxSaid = 64

func (m *merger) take(n news) {
	m.say = append(m.say, n.say...)
	if !n.only {
		m.of[n.source] = n.peers
	}
}

// merge makes the list: who is there stays there, under the address that he came with, for
// as long as any source still says so; then those come that are new.
func (m *merger) merge() []discovery.Peer {
	byName := make(map[string][]*discovery.Peer)
	for _, source := range sources {
		for i := range m.of[source] {
			p := &m.of[source][i]
			byName[p.Name] = append(byName[p.Name], p)
		}
	}
	var list []discovery.Peer
	taken := make(map[string]bool)
	for i := range m.have {
		for _, p := range byName[m.have[i].Name] {
			if p.Address == m.have[i].Address {
				list = append(list, *p)
				taken[p.Name] = true
				break
			}
		}
	}
	for _, source := range sources {
		for _, p := range m.of[source] {
			switch {
			case taken[p.Name]:
			case len(list) == m.limit:
				m.once("more than " + strconv.Itoa(m.limit) + " peers (discovery.limit): " + p.String() + " is not used, and neither are others")
				return m.collide(list, byName)
			default:
				list = append(list, p)
				taken[p.Name] = true
			}
		}
	}
	return m.collide(list, byName)
}

// collide says which names are claimed for another address than that in the list.
func (m *merger) collide(list []discovery.Peer, byName map[string][]*discovery.Peer) []discovery.Peer {
	for i := range list {
		for _, p := range byName[list[i].Name] {
			if p.Address != list[i].Address {
				m.once(p.String() + ": " + p.Name + " is at " + list[i].Address.String() + ", by " + list[i].Source + ", which came first and counts")
			}
		}
	}
	return list
}

// once says a line, but not again.
func (m *merger) once(line string) {
	if m.said == nil {
		m.said = map[string]bool{}
	}
	if !m.said[line] && len(m.said) < maxSaid {
		m.said[line] = true
		m.say = append(m.say, line)
	}
}

// report writes what has changed since the last report, and says whether anything has.
func (m *merger) report(out io.Writer) (wrote bool, err error) {
	m.have = m.merge()
	r := discovery.Report{Peers: m.have}
	text, err := json.Marshal(r)
	if err != nil {
		return false, err
	}
	if string(text) == m.reported && len(m.say) == 0 {
		return false, nil
	}
	m.reported = string(text)
	for {
		n := min(len(m.say), discovery.MaxSay)
		r.Say, m.say = m.say[:n], m.say[n:]
		if text, err = json.Marshal(r); err != nil {
			return true, err
		}
		if _, err := out.Write(append(text, '\n')); err != nil || len(m.say) == 0 {
			return true, err
		}
	}
}
