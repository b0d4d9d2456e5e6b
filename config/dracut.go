package config

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/beaminit/beaminit/config/cmdline"
	"github.com/beaminit/beaminit/config/image"
	"github.com/beaminit/beaminit/config/lex"
)

// foreignParam takes over the parameters of dracut (dracut.cmdline(7)) that say what a key
// of ours says too; of the others that people write for dracut or systemd, one line says
// that they have no effect.
func (l *loader) foreignParam(p cmdline.Param) {
	var f fault
	switch p.Name {
	case "modules_load", "modules-load", "rd.modules_load", "rd.modules-load", "rd.driver.pre":
		l.image.Modules = append(l.image.Modules, lex.SplitNonEmpty(p.Value, ",")...)
	case "modprobe.blacklist", "rd.driver.blacklist":
		l.image.Barred = append(l.image.Barred, lex.SplitNonEmpty(p.Value, ",")...)
	case "nameserver":
		f = l.dracutNameserver(p.Value)
	case "rd.route":
		f = l.dracutRoute(p.Value)
	case "vlan":
		f = l.dracutVLAN(p.Value)
	case "ifname":
		f = l.dracutIfname(p.Value)
	case "bridge":
		f = l.dracutBridge(p.Value)
	case "bond":
		f = l.dracutBond(p.Value)
	default:
		if !l.noteForeign(p) {
			l.modulesParam(p)
		}
		return
	}
	if f.what != "" {
		f.used = "nothing of it"
		l.problem(Cmdline, []string{p.Name}, f)
	}
}

// modulesParam takes parameters of modules (virtio_net.napi_tx=0), which the kernel keeps
// for those that are built in, and sysctl.KEY=VALUE, which it sets before there are
// modules.
func (l *loader) modulesParam(p cmdline.Param) {
	name, option, ok := strings.Cut(p.Name, ".")
	switch {
	case !ok || option == "":
	case name == "sysctl":
		l.image.AddSysctl(option + "=" + p.Value)
	case image.IsModule(name):
		if !p.Bare {
			option += "=" + p.Written
		}
		l.image.AddOptions(name, option)
	}
}

// foreignWords are names of parameters, or what they begin with, and why they are without
// effect. The first one that fits counts.
var foreignWords = [...]struct{ name, why string }{
	{"team=", `there are no team devices here; want network.IFACE.bond`},
	{"net.ifnames=1", "interfaces keep the names that the kernel gives; want network.IFACE.mac"},
	{"biosdevname=1", "interfaces keep the names that the kernel gives; want network.IFACE.mac"},
	{"systemd.hostname", ""}, // these are taken
	{"systemd.machine_id", ""},
	{"systemd.unit", "there are no units here; the release is what is started, and beaminit rescue stops it"},
	{"systemd.mask", "there are no units here; want the image's beaminit.toml without that [[mount]] or [[service]]"},
	{"systemd.wants", "there are no units here; want [[service]]"},
	{"systemd.run", "there are no units here; want release.pre_run"},
	{"systemd.debug", "there is no debug shell here; want console.tty"},
	{"systemd.mount-extra", "it is for systemd; want [[mount]]"},
	{"systemd.swap-extra", "it is for systemd; want [[mount]] with type = \"swap\""},
	{"systemd.setenv", "it is for systemd; want release.env"},
	{"systemd.watchdog", "it is for systemd; want watchdog.device, watchdog.timeout"},
	{"systemd.volatile", "it is for systemd; want root.overlay"},
	{"systemd.verity", "it is for systemd, and the root is not verified by it; want dm-mod.create="},
	{"roothash", "the root is not verified by it; want dm-mod.create="},
	{"usrhash", "/usr is not verified by it; want dm-mod.create="},
	{"systemd.", "it is for systemd"},
	{"quotacheck.", "it is for systemd"},
	{"udev.", "it is for udev"},
	{"mount.usr", "it is for dracut and systemd; want [[mount]]"},
	{"overlayroot=", "it is for the initramfs of others; want root.overlay"},
	{"fsck.", "it is for systemd; want mount.check"},
	{"rd.luks", "no encrypted disk is opened here"},
	{"rd.lvm", "no logical volume is searched for here"},
	{"rd.md", "no RAID is assembled here but by the kernel (raid=, md=)"},
	{"rd.neednet", ""}, // the network is always made
	{"rd.", "it is for dracut"},
	{"luks.", "no encrypted disk is opened here"},
	{"cryptdevice=", "no encrypted disk is opened here"},
	{"vconsole.", "it is for systemd"},
	{"locale.", "it is for systemd; want release.env"},
}

