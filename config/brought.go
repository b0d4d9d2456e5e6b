package config

import (
	"slices"
	"strings"

	"github.com/beaminit/beaminit/config/lex"
)

// What is wanted in the place of several things.
const (
	wantNetwork = "[network.IFACE]"
	wantService = "[[service]]"
	wantCron    = "a [[service]] that runs cron"
	wantWPA     = "a [[service]] that runs wpa_supplicant"
	wantNTP     = "a [[service]] that runs chronyd or ntpd"
	wantGrow    = "[[mount]] with grow = true, which extends the last one; others are made with the image"
	wantSystem  = "watchdog.timeout, release.env, release.limits"
	wantTables  = "a program of release.run_once that has iptables-restore read it"
)

// broughtDirs are directories of an image in which other inits and their tools find what
// they are to do: each file whose name ends so, without ends each.
var broughtDirs = [...]struct{ kind, dir, ends, want string }{
	{"services of OpenRC", "/etc/runlevels/boot", "", wantService},
	{"services of OpenRC", "/etc/runlevels/default", "", wantService},
	{"programs", "/etc/local.d", ".start", "release.run_once"},
	{"networks", "/etc/network/interfaces.d", "", wantNetwork},
	{"networks of netplan", "/etc/netplan", ".yaml", wantNetwork},
	{"networks of NetworkManager", "/etc/NetworkManager/system-connections", "", wantNetwork},
	{"programs of cron.d", "/etc/cron.d", "", wantCron},
	{"rules of udev", "/etc/udev/rules.d", ".rules", "[[device]]"},
	{"drop-ins of systemd", "/etc/systemd/timesyncd.conf.d", ".conf", wantNTP},
	{"drop-ins of systemd", "/etc/systemd/resolved.conf.d", ".conf", wantDNS},
	{"drop-ins of systemd", "/etc/systemd/system.conf.d", ".conf", wantSystem},
	{"services of runit", "/etc/runit/runsvdir/default", "", wantService},
	{"services of runit", "/etc/service", "", wantService},
	{"services of s6", "/etc/services.d", "", wantService},
	{"services of dinit", "/etc/dinit.d/boot.d", "", wantService},
	{"services of supervisord", "/etc/supervisor/conf.d", ".conf", wantService},
	{"services of monit", "/etc/monit.d", "", wantService},
	{"services of Upstart", "/etc/init", ".conf", wantService},
	{"partitions of systemd-repart", "/etc/repart.d", ".conf", wantGrow},
	{"partitions of systemd-repart", "/usr/lib/repart.d", ".conf", wantGrow},
	{"networks of NetworkManager", "/usr/lib/NetworkManager/system-connections", "", wantNetwork},
	{"networks of ConnMan", "/var/lib/connman", ".config", wantNetwork},
	{"wireless networks", "/var/lib/iwd", ".psk", "a [[service]] that runs iwd"},
	{"programs of cron", "/etc/crontabs", "", wantCron},
	{"programs of cron", "/var/spool/cron/crontabs", "", wantCron},
}

const wantDNS = "dns.servers, dns.search"

