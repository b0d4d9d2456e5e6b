package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/internal/machine"
)

// The shipped binary is static, small, and made of few packages.
func TestFootprint(t *testing.T) {
	t.Parallel()
	st, err := os.Stat(machine.Init(t))
	if err != nil {
		t.Fatal(err)
	}
	// 20 KB are services that are awaited and stopped in order, 90 KB file systems that are made,
	// checked and grown with their partitions, 25 KB cgroups,
	// 37 KB device nodes, 16 KB links of disks, 37 KB updates, 40 KB modules for devices, 16 KB an overlay of the root, 12 KB dm-verity.
	if limit := int64(6_890_000); st.Size() > limit {
		t.Errorf("init has %d bytes, want at most %d", st.Size(), limit)
	}
	out, err := exec.Command("readelf", "-lW", machine.Init(t)).CombinedOutput()
	if err != nil || strings.Contains(string(out), "INTERP") || !strings.Contains(string(out), "LOAD") {
		t.Errorf("not static: %v\n%s", err, out)
	}
	list := exec.Command("go", "list", "-deps", ".")
	list.Env = append(os.Environ(), "CGO_ENABLED=0") // as it is built
	out, err = list.CombinedOutput()
	if err != nil {
		t.Fatalf("%v %s", err, out)
	}
	for _, p := range strings.Fields(string(out)) {
		switch p {
		case "net/http", "crypto/tls", "crypto/x509", "text/template", "os/exec", "regexp", "runtime/cgo":
			t.Errorf("init is made with %s", p)
		}
	}
}

// What most boards have, of 32 and of 64 bits; make cross builds for all others too.
func TestArchitectures(t *testing.T) {
	t.Parallel()
	for _, arch := range []string{"arm", "arm64"} {
		cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", os.DevNull, ".")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH="+arch)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", arch, err, out)
		}
	}
}
