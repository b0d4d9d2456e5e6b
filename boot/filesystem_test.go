package boot

import (
	"slices"
	"testing"
)

func TestLackingTools(t *testing.T) {
	for _, tt := range []struct {
		fs            string
		format, check bool
		has           string
		want          []string
	}{
		{"ext4", true, true, "", []string{"mkfs.ext4 (package e2fsprogs)", "e2fsck (package e2fsprogs)"}},
		{"ext4", true, true, "/sbin/mke2fs", []string{"e2fsck (package e2fsprogs)"}},
		{"ext3", false, true, "/usr/sbin/e2fsck", nil},
		{"f2fs", true, false, "/usr/sbin/fsck.f2fs", []string{"mkfs.f2fs (package f2fs-tools)"}},
		{"vfat", false, true, "/usr/sbin/fsck.fat", nil},
		{"xfs", false, true, "", nil}, // it has no such program
		{"tmpfs", false, true, "", nil},
		{"ext4", false, false, "", nil},
	} {
		got := LackingTools(tt.fs, tt.format, tt.check, func(path string) bool { return path == tt.has })
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s, format %v, check %v, with %q: got %q, want %q", tt.fs, tt.format, tt.check, tt.has, got, tt.want)
		}
	}
}
