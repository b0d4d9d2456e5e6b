package supervise_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/machine"
	"golang.org/x/sys/unix"
)

// swu makes an update as SWUpdate has it, with an image for the file slot and the variable that
// docs/board.md knows a trial by. Debian's SWUpdate wants it signed.
func swu(t *testing.T, dir, slot string, image []byte) {
	t.Helper()
	description := fmt.Sprintf(`software = {
  version = "1.0.0";
  hardware-compatibility = [ "1.0" ];
  images: ( { filename = "root.img"; device = %q; type = "raw"; sha256 = "%x"; } );
  bootenv: ( { name = "upgrade_available"; value = "1"; }, { name = "bootcount"; value = "0"; } );
}
`, slot, sha256.Sum256(image))
	for name, text := range map[string]string{"sw-description": description, "root.img": string(image)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const script = `openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=board -addext extendedKeyUsage=emailProtection -keyout key.pem -out cert.pem
openssl cms -sign -in sw-description -out sw-description.sig -signer cert.pem -inkey key.pem -outform DER -nosmimecap -binary
printf 'sw-description\nsw-description.sig\nroot.img\n' | cpio -o -H crc >update.swu`
	cmd := exec.Command("sh", "-ec", script)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// SWUpdate writes the other slot and sets upgrade_available; the next boot is on trial by that, and
// confirms itself with fw_setenv: all as docs/board.md has it, with Debian's programs.
func TestSWUpdate(t *testing.T) {
	t.Parallel()
	disk, image := t.TempDir(), bytes.Repeat([]byte("the next system "), 1<<12)
	swu(t, disk, "/store/slot-b", image)
	for name, text := range map[string]string{"uboot.env": ubootEnv("upgrade_available=0"), "slot-b": string(make([]byte, 1<<20)), "cookie": "namespace-cookie"} {
		if err := os.WriteFile(filepath.Join(disk, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s := onTrial(t, "root=PARTLABEL=root_a beaminit.update.slot=root beaminit.update.trial=uboot:upgrade_available", "ok.", "", "")
	s.TOML += `confirm = ["/usr/bin/fw_setenv", "upgrade_available", "0"]
[[service]]
name = "swupdate"
exec = ["/usr/bin/swupdate", "-B", "uboot", "-H", "board:1.0", "-k", "/store/cert.pem", "-i", "/store/update.swu"]
restart = "never"
`
	s.Files["etc/fw_env.config"] = "/store/uboot.env 0x0 0x1000\n"
	delete(s.Files, "store/cookie")
	s.Bind["store"], s.Dirs = disk, append(s.Dirs, "var/lock", "tmp")
	m := machine.Start(t, s)
	if r, _ := m.State(health.Up, 0); r.Trial || r.Slot != "root_a" {
		t.Fatalf("before: slot=%s trial=%v", r.Slot, r.Trial)
	}
	m.Reachable()
	// That SWUpdate (2022.12) ends with status 1 after an update that it calls successful, in 3 of 40
	// runs without any init: it is run once more then.
	for run := 1; m.Count("service swupdate ended (exit status 0)") == 0 && run <= 10; run++ {
		m.Want(0, "swupdate", "service", "swupdate", "start")
		m.LinesWith("service swupdate ended (exit status ", run)
		m.LinesWith("SWUPDATE successful !", run)
	}
	m.Line("service swupdate ended (exit status 0)")
	m.Signal(unix.SIGTERM)
	m.Ended()
	if b, err := os.ReadFile(filepath.Join(disk, "slot-b")); err != nil || !bytes.HasPrefix(b, image) {
		t.Fatalf("the slot is not written: %v\n%s", err, m.Tail())
	}
	for _, trial := range []bool{true, false} {
		m = machine.Start(t, s)
		_, next := m.Record("up", 0, func(r health.Record) bool { return r.State == health.Up && r.Trial == trial })
		if trial {
			m.Line("update: slot root_a is confirmed")
			m.Record("confirmed", next, func(r health.Record) bool { return !r.Trial })
		} else if n := m.Count("on trial"); n > 0 {
			t.Errorf("it is on trial again\n%s", m.Tail())
		}
		m.Signal(unix.SIGTERM)
		m.Ended()
	}
}
