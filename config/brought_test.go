package config

import (
	"reflect"
	"strings"
	"testing"
)

// Each thing of other inits that an image brings is named, and what to write in its place.
func TestBrought(t *testing.T) {
	c := image(t, files{
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
	}, "")
	want := []string{
		"image: units of systemd brought by the image, without effect here: app.service, chronyd.service, logrotate.timer, modem.service, sshd.socket, systemd-timesyncd.service; want [[service]] or [[mount]]",
		"image: init scripts brought by the image, without effect here: S10dropbear, S20modutils.sh, S40network, S95done; want [[service]], release.pre_run",
		"image: networks of systemd brought by the image, without effect here: 80-wired.network, eth.network; want [network.IFACE]",
		"image: wireless networks brought by the image, without effect here: /etc/wpa_supplicant/wlan0.conf; want a [[service]] that runs wpa_supplicant",
		"image: services of OpenRC brought by the image, without effect here: app; want [[service]]",
		"image: programs brought by the image, without effect here: leds.start; want release.run_once",
		"image: networks brought by the image, without effect here: eth1; want [network.IFACE]",
		"image: networks of netplan brought by the image, without effect here: 50-cloud-init.yaml; want [network.IFACE]",
		"image: networks of NetworkManager brought by the image, without effect here: lte.nmconnection; want [network.IFACE]",
		"image: programs of cron.d brought by the image, without effect here: backup; want a [[service]] that runs cron",
		"image: rules of udev brought by the image, without effect here: 99-gps.rules; want [[device]]",
		"image: drop-ins of systemd brought by the image, without effect here: lan.conf; want dns.servers, dns.search",
		"image: services of runit brought by the image, without effect here: app; want [[service]]",
		"image: services of supervisord brought by the image, without effect here: app.conf; want [[service]]",
		"image: services of Upstart brought by the image, without effect here: app.conf; want [[service]]",
		"image: partitions of systemd-repart brought by the image, without effect here: 50-data.conf; want [[mount]] with grow = true, which extends the last one; others are made with the image",
		"image: networks of ConnMan brought by the image, without effect here: lan.config; want [network.IFACE]",
		"image: programs of cron brought by the image, without effect here: root; want a [[service]] that runs cron",
		"image: network brought by the image, without effect here: /etc/network/interfaces; want [network.IFACE]",
		"image: network brought by the image, without effect here: /etc/dhcpcd.conf; want [network.IFACE], with dhcp = true or an address",
		"image: wireless networks brought by the image, without effect here: /etc/wpa_supplicant.conf; want a [[service]] that runs wpa_supplicant",
		"image: programs brought by the image, without effect here: /etc/rc.local; want release.run_once, or [[service]]",
		"image: encrypted disks brought by the image, without effect here: /etc/crypttab; want release.run_once, which opens them before the release is started",
		"image: programs brought by the image, without effect here: /etc/crontab; want a [[service]] that runs cron",
		"image: programs brought by the image, without effect here: /etc/inittab; want [[service]], or console.tty for a shell",
		"image: rules of mdev brought by the image, without effect here: /etc/mdev.conf; want [[device]]",
		`image: packet filter brought by the image, without effect here: /etc/nftables.conf; want release.run_once = [["/usr/sbin/nft", "-f", "/etc/nftables.conf"]]`,
		"image: packet filter brought by the image, without effect here: /etc/iptables/rules.v4; want a program of release.run_once that has iptables-restore read it",
		"image: services of monit brought by the image, without effect here: /etc/monitrc; want [[service]]",
		"image: verified disks brought by the image, without effect here: /etc/veritytab; want dm-mod.create= on the kernel command line",
		"image: arrays of disks brought by the image, without effect here: /etc/mdadm.conf; want release.run_once, which assembles them before the release is started",
		"image: swap space in memory brought by the image, without effect here: /etc/systemd/zram-generator.conf; want release.run_once, which makes it",
		"image: clock in local time brought by the image, without effect here: /etc/adjtime; want a hardware clock in UTC",
		"image: language brought by the image, without effect here: /etc/locale.conf; want LANG in release.env",
		"image: settings of systemd brought by the image, without effect here: /etc/systemd/system.conf; want watchdog.timeout, release.env, release.limits",
		"image: settings of systemd brought by the image, without effect here: /etc/systemd/logind.conf; want none: the power button switches off, in order",
		"image: settings of systemd brought by the image, without effect here: /etc/systemd/journald.conf; want a [[service]] that keeps what /dev/kmsg says",
		"image: settings of systemd brought by the image, without effect here: /etc/systemd/resolved.conf; want dns.servers, dns.search",
		"image: settings of systemd brought by the image, without effect here: /etc/systemd/timesyncd.conf; want a [[service]] that runs chronyd or ntpd",
	}
	if got := notes(c); !reflect.DeepEqual(got, want) || c.Problems != nil {
		t.Errorf("got\n%s\nwant\n%s\n%q", strings.Join(got, "\n"), strings.Join(want, "\n"), problems(c))
	}
	c = image(t, files{"/etc/network/interfaces": "auto lo\niface lo inet loopback\n", "/etc/inittab": "# empty\n", "/etc/rc.local": "#!/bin/sh\nexit 0\n", "/etc/crontab": "PATH=/bin\n",
		"/etc/wpa_supplicant.conf": "ctrl_interface=/run/w\n", "/etc/systemd/journald.conf": "[Journal]\n#Storage=auto\n", "/etc/mdev.conf": "# none\n",
		"/usr/lib/systemd/system/sockets.target.wants/systemd-udevd-kernel.socket": "", "/etc/nftables.conf": "#!/usr/sbin/nft -f\nflush ruleset\ntable inet filter {\n}\n",
		"/etc/iptables/rules.v4": "*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n", "/etc/adjtime": "0.0 0 0.0\n0\nUTC\n", "/etc/monitrc": "set daemon 30\n", "/etc/init.d/rcS": "", "/etc/init.d/sshd": ""}, "")
	if c.Notes != nil {
		t.Errorf("notes of nothing: %q", notes(c))
	}
}

