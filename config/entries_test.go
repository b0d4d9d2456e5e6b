package config

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestMounts(t *testing.T) {
	const good = "[[mount]]\nsource = \"/dev/vdb\"\ntarget = \"/data\"\ntype = \"ext4\"\n"
	for _, tt := range []struct {
		text  string
		want  string
		count int
	}{
		{good + "[[mount]]\ntarget = \"/x\"\ntype = \"tmpfs\"\n", `5: mount.source: no source`, 1},
		{good + "[[mount]]\nsource = \"tmpfs\"\ntarget = \"x\"\ntype = \"tmpfs\"\n", `7: mount.target: "x" is no place to mount on`, 1},
		{good + "[[mount]]\nsource = \"tmpfs\"\ntarget = \"/\"\ntype = \"tmpfs\"\n", `7: mount.target: / is the root, which is mounted already; want options = ["remount", "ro"] to change how`, 1},
		{good + "[[mount]]\nsource = \"tmpfs\"\ntarget = \"/a/../b\"\ntype = \"tmpfs\"\n", `7: mount.target: "/a/../b" is no place to mount on`, 1},
		{good + "[[mount]]\nsource = \"/a\"\ntarget = \"/b\"\noptions = [\"ro\"]\n", `5: mount.type: no type`, 1},
		{good + "[[mount]]\nsource = \"/a\"\ntarget = \"/b\"\noptions = [\"ro\", \"rbind\"]\n", ``, 2},
		{good + "[[mount]]\nsource = \"/a\"\ntarget = \"/b\"\ntype = \"x\"\noptions = [\"ro\", 3]\n", `9: mount.options: 3 is an integer, not a string in a list of strings`, 1},
		{good + "[[mount]]\nsource = \"/a\"\ntarget = \"/b\"\ntype = \"x\"\noptions = \"ro\"\n", `9: mount.options: "ro" is a string, not a list of strings`, 1},
		{good + "[[mount]]\nsource = 4\ntarget = \"/x\"\ntype = \"x\"\n" + good, `6: mount.source: 4 is an integer, not a string`, 2},
		{good + "[[mount]]\nsource = \"/a\"\ntarget = \"/b\"\ntype = \"x\"\noption = []\n", `9: mount.option: unknown key, ignored; did you mean options?`, 2},
		{"mount = [{ source = \"/a\", target = \"/b\", type = \"x\" }, 3]", `1: mount: 3 is an integer, not a table`, 1},
		{good + "options = [\"noatim,nosuid\"]\n", `5: mount.options: "noatim" is no option of ext4; did you mean noatime?; using it as it stands: the kernel says whether it takes it`, 1},
		{good + "[[mount]]\nsource = \"tmpfs\"\ntarget = \"/data/\"\ntype = \"tmpfs\"\n", ``, 2},
		{good + "[[mount]]\ntarget = \"/\"\noptions = [\"remount\", \"rw\"]\n", ``, 2},
		{good + "[[mount]]\nsource = \"tmpfs\"\ntarget = \"/data/x\"\ntype = \"tmpfs\"\n" + good, `11: mount.target: /data hides /data/x, which is mounted before it; want it before /data/x; using the order as it stands`, 3},
		{strings.Replace(good, "/dev/vdb", "LABEL=data", 1) + "format = \"ext4\"\n", `5: mount.format: LABEL=data is found by the file system that is on it, and an empty device has none; want PARTLABEL=, PARTUUID= or /dev/NAME; using the mount without format`, 1},
		{strings.Replace(good, "/dev/vdb", "/dev/disk/by-uuid/1-2", 1) + "options = [\"x-systemd.makefs\"]\n", `1: mount.format: /dev/disk/by-uuid/1-2 is found by`, 1},
		{strings.Replace(good, "/dev/vdb", "/dev/disk/by-partlabel/data", 1) + "format = \"ext4\"\n", ``, 1},
		{strings.Replace(good, "/dev/vdb", "PARTUUID=1-2", 1) + "format = \"ext4\"\n", ``, 1},
		{good + "options = [\"x-systemd.device-timeout=soon\"]\n", `5: mount.options: "x-systemd.device-timeout=soon" is no duration`, 1},
		{"[mount]\nsource = \"/a\"", `1: mount: a table, not a list of tables`, 0},
		{"[mount.data]\nsource = \"/a\"", `1: mount: a table, not a list of tables`, 0},
		{"mount = \"/dev/vdb\"", `1: mount: "/dev/vdb" is a string, not a list of tables`, 0},
	} {
		c := load(t, tt.text, "")
		got := strings.Join(problems(c), "\n")
		want := tt.want
		if want != "" {
			want = "/etc/beaminit.toml:" + want
		}
		if !strings.HasPrefix(got, want) || (got == "") != (want == "") || len(c.Problems) > 1 || len(c.Mounts) != tt.count {
			t.Errorf("%s: got %d mounts, problems\n%s\nwant %d\n%s", tt.text, len(c.Mounts), got, tt.count, want)
		}
	}
}

