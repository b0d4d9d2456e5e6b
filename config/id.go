package config

import (
	"slices"
	"strings"

	"github.com/beaminit/beaminit/config/lex"
)

// boardID is the id that patterns take: the first word of a file, or the MAC. Where
// there is none, why says so.
func (l *loader) boardID() (id, why string) {
	var f fault
	switch file := strings.TrimPrefix(l.c.Node.ID, "file:"); {
	case file == "":
		return l.mac()
	case file == l.c.Node.ID:
		id, f = l.askID(file)
	default:
		id, f = l.readID(file)
	}
	if id != "" {
		return id, ""
	}
	id, why = l.mac()
	f.used = "the MAC, " + id
	if id == "" {
		f.used = "none"
	}
	o := l.c.origin("node.id", "")
	line := l.line
	l.line = o.line
	l.problem(o.from, []string{"node", "id"}, f)
	l.line = line
	return id, why
}

// firstWord ends at the first byte that is blank or control: files of the device tree
// end in a NUL.
func firstWord(data []byte) string {
	start := 0
	for start < len(data) && data[start] <= ' ' {
		start++
	}
	end := start
	for end < len(data) && data[end] > ' ' {
		end++
	}
	return string(data[start:end])
}

// board is the interface of the board that the first one stands on, for a VLAN, a bridge or
// a bond is not there yet when the node is named. mac is its MAC where the configuration
// says it.
func (l *loader) board() (iface, mac string) {
	iface = l.firstInterface()
	for range l.c.Network { // as deep as they can stand on each other
		at := slices.IndexFunc(l.c.Network, func(n Network) bool { return n.Interface == iface })
		if at < 0 {
			break
		}
		n := &l.c.Network[at]
		switch {
		case n.MAC != "":
			return iface, n.MAC
		case n.VLAN.Parent != "":
			iface = n.VLAN.Parent
		case len(n.Bridge.Ports) > 0:
			iface = n.Bridge.Ports[0]
		case len(n.Bond.Ports) > 0:
			iface = n.Bond.Ports[0]
		}
	}
	return iface, ""
}

// mac is the MAC of the first interface without its colons; why says why there is none.
func (l *loader) mac() (id, why string) {
	iface, own := l.board()
	if own != "" {
		return strings.ReplaceAll(own, ":", ""), ""
	}
	data, err := l.read("/sys/class/net/" + iface + "/address")
	if err != nil {
		return "", "the MAC of " + iface + " cannot be read: " + err.Error()
	}
	id = strings.ToLower(strings.ReplaceAll(firstWord(data), ":", ""))
	for i := 0; i < len(id); i++ {
		if !lex.IsAlnum(id[i]) {
			return "", iface + " has no MAC"
		}
	}
	if len(id) < 12 || strings.Trim(id, "0") == "" {
		return "", iface + " has no MAC"
	}
	return id, ""
}

// readID reads the board's id from a file.
func (l *loader) readID(file string) (id string, f fault) {
	data, err := l.read(file)
	id = firstWord(data)
	switch {
	case err != nil:
		f.what = "the id cannot be read: " + err.Error()
	case clean(id) == "":
		f.what = file + " holds no id"
	default:
		return id, f
	}
	f.want = "a file that begins with the id"
	return "", f
}

// askID runs the program that tells the id. Where a plan is made, none is run.
func (l *loader) askID(command string) (id string, f fault) {
	if l.run == nil {
		const zeros = "00000000"
		l.note("node.id", command+" is asked on the node; here "+zeros+" stands for its answer")
		return zeros, f
	}
	out, err := l.run(strings.Fields(command))
	id = firstWord(out)
	switch {
	case err != nil:
		f.what = "the id cannot be asked for: " + err.Error()
	case clean(id) == "":
		f.what = lex.Quote(command) + " told no id"
	default:
		return id, f
	}
	f.want = "a program that writes the id and ends with status 0"
	return "", f
}
