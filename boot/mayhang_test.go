package boot

import (
	"os"
	"path/filepath"
	"testing"
)

func TestMayHang(t *testing.T) {
	dir := t.TempDir()
	for name, target := range map[string]string{
		"plain": "", "to-disk": dir + "/disk/x", "relative": "disk/../disk/x", "to-memory": dir + "/run/x",
		"over-link": "dir/x", "dir": dir + "/disk", "loop": "loop",
	} {
		var err error
		if target == "" {
			err = os.WriteFile(filepath.Join(dir, name), nil, 0o644)
		} else {
			err = os.Symlink(target, filepath.Join(dir, name))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	list := []MountInfo{
		{Target: "/", Type: "ext4"}, {Target: dir + "/disk", Type: "ext4"}, {Target: dir + "/run", Type: "tmpfs"}, {Target: dir + "/diskless", Type: "tmpfs"},
		{Target: dir + "/bound", Type: "fuse"}, {Target: dir + "/covered", Type: "nfs"}, {Target: dir + "/covered", Type: "tmpfs"},
	}
	for name, want := range map[string]bool{
		"plain": false, "absent": false, "to-disk": true, "relative": true, "to-memory": false, "over-link": true, "loop": false,
		"disk": true, "disk/x": true, "diskless/x": false, "bound": true, "covered": false, "disk/../plain": true,
	} {
		if got := MayHang(list, filepath.Join(dir)+"/"+name); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}