// A service that is ready when it has ended, and is started again whenever it has: that is said.
func TestServiceReadyAndAgain(t *testing.T) {
	const setup = "[[service]]\nname = \"setup\"\nexec = [\"/usr/bin/setup\"]\nready = \"exit\"\n"
	for text, want := range map[string]int{setup: 1, setup + "restart = \"once\"\n": 0, setup + "restart = \"on-failure\"\n": 0} {
		c := load(t, text, "")
		if len(c.Notes) != want || len(c.Problems) != 0 || len(c.Services) != 1 {
			t.Errorf("%s: %v %v", text, c.Notes, c.Problems)
		}
	}
}

// TestEntries has what can be wrong in the lists of tables beside [[mount]].
func TestEntries(t *testing.T) {
	const at = "/etc/beaminit.toml:"
	const sshd = "[[service]]\nname = \"sshd\"\nexec = [\"/usr/sbin/dropbear\"]\n"
	for _, tt := range []struct {
		text string
		want []string
		left string // names of the services, matches of the devices, targets of the routes
	}{
		{sshd + "user = \"a b\"", []string{at + `4: service.user: "a b" is no user; want a user name or number, such as "app" or "1000"; using no such service`}, ""},
		{sshd + "usr = \"app\"", []string{at + `4: service.usr: unknown key, ignored; did you mean user?`}, "sshd "},
		{sshd + sshd, []string{at + `5: service.name: "sshd" is there twice; want each name once; using no such service`}, "sshd "},
		{sshd + "restart = \"allways\"", []string{at + `4: service.restart: "allways" is no policy; want "always", "on-failure", "never" or "once"; using no such service`}, ""},
		{"[[service]]\nname = \"a\"\nexec = []", []string{at + `3: service.exec: no program; want a list of an absolute path and arguments, such as ["/usr/sbin/dropbear", "-F", "-E"]; using no such service`}, ""},
		{"[[service]]\nname = \"a\"\n[[service]]\nname = \"b\"\nexec = [\"/b\"]", []string{at + `1: service.exec: missing; want a list of an absolute path and arguments, such as ["/usr/sbin/dropbear", "-F", "-E"]; using no such service`}, "b "},
		{"[[device]]\nmatch = \"/dev/ttyACM*\"\nmode = \"0660\"", []string{at + `2: device.match: "/dev/ttyACM*" is no name below /dev; want ` + wantMatch + `; using no such device`}, ""},
		{"[[device]]\nmatch = \"tty[\"\nmode = \"0660\"", []string{at + `2: device.match: "tty[" is no pattern; want ` + wantMatch + `; using no such device`}, ""},
		{"[[device]]\nmatch = { \"../x\" = \"1\" }\nmode = \"0660\"", []string{at + `2: device.match: "../x" is no attribute of sysfs; want ` + wantMatch + `; using no such device`}, ""},
		{"[[device]]\nmatch = { idVendor = 403 }\nmode = \"0660\"", []string{at + `2: device.match: 403 is an integer, not a string, as the value of "idVendor"; want ` + wantMatch + `; using no such device`}, ""},
		{"[[device]]\nmatch = { KERNEL = \"ttyUSB*\" }\nmode = \"0660\"", []string{at + `2: device.match: "KERNEL" is no attribute of sysfs; want ` + wantMatch + `; using no such device`}, ""},
		{"[[device]]\nmatch = {}\nmode = \"0660\"", []string{at + `2: device.match: an empty table; want ` + wantMatch + `; using no such device`}, ""},
		{"[[device]]\nmatch = \"tty*\"\nmode = 0o660", []string{at + `3: device.mode: 432 is an integer, not permissions in quotes; want permissions in octal such as "0660", 0001 to 0777; using no such device`}, ""},
		{"[[device]]\nmatch = \"tty*\"", []string{at + `2: device.match: nothing is said about "tty*"; want owner, group, mode or link; using no such device`}, ""},
		{"[network.eth0]\nroute = [{ to = \"10.0.0.0/8\", via = \"fd00::1\" }, { to = \"10.0.0.0/8\" }]", []string{at + `2: network.eth0.route.via: fd00::1 is no gateway for 10.0.0.0/8; want one of the same family; using no such route`}, "10.0.0.0/8 "},
		{"[network.eth0]\nroute = [{ to = \"10.1.0.0/8\" }]", []string{at + `2: network.eth0.route.to: "10.1.0.0/8" is the address of a host, not of a network; want "10.0.0.0/8"; using no such route`}, ""},
		{"[network.eth0]\nvlan = { parent = \"eth1\", id = 4095 }\n[node]\nhostname = \"n\"", []string{
			at + `2: network.eth0.vlan.id: 4095 is no VLAN id; want 1 to 4094; using 0`,
			at + `2: network.eth0.vlan: parent or id is missing; want both; using no VLAN`}, ""},
		{"[network.br0]\nmac = \"02:00:5e:00:53:01\"\nbridge.ports = [\"eth2\"]\n[node]\nhostname = \"n\"", []string{at + `2: network.br0.mac: the interface is one that is made, and 02:00:5e:00:53:01 is that of one that is there; want mac in the table of an interface that it is made of; using none`}, ""},
		{"[network.eth0]\nvlan = { parent = \"eth1\", id = 5 }\nbond.ports = [\"eth2\"]\n[node]\nhostname = \"n\"", []string{at + `1: network.eth0: more than one of vlan, bridge and bond; want one of them; using none of them`}, ""},
		{"[network.eth0]\nmac = \"01:00:5e:00:00:01\"", []string{at + `2: network.eth0.mac: "01:00:5e:00:00:01" is no MAC address; want six bytes such as "02:00:5e:00:53:01"; using ""`}, ""},
		{"[cluster]\nheal = \"never\"", []string{at + `2: cluster.heal: "never" is no duration; want a duration such as "2s", 100ms to 1h, or "off"; using "2s"`}, ""},
	} {
		c := load(t, tt.text, "")
		left := ""
		for _, s := range c.Services {
			left += s.Name + " "
		}
		for _, d := range c.Devices {
			left += d.Which() + " "
		}
		for _, n := range c.Network {
			for _, r := range n.Route {
				left += r.To.String() + " "
			}
		}
		if got := problems(c); !reflect.DeepEqual(got, tt.want) || left != tt.left {
			t.Errorf("%s: got %q,\n%s\nwant %q,\n%s", tt.text, left, strings.Join(got, "\n"), tt.left, strings.Join(tt.want, "\n"))
		}
	}
}

