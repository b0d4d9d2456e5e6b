package supervise_test

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/internal/machine"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/history"
	"golang.org/x/sys/unix"
)

// onTrial is a machine with [update], whose programs are scripts.
func onTrial(t *testing.T, cmdline, expr, confirm, reject string) machine.Spec {
	s := machine.WithDisk(t, "beaminit.supervise.attempts=1 beaminit.supervise.backoff=1ms,1ms "+cmdline, expr)
	s.TOML += "[update]\nwithin = \"1h\"\nafter = \"1s\"\n"
	for key, script := range map[string]string{"confirm": confirm, "reject": reject} {
		if script != "" {
			s.TOML += fmt.Sprintf("%s = [\"/usr/bin/sh\", \"-c\", %q]\n", key, script)
		}
	}
	s.Bind["usr/bin"] = "/usr/bin"
	return s
}

// hangs is the command line of a node whose release never says that it is ready.
const hangs = "beaminit.health.ready=notify beaminit.update.within=2s"

// A system that is up for long enough is confirmed, by a program that is run until it succeeds.
func TestConfirm(t *testing.T) {
	t.Parallel()
	m := machine.Start(t, onTrial(t, "rauc.slot=A", "ok.", "[ -e /data/once ] || { : >/data/once; echo not yet; exit 3; }; echo good >/data/slot", "echo bad >/data/slot"))
	m.Line("update: slot A is on trial: it has to be up for 1s, within 1h0m0s")
	r, next := m.State(health.Up, 0)
	if r.Slot != "A" || !r.Trial {
		t.Errorf("up: slot=%s trial=%v, want A, on trial", r.Slot, r.Trial)
	}
	m.Line("update.confirm: not yet")
	m.Line("update.confirm ended (exit status 3), it is started again in 1s")
	_, next = m.Record("warn", next, func(r health.Record) bool { return r.Trial && strings.Join(r.Warn, ",") == "update" })
	m.Line("update: slot A is confirmed")
	m.Record("confirmed", next, func(r health.Record) bool {
		return r.State == health.Up && r.Slot == "A" && !r.Trial && r.Warn == nil
	})
	if got := m.Left("store/slot"); len(got) != 1 || got[0] != "good\n" {
		t.Errorf("slot: %q", got)
	}
	m.Signal(unix.SIGTERM)
	m.Ended()
	recalls(m, history.Up, history.Note, history.Confirm, history.End, history.Down)
}

// A system that fails is given up, and the node reboots, whatever the program says.
func TestReject(t *testing.T) {
	t.Parallel()
	const gaveUp = "gave up after 2 ends within 1m0s: exit status 3"
	reject := "echo bad >/data/slot; echo it is bad"
	tests := []struct {
		name, cmdline, expr, reject string
		why                         string
		slot                        string // what the program left
		last                        []history.Kind
	}{
		{"its release crashes", "", "halt(3).", reject, gaveUp, "bad\n", []history.Kind{history.Fallback, history.Down}},
		{"and would be let alone", "beaminit.supervise.give_up=rescue", "halt(3).", reject, gaveUp, "bad\n", []history.Kind{history.Fallback, history.Down}},
		{"its program fails", "", "halt(3).", reject + "; exit 4", gaveUp, "bad\n", nil},
		{"it has none", "", "halt(3).", "", gaveUp, "", nil},
		{"its release hangs", hangs, "ok.", reject, "not up within 2s", "bad\n", []history.Kind{history.Fallback, history.End, history.Down}},
		{"a peer never comes", "beaminit.update.within=9s beaminit.update.peers=true beaminit.peers=node1:192.0.2.1,node2:192.0.2.2", "ok.", reject,
			"not connected to all peers within 9s", "bad\n", []history.Kind{history.Up, history.Fallback, history.End, history.Down}},
		{"it has no release", "beaminit.release.path=/no/such", "ok.", reject, "", "bad\n", []history.Kind{history.Fallback, history.Down}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := machine.Start(t, onTrial(t, "slot=B beaminit.update.slot=cmdline:slot "+tt.cmdline, tt.expr, "echo good >/data/slot", tt.reject))
			m.Line("update: slot B is given up: " + tt.why)
			if got := m.Ended(); got != unix.SIGHUP {
				t.Errorf("the kernel ended it with %v, want a reboot", got)
			}
			if got := strings.Join(m.Left("store/slot"), ""); got != tt.slot {
				t.Errorf("slot: %q, want %q", got, tt.slot)
			}
			if m.Count("trying again") > 0 || m.Count("fallback_exec") > 0 || m.Count("stays as it is") > 0 {
				t.Errorf("it says another thing besides:\n%s", m.Tail())
			}
			if tt.last != nil {
				recalls(m, tt.last...)
			}
		})
	}
}

