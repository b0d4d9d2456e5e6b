package node_test

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/machine"
	"golang.org/x/sys/unix"
)

// TestOverlay: the root is an overlay with all that was mounted, can be written to, and is as it was below; where it
// cannot be one, a line and warn=overlay say so, and the node boots.
func TestOverlay(t *testing.T) {
	t.Parallel()
	const data = "[[mount]]\nsource = \"none\"\ntarget = \"/data\"\ntype = \"tmpfs\"\n"
	others := t.TempDir()
	if err := os.Mkdir(others+"/over", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(others+"/over", 1000, 1000); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, overlay, mount string
		says                 string
		upper                string // empty: it is none
	}{
		{"memory", "tmpfs", "", "what is written to the root is kept in memory until the next boot", "/run/beaminit/overlay/upper"},
		{"a directory", "/data/over", data, "what is written to the root goes to /data/over", "/data/over/upper"},
		{"off", "off", data, "", ""},
		{"no mount", "/data/over", "", "root.overlay: /data/over is on no mount; want a directory on a [[mount]] that is there; the root stays as it is mounted", ""},
		{"another's", "/others/over", "", "over: it belongs to uid 1000", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := machine.Start(t, machine.Spec{Cmdline: machine.NoNetwork + " beaminit.root.overlay=" + c.overlay, TOML: c.mount, Dirs: []string{"data", "others"}, Bind: map[string]string{"others": others}})
			r, _ := m.State(health.Rescue, 0)
			if c.says != "" {
				m.Line(c.says)
			}
			if warns := slices.Contains(r.Warn, "overlay"); warns != (c.upper == "" && c.overlay != "off") {
				t.Errorf("the record is %v", r)
			}
			root := fmt.Sprintf("/proc/%d/root", m.PID())
			err := os.WriteFile(root+"/etc/written", []byte("x"), 0o644)
			if c.upper == "" {
				if err == nil {
					t.Error("the root can be written to")
				}
				return
			}
			m.Must(err)
			if _, err := os.Stat(root + c.upper + "/etc/written"); err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(m.Root + "/etc/written"); err == nil {
				t.Error("the root itself was written to")
			}
			var st unix.Stat_t
			m.Must(unix.Stat(root, &st))
			if st.Mode&0o7777 != 0o755 || st.Uid != 0 {
				t.Errorf("/ has mode %04o and is of %d", st.Mode&0o7777, st.Uid)
			}
			m.Reachable()
			for _, dir := range []string{"/proc/1", "/sys/class", "/dev/null", "/run/beaminit/control"} {
				if _, err := os.Stat(root + dir); err != nil {
					t.Errorf("%s was not taken along: %v", dir, err)
				}
			}
			m.Want(0, "", "reexec")
			m.Want(1, "rescue", "status") // it is not up
			if c.says != "" {
				m.LinesWith(c.says, 1)
			}
		})
	}
}

// TestOverlayLate: the partition of the overlay is awaited for longer than those of others are.
func TestOverlayLate(t *testing.T) {
	t.Parallel()
	device, _ := loopDevice(t, `mkfs.ext4 -q -F "$1"`)
	var st unix.Stat_t
	if err := unix.Stat(device, &st); err != nil {
		t.Fatal(err)
	}
	m := machine.Start(t, machine.Spec{Cmdline: machine.NoNetwork + " beaminit.root.overlay=/data/over", TOML: mountOf("ext4", ""), Dirs: []string{"data"}})
	time.Sleep(7 * time.Second) // those of others have 5 s
	node := fmt.Sprintf("/proc/%d/root/dev/disk0", m.PID())
	m.Must(unix.Mknod(node, unix.S_IFBLK|0o600, int(st.Rdev)))
	r, _ := m.State(health.Rescue, 0)
	m.Line("what is written to the root goes to /data/over")
	if len(r.Warn) > 0 {
		t.Errorf("warn=%v\n%s", r.Warn, m.Tail())
	}
	m.Must(os.WriteFile(fmt.Sprintf("/proc/%d/root/etc/written", m.PID()), nil, 0o644))
}
