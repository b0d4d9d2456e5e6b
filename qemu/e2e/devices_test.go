package e2e

import (
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/qemu/image"
	"github.com/beaminit/beaminit/qemu/lab"
)

// A release that runs as a user opens devices by their links: one that is there when it starts,
// and one that is plugged in later, whose link is gone with it.
func TestDevices(t *testing.T) {
	t.Parallel()
	nodes, err := lab.NodeSpecs(1)
	if err != nil {
		t.Fatal(err)
	}
	l := startImage(t, lab.Options{Nodes: nodes, Devices: []string{"virtio-serial-pci,id=ports", "virtserialport,bus=ports.0,nr=1,name=modem"}},
		image.Spec{Modules: []string{"virtio_console"}, Config: append(lab.Config(nodes, interval), `
[release]
user = "1234"
[[device]]
match = { subsystem = "virtio-ports", name = "modem" }
owner = "1234"
mode = "0600"
link = "modem"
[[device]]
match = { devname = "vport*", name = "gps", vendor = "0x1af4" }
group = "1234"
mode = "0660"
link = "serial/gps"
`...)})
	n := l.Nodes()[0]
	reach(t, n, "up", func(r lab.Record) bool { return r.State == health.Up })
	open := func(path string) string {
		return rpc(t, l, n, `(fun(P) -> case file:open(P, [raw, read, write, skip_type_check]) of {ok, D} -> {file:close(D), file:read_link(P)}; E -> E end end)("`+path+`")`)
	}
	if got := open("/dev/modem"); !strings.HasPrefix(got, `{ok,{ok,"vport0p1"}`) {
		t.Errorf("/dev/modem: %s", got)
	}
	if got := open("/dev/hwrng"); strings.HasPrefix(got, "{ok") {
		t.Errorf("it may open what is not its own: %s", got)
	}
	for range 2 { // it goes and comes again
		if err := n.AddDevice(map[string]any{"driver": "virtserialport", "bus": "ports.0", "id": "gps", "nr": 2, "name": "gps"}); err != nil {
			t.Fatal(err)
		}
		linked(t, l, n, "/dev/serial/gps", "ok")
		if got := open("/dev/serial/gps"); !strings.HasPrefix(got, `{ok,{ok,"../vport0p2"}`) {
			t.Errorf("/dev/serial/gps: %s", got)
		}
		if err := n.RemoveDevice("gps"); err != nil {
			t.Fatal(err)
		}
		linked(t, l, n, "/dev/serial/gps", "error")
	}
	if all := strings.Join(n.Tail(500), "\n"); strings.Contains(all, "[[device]]") {
		t.Errorf("something was said of devices:\n%s", all)
	}
}

// TestDiskLinks: the links to disks are there when the release starts, come and go with a disk,
// and lead to another one of that name when it is gone.
func TestDiskLinks(t *testing.T) {
	if !*soak {
		t.Skip("make boards runs it, for make soak")
	}
	t.Parallel()
	nodes, err := lab.NodeSpecs(1)
	if err != nil {
		t.Fatal(err)
	}
	var drives []string
	for i, label := range []string{"my data", "my data"} {
		drives = append(drives, fmt.Sprintf("%s/drive%d", t.TempDir(), i))
		out, err := exec.Command("/usr/sbin/mkfs.ext4", "-q", "-F", "-L", label, "-U", fmt.Sprintf("8f2c1d0e-1234-4abc-9def-00112233aab%d", i), drives[i], "16M").CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		partitioned(t, drives[i])
		sfdisk(t, fmt.Sprintf("name=\"the part %d\", uuid=0FC63DAF-8483-4772-8E79-3D69D8477DE%d\n", i, i), "-N", "1", drives[i])
	}
	l := startImage(t, lab.Options{Nodes: nodes, Drives: drives, Devices: []string{"pcie-root-port,id=port0,addr=10,chassis=1", "pcie-root-port,id=port1,addr=11,chassis=2", "virtio-blk-pci,id=first,drive=drive0,bus=port0"}},
		image.Spec{Config: append(lab.Config(nodes, interval), "[kernel]\ndisk_links = true\n"...)})
	n := l.Nodes()[0]
	reach(t, n, "up", func(r lab.Record) bool { return r.State == health.Up })
	disk := regexp.MustCompile(`\.\./\.\./(vd[a-z])1`)
	links := func(want string, paths ...string) (name string) {
		for _, path := range paths {
			got := linked(t, l, n, "/dev/disk/"+path, want)
			if m := disk.FindStringSubmatch(got); m != nil {
				name = m[1]
			}
		}
		return name
	}
	first := links("ok", `by-label/my\\x20data`, "by-uuid/8f2c1d0e-1234-4abc-9def-00112233aab0", `by-partlabel/the\\x20part\\x200`, "by-partuuid/0fc63daf-8483-4772-8e79-3d69d8477de0")
	if first == "" {
		t.Fatalf("the links lead nowhere\n%s", strings.Join(n.Tail(100), "\n"))
	}
	if err := n.AddDevice(map[string]any{"driver": "virtio-blk-pci", "id": "second", "drive": "drive1", "bus": "port1"}); err != nil {
		t.Fatal(err)
	}
	own := []string{"by-uuid/8f2c1d0e-1234-4abc-9def-00112233aab1", `by-partlabel/the\\x20part\\x201`, "by-partuuid/0fc63daf-8483-4772-8e79-3d69d8477de1"}
	second := links("ok", own...)
	if has := links("ok", `by-label/my\\x20data`); has != first || second == first {
		t.Errorf("the link of both leads to %s, want %s; the second is %s", has, first, second)
	}
	if _, err := n.WaitLine(within(t), "kernel.disk_links: link: /dev/disk/by-label/my\\x20data leads to ../../"+first+"1, which stays; want another name for the one on "+second+"1"); err != nil {
		t.Error(err)
	}
	if err := n.RemoveDevice("first"); err != nil {
		t.Fatal(err)
	}
	links("error", "by-uuid/8f2c1d0e-1234-4abc-9def-00112233aab0")
	if has := links("ok", append(own, `by-label/my\\x20data`)...); has != second {
		t.Errorf("the link of both leads to %s, want %s, which is left", has, second)
	}
}

// linked waits until reading the link gives this.
func linked(t *testing.T, l *lab.Lab, n *lab.Node, path, want string) string {
	t.Helper()
	got := rpc(t, l, n, `(fun F(0) -> never; F(N) -> case file:read_link("`+path+`") of T when element(1, T) =:= `+want+` -> T; _ -> timer:sleep(100), F(N - 1) end end)(300)`)
	if !strings.HasPrefix(got, "{"+want) {
		t.Errorf("the link %s: %s, want %s:\n%s", path, got, want, strings.Join(n.Tail(100), "\n"))
	}
	return got
}