// A system that is not on trial is neither confirmed nor given up; one that was given up to
// no avail is not given up once more.
func TestNoTrial(t *testing.T) {
	t.Parallel()
	reject := "echo bad >/data/slot"
	t.Run("it is not on trial", func(t *testing.T) {
		t.Parallel()
		m := machine.Start(t, onTrial(t, "trial=0 rauc.slot=A beaminit.update.trial=cmdline:trial beaminit.supervise.give_up=rescue", "halt(3).", "echo good >/data/slot", reject))
		if r, _ := m.State(health.Rescue, 0); r.Trial || r.Slot != "A" {
			t.Errorf("slot=%s trial=%v, want A, and no trial", r.Slot, r.Trial)
		}
		if got := m.Left("store/slot"); len(got) > 0 || m.Count("on trial") > 0 {
			t.Errorf("slot: %q\n%s", got, m.Tail())
		}
	})
	t.Run("it is", func(t *testing.T) {
		t.Parallel()
		m := machine.Start(t, onTrial(t, "trial=2 beaminit.update.trial=cmdline:trial=2", "halt(3).", "", ""))
		m.Line("update: this system is given up: ")
		m.Ended()
	})
	t.Run("the one before was given up", func(t *testing.T) {
		t.Parallel()
		s := onTrial(t, hangs, "ok.", "", reject)
		past(&s, 0, history.Entry{Kind: history.Boot, Boot: 9}, history.Entry{Kind: history.Up, Boot: 9}, history.Entry{Kind: history.Fallback, Boot: 9}, history.Entry{Kind: history.Down, Boot: 9})
		m := machine.Start(t, s)
		m.Line("update: this system is not up for 1s within 2s, and not given up: that was done before, and what came after it is not up either")
		m.Record("warn", 0, func(r health.Record) bool {
			return r.State == health.Starting && r.Trial && strings.Join(r.Warn, ",") == "update"
		})
		if got := m.Left("store/slot"); len(got) > 0 {
			t.Errorf("slot: %q", got)
		}
	})
}

// PID 1 that falls in the middle of a trial goes on with it.
func TestFallsDuringTrial(t *testing.T) {
	t.Parallel()
	s := onTrial(t, "rauc.slot=A", "ok.", "while [ ! -e /data/go ]; do sleep 0.01; done", "")
	s.Program = machine.Faulty(t)
	m := machine.Start(t, s)
	m.State(health.Up, 0)
	m.Eventually("run it", func() bool { return m.Has("sh") != 0 })
	m.Must(os.WriteFile(filepath.Join(m.Root, "store/fault-turn"), nil, 0o600))
	m.Signal(unix.SIGCHLD)
	m.Line("PID 1 has begun anew")
	_, next := m.Record("anew", 0, func(r health.Record) bool { return r.Slot == "A" && r.Trial && r.State == health.Up })
	m.Must(os.WriteFile(filepath.Join(m.Root, "store/go"), nil, 0o600))
	m.Line("update: slot A is confirmed")
	m.Record("confirmed", next, func(r health.Record) bool { return r.Slot == "A" && !r.Trial })
}

// ubootEnv is the text of a U-Boot environment of 4 KiB.
func ubootEnv(vars ...string) string {
	data := make([]byte, 4<<10-4)
	copy(data, strings.Join(vars, "\x00")+"\x00\x00")
	return string(binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(data))) + string(data)
}

// The variables of a boot loader are asked for with its own tools: those of Debian here.
func TestLoaderVariables(t *testing.T) {
	t.Parallel()
	grubenv := "# GRUB Environment Block\nslot=B\nB_TRY=1\n"
	grubenv += strings.Repeat("#", 1024-len(grubenv))
	tests := []struct {
		name, slot, trial string
		files             map[string]string
		want              health.Record
		line              string
	}{
		{"U-Boot", "uboot:boot_slot", "uboot:upgrade_available", map[string]string{
			"etc/fw_env.config": "/boot/uboot.env 0x0 0x1000\n", "boot/uboot.env": ubootEnv("arch=arm", "boot_slot=A", "upgrade_available=1")},
			health.Record{Slot: "A", Trial: true}, ""},
		{"another value", "uboot:nerves_fw_active", "uboot:nerves_fw_validated=0", map[string]string{
			"etc/fw_env.config": "/boot/uboot.env 0x0 0x1000\n", "boot/uboot.env": ubootEnv("nerves_fw_active=b", "nerves_fw_validated=1")},
			health.Record{Slot: "b"}, ""},
		{"not set", "uboot:boot_slot", "uboot:upgrade_available", map[string]string{
			"etc/fw_env.config": "/boot/uboot.env 0x0 0x1000\n", "boot/uboot.env": ubootEnv("arch=arm")},
			health.Record{}, "update.slot: uboot:boot_slot: nothing is set"},
		{"GRUB", "grub:slot", "grub:B_TRY", map[string]string{"boot/grub/grubenv": grubenv}, health.Record{Slot: "B", Trial: true}, ""},
		{"no environment", "cmdline:slot", "grub:B_TRY", nil, health.Record{Trial: true}, "update.trial: grub:B_TRY: /usr/bin/grub-editenv: exit status 1; the system counts as one on trial"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := onTrial(t, "beaminit.update.slot="+tt.slot+" beaminit.update.trial="+tt.trial+" beaminit.update.after=1h beaminit.update.within=2h", "ok.", "", "")
			for path, text := range tt.files {
				s.Files[path] = text
			}
			m := machine.Start(t, s)
			r, _ := m.State(health.Up, 0)
			if r.Slot != tt.want.Slot || r.Trial != tt.want.Trial {
				t.Errorf("slot=%q trial=%v, want %q, %v\n%s", r.Slot, r.Trial, tt.want.Slot, tt.want.Trial, m.Tail())
			}
			if tt.line != "" {
				m.Line(tt.line)
			}
		})
	}
}