// What grows is the partition or the file system alone, of those that can.
func TestGrow(t *testing.T) {
	for _, tt := range []struct {
		fs, more, grow, want string
		left                 int // mounts
	}{
		{"ext4", "grow = true", GrowPartition, "", 1},
		{"ext4", `grow = "filesystem"`, GrowFileSystem, "", 1},
		{"f2fs", "grow = false", "", "", 1},
		{"ext3", `options = ["x-systemd.growfs"]`, GrowFileSystem, "", 1},
		{"btrfs", "grow = true\noptions = [\"x-systemd.growfs\"]", GrowPartition, "", 1},
		{"vfat", `options = ["x-systemd.growfs"]`, "", `mount.options: "x-systemd.growfs": a vfat cannot grow; want ext4, f2fs, btrfs or xfs; using it as it is`, 1},
		{"vfat", "grow = true", "", "mount.grow: a vfat cannot grow; want ext4, f2fs, btrfs or xfs", 0},
		{"ext4", "grow = true\noptions = [\"bind\"]", "", "mount.grow: a directory that is mounted again does not grow; want it at the [[mount]] of its device", 0},
		{"ext4", `grow = "disk"`, "", `mount.grow: "disk" is a string, not a boolean; want true, false or "filesystem"`, 0},
		{"ext4", "grow = 1", "", `mount.grow: 1 is an integer, not a boolean; want true, false or "filesystem"`, 0},
	} {
		c := load(t, "[[mount]]\nsource = \"/dev/a\"\ntarget = \"/a\"\ntype = \""+tt.fs+"\"\n"+tt.more+"\n", "")
		got := strings.Join(problems(c), "\n")
		if !strings.Contains(got, tt.want) || (got == "") != (tt.want == "") || len(c.Mounts) != tt.left {
			t.Errorf("%s, %s: got %q and %d mounts, want %q and %d", tt.fs, tt.more, got, len(c.Mounts), tt.want, tt.left)
		}
		if tt.left > 0 && len(c.Mounts) > 0 && c.Mounts[0].Grow != tt.grow {
			t.Errorf("%s, %s: grows %q, want %q", tt.fs, tt.more, c.Mounts[0].Grow, tt.grow)
		}
	}
}

func TestDeviceTimeout(t *testing.T) {
	c := load(t, "[[mount]]\nsource = \"/dev/a\"\ntarget = \"/a\"\ntype = \"ext4\"\noptions = [\"x-systemd.device-timeout=90\", \"x-systemd.growfs\"]\n", "")
	if m := c.Mounts[0]; m.Wait != 90*time.Second || m.Grow != GrowFileSystem || c.Problems != nil {
		t.Errorf("got %+v, problems %q", m, problems(c))
	}
}
