package brought

import (
	"slices"
	"strings"
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
	wantDNS     = "dns.servers, dns.search"
	wantTables  = "a program of release.run_once that has iptables-restore read it"
)

// dirs are directories of an image in which other inits and their tools find what they are to
// do: each file counts.
var dirs = [...]struct {
	kind, dir string
	ends      string // of the names of those that count; empty: all
	want      string
	network   bool // [network] says the same
}{
	{kind: "services of OpenRC", dir: "/etc/runlevels/boot", want: wantService},
	{kind: "services of OpenRC", dir: "/etc/runlevels/default", want: wantService},
	{kind: "programs", dir: "/etc/local.d", ends: ".start", want: "release.run_once"},
	{kind: "networks", dir: "/etc/network/interfaces.d", want: wantNetwork, network: true},
	{kind: "networks of netplan", dir: "/etc/netplan", ends: ".yaml", want: wantNetwork, network: true},
	{kind: "networks of NetworkManager", dir: "/etc/NetworkManager/system-connections", want: wantNetwork, network: true},
	{kind: "programs of cron.d", dir: "/etc/cron.d", want: wantCron},
	{kind: "rules of udev", dir: "/etc/udev/rules.d", ends: ".rules", want: "[[device]]"},
	{kind: "drop-ins of systemd", dir: "/etc/systemd/timesyncd.conf.d", ends: ".conf", want: wantNTP},
	{kind: "drop-ins of systemd", dir: "/etc/systemd/resolved.conf.d", ends: ".conf", want: wantDNS},
	{kind: "drop-ins of systemd", dir: "/etc/systemd/system.conf.d", ends: ".conf", want: wantSystem},
	{kind: "services of runit", dir: "/etc/runit/runsvdir/default", want: wantService},
	{kind: "services of runit", dir: "/etc/service", want: wantService},
	{kind: "services of s6", dir: "/etc/services.d", want: wantService},
	{kind: "services of dinit", dir: "/etc/dinit.d/boot.d", want: wantService},
	{kind: "services of supervisord", dir: "/etc/supervisor/conf.d", ends: ".conf", want: wantService},
	{kind: "services of monit", dir: "/etc/monit.d", want: wantService},
	{kind: "services of Upstart", dir: "/etc/init", ends: ".conf", want: wantService},
	{kind: "partitions of systemd-repart", dir: "/etc/repart.d", ends: ".conf", want: wantGrow},
	{kind: "partitions of systemd-repart", dir: "/usr/lib/repart.d", ends: ".conf", want: wantGrow},
	{kind: "networks of NetworkManager", dir: "/usr/lib/NetworkManager/system-connections", want: wantNetwork, network: true},
	{kind: "networks of ConnMan", dir: "/var/lib/connman", ends: ".config", want: wantNetwork, network: true},
	{kind: "wireless networks", dir: "/var/lib/iwd", ends: ".psk", want: "a [[service]] that runs iwd"},
	{kind: "programs of cron", dir: "/etc/crontabs", want: wantCron},
	{kind: "programs of cron", dir: "/var/spool/cron/crontabs", want: wantCron},
}

// files are single files, which count where one of their lines does.
var files = [...]struct {
	kind, path string
	counts     func(line string) bool
	want       string
	network    bool // [network] says the same
}{
	{kind: "network", path: "/etc/network/interfaces", counts: isIface, want: wantNetwork, network: true},
	{kind: "network", path: "/etc/dhcpcd.conf", counts: isAny, want: wantNetwork + ", with dhcp = true or an address", network: true},
	{kind: "wireless networks", path: "/etc/wpa_supplicant.conf", counts: isNetworkBlock, want: wantWPA},
	{kind: "programs", path: "/etc/rc.local", counts: isProgram, want: "release.run_once, or " + wantService},
	{kind: "encrypted disks", path: "/etc/crypttab", counts: isAny, want: "release.run_once, which opens them before the release is started"},
	{kind: "programs", path: "/etc/crontab", counts: isCronJob, want: wantCron},
	{kind: "programs", path: "/etc/inittab", counts: isStarted, want: "[[service]], or console.tty for a shell"},
	{kind: "rules of mdev", path: "/etc/mdev.conf", counts: isAny, want: "[[device]]"},
	{kind: "packet filter", path: "/etc/nftables.conf", counts: isRule, want: `release.run_once = [["/usr/sbin/nft", "-f", "/etc/nftables.conf"]]`},
	{kind: "packet filter", path: "/etc/iptables/rules.v4", counts: isRule, want: wantTables},
	{kind: "packet filter", path: "/etc/iptables/rules.v6", counts: isRule, want: wantTables},
	{kind: "packet filter", path: "/etc/iptables/iptables.rules", counts: isRule, want: wantTables},
	{kind: "services of monit", path: "/etc/monitrc", counts: isCheck, want: wantService},
	{kind: "services of supervisord", path: "/etc/supervisord.conf", counts: isCheck, want: wantService},
	{kind: "networks of OpenWrt", path: "/etc/config/network", counts: isAny, want: wantNetwork, network: true},
	{kind: "verified disks", path: "/etc/veritytab", counts: isAny, want: "dm-mod.create= on the kernel command line"},
	{kind: "arrays of disks", path: "/etc/mdadm.conf", counts: isArray, want: "release.run_once, which assembles them before the release is started"},
	{kind: "swap space in memory", path: "/etc/systemd/zram-generator.conf", counts: isAny, want: "release.run_once, which makes it"},
	{kind: "clock in local time", path: "/etc/adjtime", counts: isLocal, want: "a hardware clock in UTC"},
	{kind: "language", path: "/etc/locale.conf", counts: isSetting, want: "LANG in release.env"},
	{kind: "settings of systemd", path: "/etc/systemd/system.conf", counts: isSetting, want: wantSystem},
	{kind: "settings of systemd", path: "/etc/systemd/logind.conf", counts: isSetting, want: "none: the power button switches off, in order"},
	{kind: "settings of systemd", path: "/etc/systemd/journald.conf", counts: isSetting, want: "a [[service]] that keeps what /dev/kmsg says"},
	{kind: "settings of systemd", path: "/etc/systemd/resolved.conf", counts: isSetting, want: wantDNS},
	{kind: "settings of systemd", path: "/etc/systemd/timesyncd.conf", counts: isSetting, want: wantNTP},
}

func isAny(string) bool       { return true }
func isProgram(s string) bool { return s != "exit 0" }
func isSetting(s string) bool { return strings.Contains(s, "=") }
func isCronJob(s string) bool { return !strings.Contains(strings.Fields(s)[0], "=") }
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

// isStarted says whether a line of inittab(5), or of BusyBox's, starts something.
func isStarted(s string) bool {
	fields := strings.Split(s, ":")
	return len(fields) > 3 && slices.Contains([]string{"respawn", "once", "sysinit", "wait", "askfirst", "boot", "bootwait"}, fields[2])
}
