package image

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// What writeCPIO writes, cpio(1) must be able to read.
func TestCPIOIsReadByCPIO(t *testing.T) {
	entries := []entry{
		{"init", 0o755, []byte("program")},
		{"etc/beaminit.toml", 0o644, []byte("a = 1\n")},
		{"etc/empty", 0o600, nil},
		{"dev", fs.ModeDir | 0o755, nil},
		{"sbin/reboot", fs.ModeSymlink | 0o777, []byte("../init")},
		{"a/b/c/deep", 0o644, bytes.Repeat([]byte("x"), 4097)},
	}
	var archive, again bytes.Buffer
	if err := errors.Join(writeCPIO(&archive, entries), writeCPIO(&again, entries)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(archive.Bytes(), again.Bytes()) {
		t.Error("the same entries gave two archives")
	}
	dir := t.TempDir()
	cmd := exec.Command("cpio", "--extract", "--make-directories", "--quiet", "--no-preserve-owner")
	cmd.Dir, cmd.Stdin = dir, &archive
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("cpio: %v\n%s", err, out)
	}
	for _, e := range entries {
		name := filepath.Join(dir, e.name)
		st, err := os.Lstat(name)
		if err != nil {
			t.Error(err)
			continue
		}
		if st.Mode() != e.mode {
			t.Errorf("%s has mode %v, want %v", e.name, st.Mode(), e.mode)
		}
		got := []byte{}
		switch e.mode.Type() {
		case 0:
			got, err = os.ReadFile(name)
		case fs.ModeSymlink:
			var to string
			to, err = os.Readlink(name)
			got = []byte(to)
		}
		if err != nil || !bytes.Equal(got, e.data) {
			t.Errorf("%s holds %.40q (%v), want %.40q", e.name, got, err, e.data)
		}
	}
}

func TestCPIORefusesDevices(t *testing.T) {
	if err := writeCPIO(io.Discard, []entry{{"dev/null", fs.ModeDevice, nil}}); err == nil {
		t.Error("a device node gave no error")
	}
}
