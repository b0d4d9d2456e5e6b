package boot

import (
	"slices"
	"testing"
)

func TestLackingTools(t *testing.T) {
	for _, tt := range []struct {
		fs                  string
		format, check, grow bool
		has                 string
		want                []string
	}{
		{"ext4", true, true, false, "", []string{"mkfs.ext4 (package e2fsprogs)", "e2fsck (package e2fsprogs)"}},
		{"ext4", true, true, false, "/sbin/mke2fs", []string{"e2fsck (package e2fsprogs)"}},
		{"ext3", false, true, false, "/usr/sbin/e2fsck", nil},
		{"f2fs", true, false, false, "/usr/sbin/fsck.f2fs", []string{"mkfs.f2fs (package f2fs-tools)"}},
		{"vfat", false, true, false, "/usr/sbin/fsck.fat", nil},
		{"xfs", false, true, false, "", nil}, // it has no such program
		{"tmpfs", false, true, false, "", nil},
		{"ext4", false, false, false, "", nil},
		{"ext4", false, false, true, "", []string{"resize2fs (package e2fsprogs-resize2fs)"}},
		{"f2fs", true, true, true, "/usr/sbin/mkfs.f2fs", []string{"fsck.f2fs (package f2fs-tools)", "resize.f2fs (package f2fs-tools)"}},
		{"btrfs", false, true, true, "/usr/bin/btrfs", nil},
		{"xfs", false, false, true, "", []string{"xfs_growfs (package xfsprogs)"}},
	} {
		got := LackingTools(tt.fs, tt.format, tt.check, tt.grow, func(path string) bool { return path == tt.has })
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s, format %v, check %v, grow %v, with %q: got %q, want %q", tt.fs, tt.format, tt.check, tt.grow, tt.has, got, tt.want)
		}
	}
}

// What a plan says of what comes before a mount.
func TestCare(t *testing.T) {
	for _, tt := range []struct {
		m    Mount
		want string
	}{
		{Mount{Type: "ext4"}, ""},
		{Mount{Type: "ext4", Format: "ext4", Check: true, Grow: "partition"}, ", made where the device is empty, checked before, grown to the end of its disk"},
		{Mount{Type: "xfs", Check: true, Grow: "filesystem"}, ", grown to the end of its device"},
	} {
		if got := tt.m.Care(); got != tt.want {
			t.Errorf("%+v: got %q, want %q", tt.m, got, tt.want)
		}
	}
}