// rescueWords ask other inits for a shell and nothing else.
var rescueWords = [...]string{"single", "s", "S", "1", "emergency", "rescue"}

// noteForeign says whether a parameter is one of foreignWords.
func (l *loader) noteForeign(p cmdline.Param) bool {
	word := p.Name
	if !p.Bare {
		word += "=" + p.Value
	}
	if p.Bare && slices.Contains(rescueWords[:], p.Name) {
		l.noteOnce(p.Name, "without effect: there are no runlevels here; want init=/bin/sh for a shell in the place of all")
		return true
	}
	for _, w := range foreignWords {
		if !strings.HasPrefix(word, w.name) {
			continue
		}
		off := strings.HasPrefix(w.name, "rd.") && (p.Value == "0" || p.Value == "no")
		if w.why != "" && !off { // rd.luks=0 wants what is so here anyway
			l.noteForeignOnce(p.Name, "without effect: "+w.why)
		}
		return true
	}
	return false
}

// noteForeignOnce puts all parameters of one reason into one note.
func (l *loader) noteForeignOnce(name, why string) {
	for i := range l.c.Notes {
		if n := &l.c.Notes[i]; n.Text == why && len(n.Key) < 1<<8 {
			if !slices.Contains(strings.Split(n.Key, ", "), name) {
				n.Key += ", " + name
			}
			return
		}
	}
	l.noteOnce(name, why)
}

// dracutAddr reads an address; IPv6 may stand in brackets.
func dracutAddr(s string) netip.Addr {
	if inner := strings.TrimPrefix(s, "["); inner != s {
		s = strings.TrimSuffix(inner, "]")
	}
	if a, err := netip.ParseAddr(s); err == nil && !unusable(a) {
		return a
	}
	return netip.Addr{}
}

func (l *loader) dracutNameserver(value string) (f fault) {
	a := dracutAddr(value)
	if !a.IsValid() {
		return fault{what: lex.Quote(value) + " is no address of a host", want: "such as nameserver=192.168.7.1"}
	}
	l.dnsServers(Cmdline, []netip.Addr{a})
	return f
}

// dracutRoute is rd.route=NET/MASK:GATEWAY[:IFACE].
func (l *loader) dracutRoute(value string) (f fault) {
	want := "NET/LENGTH:GATEWAY:IFACE, such as 10.0.0.0/8:192.168.7.1:eth0, IPv6 in brackets"
	fields, ok := splitIP(value)
	if !ok {
		return fault{what: lex.Quote(value) + " is no route", want: want}
	}
	net, mask, hasMask := strings.Cut(fields[0], "/")
	if strings.HasSuffix(mask, "]") { // [fd00::/64], as others have it
		net, mask = net+"]", strings.TrimSuffix(mask, "]")
	}
	a, err := netip.ParseAddr(strings.Trim(net, "[]"))
	if err != nil || len(fields) > 10 || strings.Join(fields[3:], "") != "" {
		return fault{what: lex.Quote(value) + " is no route", want: want}
	}
	length := a.BitLen()
	if hasMask {
		length = maskBits(mask, a)
		if mask == "0" {
			length = 0
		}
	}
	r := Route{To: netip.PrefixFrom(a, length), Via: dracutAddr(fields[1])}
	switch {
	case length < 0 || r.To != r.To.Masked():
		return fault{what: lex.Quote(fields[0]) + " is no network", want: want}
	case fields[1] != "" && !r.Via.IsValid() || r.Via.IsValid() && r.Via.Is4() != a.Is4():
		return fault{what: lex.Quote(fields[1]) + " is no gateway for it", want: want}
	case fields[2] != "" && !isInterface(fields[2]):
		return badInterface(fields[2])
	}
	iface := fields[2]
	if iface == "" {
		iface = l.firstInterface()
	}
	n := l.c.network(iface)
	if l.c.from("network.route", iface) != Cmdline {
		n.Route = nil
	}
	n.Route = append(n.Route, r)
	l.mark("network.route", iface, Cmdline)
	return f
}