// broughtFiles are single files, with what of a line counts.
var broughtFiles = [...]struct {
	kind, path string
	counts     func(line string) bool
	want       string
}{
	{"network", "/etc/network/interfaces", isIface, wantNetwork},
	{"network", "/etc/dhcpcd.conf", isAny, wantNetwork + ", with dhcp = true or an address"},
	{"wireless networks", "/etc/wpa_supplicant.conf", isNetworkBlock, wantWPA},
	{"programs", "/etc/rc.local", isProgram, "release.run_once, or " + wantService},
	{"encrypted disks", "/etc/crypttab", isAny, "release.run_once, which opens them before the release is started"},
	{"programs", "/etc/crontab", isCronJob, wantCron},
	{"programs", "/etc/inittab", isStarted, "[[service]], or console.tty for a shell"},
	{"rules of mdev", "/etc/mdev.conf", isAny, "[[device]]"},
	{"packet filter", "/etc/nftables.conf", isRule, `release.run_once = [["/usr/sbin/nft", "-f", "/etc/nftables.conf"]]`},
	{"packet filter", "/etc/iptables/rules.v4", isRule, wantTables},
	{"packet filter", "/etc/iptables/rules.v6", isRule, wantTables},
	{"packet filter", "/etc/iptables/iptables.rules", isRule, wantTables},
	{"services of monit", "/etc/monitrc", isCheck, wantService},
	{"services of supervisord", "/etc/supervisord.conf", isCheck, wantService},
	{"networks of OpenWrt", "/etc/config/network", isAny, wantNetwork},
	{"verified disks", "/etc/veritytab", isAny, "dm-mod.create= on the kernel command line"},
	{"arrays of disks", "/etc/mdadm.conf", isArray, "release.run_once, which assembles them before the release is started"},
	{"swap space in memory", "/etc/systemd/zram-generator.conf", isAny, "release.run_once, which makes it"},
	{"clock in local time", "/etc/adjtime", isLocal, "a hardware clock in UTC"},
	{"language", "/etc/locale.conf", isSetting, "LANG in release.env"},
	{"settings of systemd", "/etc/systemd/system.conf", isSetting, wantSystem},
	{"settings of systemd", "/etc/systemd/logind.conf", isSetting, "none: the power button switches off, in order"},
	{"settings of systemd", "/etc/systemd/journald.conf", isSetting, "a [[service]] that keeps what /dev/kmsg says"},
	{"settings of systemd", "/etc/systemd/resolved.conf", isSetting, wantDNS},
	{"settings of systemd", "/etc/systemd/timesyncd.conf", isSetting, wantNTP},
}

func isAny(string) bool       { return true }
func isProgram(s string) bool { return s != "exit 0" }
func isSetting(s string) bool { return strings.Contains(s, "=") }
func isCronJob(s string) bool { return !strings.Contains(strings.Fields(s)[0], "=") }
func isStarted(s string) bool { return starts(strings.Split(s, ":")) }
func isRule(s string) bool {
	return strings.Contains(s, "drop") || strings.Contains(s, "accept") || strings.HasPrefix(s, "-A")
}
func isCheck(s string) bool {
	return strings.HasPrefix(s, "check ") || strings.HasPrefix(s, "[program:")
}
func isArray(s string) bool        { return strings.HasPrefix(s, "ARRAY ") }
func isLocal(s string) bool        { return s == "LOCAL" }
func isNetworkBlock(s string) bool { return strings.HasPrefix(s, "network=") }

func isIface(s string) bool {
	return strings.HasPrefix(s, "iface ") && !strings.HasPrefix(s, "iface lo ")
}

// starts says whether a line of inittab(5), cut at its colons, or one of BusyBox's, starts
// something.
func starts(fields []string) bool {
	return len(fields) > 3 && slices.Contains([]string{"respawn", "once", "sysinit", "wait", "askfirst", "boot", "bootwait"}, fields[2])
}

// brought names what the image brings for other inits and their tools, with what to write in
// its place.
func (l *loader) brought() {
	l.noteImage("units of systemd", l.units(), "[[service]] or [[mount]]")
	var scripts []string
	for _, dir := range [...]string{"/etc/rcS.d", "/etc/rc2.d", "/etc/rc3.d", "/etc/rc5.d", "/etc/rc.d", "/etc/init.d"} { // the last as Buildroot has it
		for _, name := range l.list(dir) {
			if len(name) > 2 && name[0] == 'S' && lex.IsDigits(name[1:3]) {
				scripts = append(scripts, name)
			}
		}
	}
	if scripts == nil && slices.Contains(l.list("/etc/init.d"), "rcS") {
		if _, err := l.read("/etc/inittab"); err != nil {
			scripts = []string{"rcS"} // what BusyBox's init runs without an inittab
		}
	}
	l.noteImage("init scripts", scripts, "[[service]], release.pre_run")
	l.noteImage("networks of systemd", l.networkd(), wantNetwork)
	l.noteImage("wireless networks", l.wireless(), wantWPA)
	for i := range broughtDirs {
		b := &broughtDirs[i]
		l.noteImage(b.kind, l.withSuffix(b.dir, b.ends), b.want)
	}
	for i := range broughtFiles {
		b, found := &broughtFiles[i], false
		l.imageFile(b.path, func(line string) { found = found || b.counts(line) })
		if found {
			l.noteImage(b.kind, []string{b.path}, b.want)
		}
	}
}

