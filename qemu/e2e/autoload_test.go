package e2e

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/qemu/image"
	"github.com/beaminit/beaminit/qemu/lab"
)

// TestAutoload: the drivers of a node's disk and network card are named nowhere, and it finds its
// root, mounts its data partition, and what is on a USB stick, which comes while it is awaited, and is up; a USB serial port that is plugged in gets its driver,
// and belongs to the release; a mouse does not, whose driver is barred.
func TestAutoload(t *testing.T) {
	if !*soak {
		t.Skip("make boards runs it, for make soak")
	}
	t.Parallel()
	nodes, err := lab.NodeSpecs(1)
	if err != nil {
		t.Fatal(err)
	}
	kernel, err := image.FindKernelWith("ftdi_sio")
	if err != nil {
		t.Fatal(err)
	}
	config := append(lab.Config(nodes, interval), `
[kernel]
autoload = true
[release]
user = "1234"
[[mount]]
source = "LABEL=stick"
target = "/mnt"
type = "ext4"
wait = "30s"
[[device]]
match = { subsystem = "tty", idVendor = "0403" }
owner = "1234"
link = "gps"
`...)
	stick := t.TempDir() + "/stick"
	if out, err := exec.Command("/usr/sbin/mkfs.ext4", "-q", "-F", "-L", "stick", stick, "8M").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	l := startImage(t, lab.Options{Nodes: nodes, Chardevs: []string{"null,id=port"}, Drives: []string{stick}, Devices: []string{"qemu-xhci,id=usb", "usb-storage,bus=usb.0,drive=drive0"}},
		image.Spec{Kernel: kernel, Config: config, Autoload: true,
			Drivers:  []string{"xhci_pci", "ftdi_sio", "usbhid", "usb_storage", "sd_mod", "ext4", "crc32c_generic"},
			Modprobe: "blacklist usbhid\noptions usbcore autosuspend=77\n"})
	n := l.Nodes()[0]
	reach(t, n, "up", func(r lab.Record) bool { return r.State == health.Up })
	loaded := func(name string) string {
		return rpc(t, l, n, `element(1, file:list_dir("/sys/module/`+name+`/holders"))`)
	}
	for _, name := range []string{"virtio_blk", "virtio_net", "squashfs", "ext4", "xhci_pci", "usb_storage"} {
		if got := loaded(name); !strings.HasPrefix(got, "ok") {
			t.Errorf("%s: %s\n%s", name, got, strings.Join(n.Tail(100), "\n"))
		}
	}
	if got := rpc(t, l, n, `file:list_dir("/mnt")`); !strings.Contains(got, "lost+found") {
		t.Errorf("the USB stick: %s", got)
	}
	if got := loaded("ftdi_sio"); !strings.HasPrefix(got, "error") {
		t.Errorf("ftdi_sio is there before its device: %s", got)
	}
	for _, d := range []map[string]any{{"driver": "usb-mouse", "id": "mouse"}, {"driver": "usb-serial", "id": "serial", "chardev": "port", "always-plugged": true}} {
		if err := n.AddDevice(d); err != nil {
			t.Fatal(err)
		}
	}
	linked(t, l, n, "/dev/gps", "ok")
	if got := rpc(t, l, n, `case file:open("/dev/gps", [raw, read, write, skip_type_check]) of {ok, D} -> file:close(D); E -> E end`); !strings.HasPrefix(got, "ok") {
		t.Errorf("the release opens the port: %s", got)
	}
	if got := rpc(t, l, n, `file:read_file("/sys/module/usbcore/parameters/autosuspend")`); !strings.Contains(got, "77") {
		t.Errorf("the option of a module that another one needs: %s", got)
	}
	mouse := rpc(t, l, n, `[X || X <- filelib:wildcard("/sys/bus/usb/devices/*/product"), {ok, <<"QEMU USB Mouse\n">>} =:= file:read_file(X)]`)
	if got := loaded("usbhid"); !strings.HasPrefix(got, "error") || !strings.Contains(mouse, "product") {
		t.Errorf("the driver that is barred: %s; the mouse: %s", got, mouse)
	}
	if all := strings.Join(n.Tail(500), "\n"); strings.Contains(all, "autoload:") || strings.Contains(all, "stick:") {
		t.Errorf("something was said of modules or mounts:\n%s", all)
	}
}
