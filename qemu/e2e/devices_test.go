package e2e

import (
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
		linked(t, l, n, "ok")
		if got := open("/dev/serial/gps"); !strings.HasPrefix(got, `{ok,{ok,"../vport0p2"}`) {
			t.Errorf("/dev/serial/gps: %s", got)
		}
		if err := n.RemoveDevice("gps"); err != nil {
			t.Fatal(err)
		}
		linked(t, l, n, "error")
	}
	if all := strings.Join(n.Tail(500), "\n"); strings.Contains(all, "[[device]]") {
		t.Errorf("something was said of devices:\n%s", all)
	}
}

// linked waits until reading the link gives this.
func linked(t *testing.T, l *lab.Lab, n *lab.Node, want string) {
	t.Helper()
	got := rpc(t, l, n, `(fun F(0) -> never; F(N) -> case file:read_link("/dev/serial/gps") of T when element(1, T) =:= `+want+` -> T; _ -> timer:sleep(100), F(N - 1) end end)(300)`)
	if !strings.HasPrefix(got, "{"+want) {
		t.Errorf("the link: %s, want %s:\n%s", got, want, strings.Join(n.Tail(30), "\n"))
	}
}