// vendorDirs are where packages put what is systemd's, in an image that has it.
func (l *loader) vendorDirs() []string {
	if !l.mayBe("/etc/systemd") {
		return nil
	}
	return []string{"/usr/lib/systemd", "/lib/systemd"}
}

// vendorsOwn begin the names of what systemd itself brings there.
var vendorsOwn = [...]string{"systemd-", "serial-getty", "container-getty", "autovt", "tmp.mount", "80-wifi-", "sys-", "dev-", "proc-", "getty", "console-getty", "dbus", "kmod-", "ldconfig", "80-container", "80-vm-", "80-namespace-",
	"80-6rd", "80-auto-", "80-iwd", "80-ipv4ll", "73-", "89-", "99-default"}

// vendors leaves out what systemd itself brings.
func vendors(names []string) []string {
	return slices.DeleteFunc(names, func(name string) bool {
		return !strings.HasPrefix(name, "systemd-timesyncd") && slices.ContainsFunc(vendorsOwn[:], func(own string) bool { return strings.HasPrefix(name, own) })
	})
}

// units are those that systemd would start: of /etc/systemd/system, and of the packages' those
// that a target wants.
func (l *loader) units() (units []string) {
	const system = "/etc/systemd/system"
	kinds := []string{".service", ".timer", ".mount", ".socket", ".path", ".swap", ".automount"}
	units = l.withSuffix(system, kinds...)
	wanted := func(system string) (units []string) {
		for _, dir := range l.withSuffix(system, ".wants", ".requires") { // of any target
			units = append(units, l.withSuffix(system+"/"+dir, kinds...)...)
		}
		return units
	}
	units = vendors(append(units, wanted(system)...)) // those of systemd itself are enabled there
	for _, dir := range l.vendorDirs() {
		units = append(units, vendors(wanted(dir+"/system"))...)
	}
	return units
}

// networkd is what systemd-networkd would make.
func (l *loader) networkd() []string {
	names := l.withSuffix("/etc/systemd/network", ".network", ".netdev", ".link")
	for _, dir := range l.vendorDirs() {
		names = append(names, vendors(l.withSuffix(dir+"/network", ".network", ".netdev"))...)
	}
	return names
}

// wireless are the configurations of wpa_supplicant that have a network.
func (l *loader) wireless() (paths []string) {
	const dir = "/etc/wpa_supplicant"
	for _, name := range l.withSuffix(dir, ".conf") {
		found := false
		l.imageFile(dir+"/"+name, func(line string) { found = found || isNetworkBlock(line) })
		if found {
			paths = append(paths, dir+"/"+name)
		}
	}
	return paths
}

// withSuffix is the names in a directory that end so.
func (l *loader) withSuffix(dir string, suffixes ...string) (names []string) {
	for _, name := range l.list(dir) {
		if name[0] != '.' && slices.ContainsFunc(suffixes, func(s string) bool { return strings.HasSuffix(name, s) }) {
			names = append(names, name)
		}
	}
	return names
}

// handled leaves out what the configuration has a word for: a network, or a program that reads the
// file.
func (l *loader) handled() {
	var words []string
	for _, program := range append(l.c.Release.RunOnce, l.c.Release.PreRun) {
		words = append(words, program...)
	}
	for i := range l.c.Services {
		words = append(words, l.c.Services[i].Exec...)
	}
	l.c.Notes = slices.DeleteFunc(l.c.Notes, func(n Note) bool {
		return n.Key == "image" && (len(l.c.Network) > 0 && strings.Contains(n.Text, "; want "+wantNetwork) ||
			slices.ContainsFunc(words, func(w string) bool {
				at := strings.Index(w, "/etc/") // -c/etc/wpa_supplicant.conf
				return at >= 0 && strings.Contains(n.Text, "without effect here: "+w[at:]+"; want")
			}))
	})
}

// noteImage names the things of a kind.
func (l *loader) noteImage(kind string, names []string, want string) {
	if len(names) == 0 {
		return
	}
	l.note("image", broughtText(kind, names, want))
}

func broughtText(kind string, names []string, want string) string {
	slices.Sort(names)
	return kind + " brought by the image, without effect here: " + lex.Some(slices.Compact(names)) + "; want " + want
}
