package node

import (
	"testing"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/health"
)

// What the kernel command line says of the running system.
func TestSlot(t *testing.T) {
	const line = "root=PARTLABEL=root_b ro rauc.slot=B slot=2 trial=0 quiet"
	l := loader{cmdline: line}
	for _, tt := range []struct {
		way, value string
		there      bool
	}{
		{"rauc", "B", true}, {"root", "root_b", true}, {"cmdline:slot", "2", true}, {"cmdline:quiet", "1", true}, {"cmdline:other", "", false},
	} {
		if value, there, err := l.get(tt.way); value != tt.value || there != tt.there || err != nil {
			t.Errorf("%s: got %q, %v, %v, want %q, %v", tt.way, value, there, err, tt.value, tt.there)
		}
	}
	disk := loader{cmdline: "root=/dev/mmcblk0p2"}
	if value, _, _ := disk.get("root"); value != "mmcblk0p2" {
		t.Errorf("root: got %q, want mmcblk0p2", value)
	}
	for _, tt := range []struct {
		update config.Update
		want   bool
	}{
		{config.Update{Slot: "rauc"}, false}, {config.Update{Confirm: []string{"/x"}}, true}, {config.Update{Reject: []string{"/x"}}, true},
		{config.Update{Trial: "cmdline:trial"}, false}, {config.Update{Trial: "cmdline:trial=0"}, true}, {config.Update{Trial: "cmdline:quiet"}, true}, {config.Update{Trial: "cmdline:other"}, false},
	} {
		if got, err := l.isTrial(&tt.update); got != tt.want || err != nil {
			t.Errorf("%+v: on trial %v, %v, want %v", tt.update, got, err, tt.want)
		}
	}
}

// Nothing is on trial in a container, and where nothing is configured.
func TestNoUpdate(t *testing.T) {
	for _, container := range []string{"", "docker"} {
		n := &node{console: health.NewConsole(), Setup: Setup{Container: container, Config: &config.Config{}}}
		n.sources.Cmdline = "rauc.slot=A"
		if container != "" {
			n.Config.Update = config.Update{Slot: "rauc", Confirm: []string{"/bin/true"}}
		}
		if u := n.update(); u.Slot != "" || u.Trial || u.Confirm != nil {
			t.Errorf("container %q: %+v", container, u)
		}
	}
}
