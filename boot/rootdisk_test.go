package boot

import (
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
)

func TestRootLinks(t *testing.T) {
	sys := t.TempDir()
	make := func(name, text string) {
		t.Helper()
		path := filepath.Join(sys, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const disk = "devices/platform/soc/mmc_host/block/mmcblk0/"
	make(disk+"dev", "179:0\n")
	make(disk+"queue/depth", "")
	make(disk+"mmcblk0p1/partition", "1\n")
	make(disk+"mmcblk0p12/partition", "12\n")
	make("devices/pci/block/sda/sda1/partition", "1\n")
	if err := os.MkdirAll(filepath.Join(sys, "dev/block"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{"179:0": disk, "179:12": disk + "mmcblk0p12"} {
		if err := os.Symlink("../../"+strings.TrimSuffix(target, "/"), filepath.Join(sys, "dev/block", name)); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		major, minor uint32
		want         string
	}{
		{179, 12, "/dev/rootdisk0=/dev/mmcblk0 /dev/rootdisk0p12=/dev/mmcblk0p12 /dev/rootdisk0p1=/dev/mmcblk0p1"},
		{179, 0, ""}, // a disk without partitions
		{0, 25, ""},  // an overlay
	}
	for _, tt := range tests {
		var got []string
		for _, l := range rootLinks(sys, tt.major, tt.minor) {
			got = append(got, l[1]+"="+l[0])
		}
		sort.Strings(got)
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("%d:%d: got %s, want %s", tt.major, tt.minor, s, tt.want)
		}
	}
}
