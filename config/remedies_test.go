package config

import (
	"strings"
	"testing"
)

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
		if got := strings.Join(notes(loadImage(t, tt.brings, "")), "\n"); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s: without it: %q, want %q", tt.name, got, tt.want)
		}
		tt.brings[Path] = tt.toml
		if c := loadImage(t, tt.brings, tt.cmdline); len(c.Notes)+len(c.Problems) > 0 {
			t.Errorf("%s: with it: notes %q, problems %q", tt.name, notes(c), problems(c))
		}
	}
	// Another file of the kind is not handled by that.
	c := loadImage(t, files{"/etc/iptables/rules.v4": "-A x\n", "/etc/iptables/rules.v6": "-A x\n", Path: "[release]\nrun_once = [[\"/sbin/iptables-restore\", \"/etc/iptables/rules.v4\"]]\n"}, "")
	if got := strings.Join(notes(c), "\n"); strings.Contains(got, "rules.v4") || !strings.Contains(got, "rules.v6") {
		t.Errorf("one of two: %q", got)
	}
}
