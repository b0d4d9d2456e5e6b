package brought

import (
	"io/fs"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/config/image"
)

// imageFiles are those of an image, by their paths.
type imageFiles map[string]string

func (f imageFiles) read(path string) ([]byte, error) {
	text, ok := f[path]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return []byte(text), nil
}

// list is the names of files in a directory.
func (f imageFiles) list(dir string) (names []string) {
	for p := range f {
		if rest, below := strings.CutPrefix(p, dir+"/"); below {
			name, _, _ := strings.Cut(rest, "/") // a file, or a directory
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// find is what Find finds in an image, a line each.
func find(f imageFiles, h Handled) (lines []string) {
	for _, found := range Find(image.NewFiles(f.read, f.list), h) {
		lines = append(lines, found.String())
	}
	return lines
}

// Each thing of other inits that an image brings is named, and what to write in its place.
func TestBrought(t *testing.T) {
	got := find(imageFiles{
		"/etc/systemd/system/multi-user.target.wants/chronyd.service": "", "/etc/systemd/system/chronyd.service": "",
		"/etc/systemd/system/timers.target.wants/logrotate.timer": "", "/etc/systemd/system/sockets.target.wants/sshd.socket": "", "/etc/systemd/system/x.target": "",
		"/etc/init.d/S40network": "", "/etc/init.d/rcS": "", "/etc/init.d/SETUP": "",
		"/etc/systemd/system/app.target.requires/app.service": "", "/etc/netplan/50-cloud-init.yaml": "", "/etc/cron.d/.placeholder": "", "/etc/cron.d/backup": "",
		"/etc/NetworkManager/system-connections/lte.nmconnection": "",
		"/etc/network/interfaces.d/eth1":                          "", "/etc/rc.local": "#!/bin/sh\n/usr/bin/x &\nexit 0\n",
		"/etc/crypttab": "a /dev/b\n", "/etc/crontab": "SHELL=/bin/sh\n* * * * * root x\n",
		"/etc/rcS.d/S20modutils.sh": "", "/etc/rc5.d/S10dropbear": "", "/etc/rc5.d/K10x": "", "/etc/rc5.d/README": "",
		"/etc/systemd/network/eth.network": "", "/etc/udev/rules.d/99-gps.rules": "",
		"/etc/network/interfaces":    "auto lo\niface lo inet loopback\nauto eth0\niface eth0 inet dhcp\n",
		"/etc/runlevels/default/app": "", "/etc/local.d/leds.start": "", "/etc/local.d/README": "",
		"/etc/dhcpcd.conf": "interface eth0\nstatic ip_address=10.0.0.2/24\n", "/etc/mdev.conf": "# all\nttyUSB.* root:dialout 660\n",
		"/etc/wpa_supplicant.conf": "ctrl_interface=/run/w\nnetwork={\n", "/etc/wpa_supplicant/wlan0.conf": "\tnetwork={\n", "/etc/wpa_supplicant/none.conf": "country=DE\n",
		"/etc/systemd/timesyncd.conf": "[Time]\nNTP=10.0.0.1\n", "/etc/systemd/resolved.conf": "[Resolve]\nDNS=10.0.0.1\n", "/etc/systemd/journald.conf": "[Journal]\nStorage=persistent\n",
		"/etc/systemd/logind.conf": "[Login]\nHandlePowerKey=ignore\n", "/etc/systemd/system.conf": "[Manager]\nRuntimeWatchdogSec=20\n", "/etc/systemd/resolved.conf.d/lan.conf": "",
		"/usr/lib/systemd/network/80-wired.network": "", "/usr/lib/systemd/network/80-container-host0.network": "", "/lib/systemd/network/99-default.link": "",
		"/usr/lib/systemd/system/multi-user.target.wants/modem.service": "", "/lib/systemd/system/sysinit.target.wants/systemd-udevd.service": "", "/usr/lib/systemd/system/other.service": "",
		"/etc/inittab": "id:5:initdefault:\nS0:12345:respawn:/bin/start_getty 115200 ttyS0\n",

		"/etc/systemd/system/getty.target.wants/serial-getty@ttyS0.service": "", "/etc/systemd/system/dbus-org.freedesktop.network1.service": "",
		"/etc/systemd/system/multi-user.target.wants/systemd-networkd.service": "", "/etc/systemd/system/sysinit.target.wants/systemd-timesyncd.service": "",
		"/etc/systemd/system/network-online.target.wants/systemd-networkd-wait-online.service": "", "/usr/lib/systemd/system/local-fs.target.wants/tmp.mount": "",
		"/usr/lib/systemd/network/80-wifi-adhoc.network": "",

		"/etc/nftables.conf": "flush ruleset\ntable inet filter {\n chain input { type filter hook input priority 0; policy drop; }\n}\n", "/etc/iptables/rules.v4": "*filter\n-A INPUT -j DROP\nCOMMIT\n",
		"/etc/adjtime": "0.0 0 0.0\n0\nLOCAL\n", "/etc/locale.conf": "LANG=de_DE.UTF-8\n", "/etc/crontabs/root": "* * * * * x\n", "/etc/service/app/run": "", "/etc/rc.d/S95done": "", "/var/lib/connman/lan.config": "",
		"/etc/init/app.conf": "", "/usr/lib/repart.d/50-data.conf": "", "/etc/veritytab": "usr /dev/a /dev/b ab\n", "/etc/mdadm.conf": "MAILADDR root\nARRAY /dev/md0 UUID=1\n",
		"/etc/systemd/zram-generator.conf": "[zram0]\n", "/etc/supervisor/conf.d/app.conf": "", "/etc/monitrc": "set daemon 30\ncheck process app with pidfile /run/app.pid\n",
	}, Handled{})
	want := []string{
		"units of systemd brought by the image, without effect here: app.service, chronyd.service, logrotate.timer, modem.service, sshd.socket, systemd-timesyncd.service; want [[service]] or [[mount]]",
		"init scripts brought by the image, without effect here: S10dropbear, S20modutils.sh, S40network, S95done; want [[service]], release.pre_run",
		"networks of systemd brought by the image, without effect here: 80-wired.network, eth.network; want [network.IFACE]",
		"wireless networks brought by the image, without effect here: /etc/wpa_supplicant/wlan0.conf; want a [[service]] that runs wpa_supplicant",
		"services of OpenRC brought by the image, without effect here: app; want [[service]]",
		"programs brought by the image, without effect here: leds.start; want release.run_once",
		"networks brought by the image, without effect here: eth1; want [network.IFACE]",
		"networks of netplan brought by the image, without effect here: 50-cloud-init.yaml; want [network.IFACE]",
		"networks of NetworkManager brought by the image, without effect here: lte.nmconnection; want [network.IFACE]",
		"programs of cron.d brought by the image, without effect here: backup; want a [[service]] that runs cron",
		"rules of udev brought by the image, without effect here: 99-gps.rules; want [[device]]",
		"drop-ins of systemd brought by the image, without effect here: lan.conf; want dns.servers, dns.search",
		"services of runit brought by the image, without effect here: app; want [[service]]",
		"services of supervisord brought by the image, without effect here: app.conf; want [[service]]",
		"services of Upstart brought by the image, without effect here: app.conf; want [[service]]",
		"partitions of systemd-repart brought by the image, without effect here: 50-data.conf; want [[mount]] with grow = true, which extends the last one; others are made with the image",
		"networks of ConnMan brought by the image, without effect here: lan.config; want [network.IFACE]",
		"programs of cron brought by the image, without effect here: root; want a [[service]] that runs cron",
		"network brought by the image, without effect here: /etc/network/interfaces; want [network.IFACE]",
		"network brought by the image, without effect here: /etc/dhcpcd.conf; want [network.IFACE], with dhcp = true or an address",
		"wireless networks brought by the image, without effect here: /etc/wpa_supplicant.conf; want a [[service]] that runs wpa_supplicant",
		"programs brought by the image, without effect here: /etc/rc.local; want release.run_once, or [[service]]",
		"encrypted disks brought by the image, without effect here: /etc/crypttab; want release.run_once, which opens them before the release is started",
		"programs brought by the image, without effect here: /etc/crontab; want a [[service]] that runs cron",
		"programs brought by the image, without effect here: /etc/inittab; want [[service]], or console.tty for a shell",
		"rules of mdev brought by the image, without effect here: /etc/mdev.conf; want [[device]]",
		`packet filter brought by the image, without effect here: /etc/nftables.conf; want release.run_once = [["/usr/sbin/nft", "-f", "/etc/nftables.conf"]]`,
		"packet filter brought by the image, without effect here: /etc/iptables/rules.v4; want a program of release.run_once that has iptables-restore read it",
		"services of monit brought by the image, without effect here: /etc/monitrc; want [[service]]",
		"verified disks brought by the image, without effect here: /etc/veritytab; want dm-mod.create= on the kernel command line",
		"arrays of disks brought by the image, without effect here: /etc/mdadm.conf; want release.run_once, which assembles them before the release is started",
		"swap space in memory brought by the image, without effect here: /etc/systemd/zram-generator.conf; want release.run_once, which makes it",
		"clock in local time brought by the image, without effect here: /etc/adjtime; want a hardware clock in UTC",
		"language brought by the image, without effect here: /etc/locale.conf; want LANG in release.env",
		"settings of systemd brought by the image, without effect here: /etc/systemd/system.conf; want watchdog.timeout, release.env, release.limits",
		"settings of systemd brought by the image, without effect here: /etc/systemd/logind.conf; want none: the power button switches off, in order",
		"settings of systemd brought by the image, without effect here: /etc/systemd/journald.conf; want a [[service]] that keeps what /dev/kmsg says",
		"settings of systemd brought by the image, without effect here: /etc/systemd/resolved.conf; want dns.servers, dns.search",
		"settings of systemd brought by the image, without effect here: /etc/systemd/timesyncd.conf; want a [[service]] that runs chronyd or ntpd",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	got = find(imageFiles{"/etc/network/interfaces": "auto lo\niface lo inet loopback\n", "/etc/inittab": "# empty\n", "/etc/rc.local": "#!/bin/sh\nexit 0\n", "/etc/crontab": "PATH=/bin\n",
		"/etc/wpa_supplicant.conf": "ctrl_interface=/run/w\n", "/etc/systemd/journald.conf": "[Journal]\n#Storage=auto\n", "/etc/mdev.conf": "# none\n",
		"/usr/lib/systemd/system/sockets.target.wants/systemd-udevd-kernel.socket": "", "/etc/nftables.conf": "#!/usr/sbin/nft -f\nflush ruleset\ntable inet filter {\n}\n",
		"/etc/iptables/rules.v4": "*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n", "/etc/adjtime": "0.0 0 0.0\n0\nUTC\n", "/etc/monitrc": "set daemon 30\n", "/etc/init.d/rcS": "", "/etc/init.d/sshd": ""}, Handled{})
	if got != nil {
		t.Errorf("found nothing, told %q", got)
	}
}

// What BusyBox's init runs where there is no inittab.
func TestBroughtWithoutInittab(t *testing.T) {
	const want = "init scripts brought by the image, without effect here: rcS; want [[service]], release.pre_run"
	for _, tt := range []struct {
		brings imageFiles
		want   string
	}{
		{imageFiles{"/etc/init.d/rcS": "#!/bin/sh\n"}, want},
		{imageFiles{"/etc/init.d/rcS": "", "/etc/init.d/S10x": ""}, strings.Replace(want, "rcS", "S10x", 1)},
		{imageFiles{"/etc/init.d/rcS": "", "/etc/inittab": "# empty\n"}, ""},
		{imageFiles{"/etc/init.d/other": ""}, ""},
	} {
		if got := strings.Join(find(tt.brings, Handled{}), "\n"); got != tt.want {
			t.Errorf("%v: got %q, want %q", tt.brings, got, tt.want)
		}
	}
}

// What of an inittab starts something, and what does not.
func TestInittab(t *testing.T) {
	for _, line := range []string{"S0:12345:respawn:/sbin/getty 115200 ttyS0", "::sysinit:/etc/init.d/rcS", "::askfirst:-/bin/sh", "l5:5:wait:/etc/init.d/rc 5"} {
		if n := find(imageFiles{"/etc/inittab": line + "\n"}, Handled{}); len(n) != 1 || !strings.Contains(n[0], "/etc/inittab; want [[service]]") {
			t.Errorf("inittab: %q: notes %q", line, n)
		}
	}
	for _, line := range []string{"id:5:initdefault:", "::ctrlaltdel:/sbin/reboot", "::shutdown:/bin/umount -a -r"} {
		if n := find(imageFiles{"/etc/inittab": line + "\n"}, Handled{}); n != nil {
			t.Errorf("inittab: %q: notes %q", line, n)
		}
	}
}

// A file that a program of the configuration is given is handled, wherever it lies; the others
// of its kind are not.
func TestHandled(t *testing.T) {
	f := imageFiles{"/etc/init.d/S40network": "", "/etc/init.d/S50app": "", "/etc/cron.d/backup": "", "/etc/systemd/network/a.network": ""}
	got := find(f, Handled{Network: true, Words: []string{"/etc/init.d/S40network", "start", "-f/etc/cron.d/backup"}})
	if want := []string{"init scripts brought by the image, without effect here: S50app; want [[service]], release.pre_run"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