// What BusyBox's init runs where there is no inittab.
func TestBroughtWithoutInittab(t *testing.T) {
	const want = "image: init scripts brought by the image, without effect here: rcS; want [[service]], release.pre_run"
	for _, tt := range []struct {
		brings files
		want   string
	}{
		{files{"/etc/init.d/rcS": "#!/bin/sh\n"}, want},
		{files{"/etc/init.d/rcS": "", "/etc/init.d/S10x": ""}, strings.Replace(want, "rcS", "S10x", 1)},
		{files{"/etc/init.d/rcS": "", "/etc/inittab": "# empty\n"}, ""},
		{files{"/etc/init.d/other": ""}, ""},
	} {
		if got := strings.Join(notes(image(t, tt.brings, "")), "\n"); got != tt.want {
			t.Errorf("%v: got %q, want %q", tt.brings, got, tt.want)
		}
	}
}

// What a line wants ends the line, where the configuration can tell: remedies are tried.
func TestRemedies(t *testing.T) {
	for _, tt := range []struct {
		name, toml, cmdline string
		brings              files
		want                string // what is told before
	}{
		{"options of the root", "[[mount]]\ntarget = \"/\"\noptions = [\"remount\", \"errors=remount-ro\", \"noatime\"]\n", "",
			files{fstabPath: "/dev/sda1 / ext4 defaults,errors=remount-ro,noatime 0 1\n"}, "fstab: the options of / are without effect"},
		{"a network", "[network.eth0]\ndhcp = true\n", "", files{"/etc/network/interfaces": "iface eth0 inet dhcp\n", "/etc/systemd/network/a.network": "", "/etc/dhcpcd.conf": "x\n"},
			"image: networks of systemd brought by the image, without effect here: a.network; want [network.IFACE]\nimage: network brought by the image, without effect here: /etc/network/interfaces; want [network.IFACE]\nimage: network brought by the image, without effect here: /etc/dhcpcd.conf"},
		{"a network by the boot loader", "", "ip=dhcp", files{"/etc/network/interfaces": "iface eth0 inet dhcp\n"}, "image: network brought"},
		{"rules of the packet filter", "[release]\nrun_once = [[\"/usr/sbin/nft\", \"-f\", \"/etc/nftables.conf\"]]\n", "", files{"/etc/nftables.conf": "policy drop\n"}, "image: packet filter brought"},
		{"a service", "[[service]]\nname = \"wifi\"\nexec = [\"/sbin/wpa_supplicant\", \"-iwlan0\", \"-c/etc/wpa_supplicant.conf\"]\n", "", files{"/etc/wpa_supplicant.conf": "network={\n"}, "image: wireless networks brought"},
		{"a program", "[release]\npre_run = [\"/bin/sh\", \"/etc/rc.local\"]\n", "", files{"/etc/rc.local": "/bin/x\n"}, "image: programs brought"},
		{"swap space", "[[mount]]\nsource = \"/dev/sda3\"\ntype = \"swap\"\n", "", files{}, ""},
	} {
		if got := strings.Join(notes(image(t, tt.brings, "")), "\n"); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s: without it: %q, want %q", tt.name, got, tt.want)
		}
		tt.brings[Path] = tt.toml
		if c := image(t, tt.brings, tt.cmdline); len(c.Notes)+len(c.Problems) > 0 {
			t.Errorf("%s: with it: notes %q, problems %q", tt.name, notes(c), problems(c))
		}
	}
	// Another file of the kind is not handled by that.
	c := image(t, files{"/etc/iptables/rules.v4": "-A x\n", "/etc/iptables/rules.v6": "-A x\n", Path: "[release]\nrun_once = [[\"/sbin/iptables-restore\", \"/etc/iptables/rules.v4\"]]\n"}, "")
	if got := strings.Join(notes(c), "\n"); strings.Contains(got, "rules.v4") || !strings.Contains(got, "rules.v6") {
		t.Errorf("one of two: %q", got)
	}
}