// firstInterface is the one that a parameter without a name is about.
func (l *loader) firstInterface() string {
	if len(l.c.Network) > 0 {
		return l.c.Network[0].Interface
	}
	return "eth0"
}

// dracutVLAN is vlan=NAME:PARENT, where the name ends in the id: eth0.5, vlan5, vlan0005.
func (l *loader) dracutVLAN(value string) (f fault) {
	name, parent, _ := strings.Cut(value, ":")
	id, err := strconv.Atoi(name[len(strings.TrimRight(name, "0123456789")):])
	if !isInterface(name) || !isInterface(parent) || err != nil || id < 1 || id > 4094 {
		return fault{what: lex.Quote(value) + " is no VLAN", want: "NAME:PARENT with the id at the end of the name, such as eth0.5:eth0"}
	}
	l.c.network(name).VLAN = VLAN{Parent: parent, ID: id}
	l.mark("network.vlan.parent", name, Cmdline)
	l.mark("network.vlan.id", name, Cmdline)
	return f
}

// dracutIfname is ifname=IFACE:MAC.
func (l *loader) dracutIfname(value string) (f fault) {
	name, address, _ := strings.Cut(value, ":")
	if !isInterface(name) {
		return badInterface(name)
	}
	k := find("network", "mac", false)
	if _, faults := k.storeMAC((*mac)(&l.c.network(name).MAC), address, Cmdline); faults != nil {
		return fault{what: faults[0].what, want: "IFACE:MAC, such as eth0:02:00:5e:00:53:01"}
	}
	l.mark(k.name, name, Cmdline)
	return f
}

// dracutBridge is bridge=NAME:PORT,PORT, or a bare bridge for br0:eth0.
func (l *loader) dracutBridge(value string) (f fault) {
	name, ports, named := strings.Cut(value, ":")
	if !named {
		name, ports = "br0", "eth0"
	}
	list := lex.SplitNonEmpty(ports, ",")
	if !isInterface(name) || len(list) == 0 || slices.ContainsFunc(list, func(s string) bool { return !isInterface(s) }) {
		return fault{what: lex.Quote(value) + " is no bridge", want: "NAME:PORT,PORT, such as br0:eth0,eth1"}
	}
	l.c.network(name).Bridge.Ports = list
	l.mark("network.bridge.ports", name, Cmdline)
	return f
}

// dracutBond is bond=NAME[:PORT,PORT[:OPTION=VALUE,…[:MTU]]]; of the options mode is taken.
func (l *loader) dracutBond(value string) (f fault) {
	fields := append(strings.Split(value, ":"), "", "", "", "")
	list, mode := lex.SplitNonEmpty(fields[1], ","), ""
	if fields[0] == "" {
		fields[0], list = "bond0", []string{"eth0", "eth1"}
	}
	for _, option := range lex.SplitNonEmpty(fields[2], ",") {
		if name, v, _ := strings.Cut(option, "="); name == "mode" && isBondMode(v) {
			mode = v
		} else {
			return fault{what: lex.Quote(option) + " is no option that is taken over", want: "mode= in words, such as mode=active-backup"}
		}
	}
	if !isInterface(fields[0]) || len(list) == 0 || slices.ContainsFunc(list, func(s string) bool { return !isInterface(s) }) {
		return fault{what: lex.Quote(value) + " is no bond", want: "NAME:PORT,PORT:mode=MODE, such as bond0:eth0,eth1:mode=802.3ad"}
	}
	n := l.c.network(fields[0])
	n.Bond = Bond{Ports: list, Mode: mode}
	l.mark("network.bond.ports", fields[0], Cmdline)
	l.mark("network.bond.mode", fields[0], Cmdline)
	return f
}
