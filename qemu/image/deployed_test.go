package image

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// deploy makes a directory as BitBake leaves it: files with the time of the build in
// their names, and links to the newest.
func deploy(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		real := strings.Replace(name, ".rootfs.", ".rootfs-20260101000000.", 1)
		if err := os.WriteFile(filepath.Join(dir, real), []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
		if real == name {
			continue
		}
		if err := os.Symlink(real, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestDeployedRoot(t *testing.T) {
	for _, c := range []struct {
		name  string
		files []string
		of    string // the file named, instead of the directory
		want  string
		fs    string
		err   string
	}{
		{name: "wrynose", files: []string{"bzImage", "a-qemux86-64.rootfs.ext4.zst", "a-qemux86-64.rootfs.tar.zst", "a-qemux86-64.rootfs.manifest"},
			want: "a-qemux86-64.rootfs.ext4.zst", fs: "ext4"},
		{name: "plain before packed", files: []string{"a-m.rootfs.ext4.zst", "a-m.rootfs.ext4"}, want: "a-m.rootfs.ext4", fs: "ext4"},
		{name: "squashfs before ext4", files: []string{"a-m.rootfs.ext4", "a-m.rootfs.squashfs-zst"}, want: "a-m.rootfs.squashfs-zst", fs: "squashfs"},
		{name: "none", files: []string{"bzImage", "a-m.rootfs.tar.zst"}, err: "no root file system in"},
		{name: "two images", files: []string{"a-m.rootfs.ext4", "b-m.rootfs.ext4"}, err: "name the file: a-m.rootfs.ext4 or b-m.rootfs.ext4"},
		{name: "one named of two", files: []string{"a-m.rootfs.ext4", "b-m.rootfs.ext4"}, of: "b-m.rootfs.ext4", want: "b-m.rootfs.ext4", fs: "ext4"},
		{name: "not a root", files: []string{"a-m.rootfs.tar.zst"}, of: "a-m.rootfs.tar.zst", err: "want squashfs or ext4"},
		{name: "absent", of: "nothing", err: "no such file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := deploy(t, c.files...)
			file, fs, err := deployedRoot(filepath.Join(dir, c.of))
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("error %v, want %q in it", err, c.err)
				}
				return
			}
			if err != nil || filepath.Base(file) != c.want || fs != c.fs {
				t.Errorf("%s %s (%v), want %s %s", filepath.Base(file), fs, err, c.want, c.fs)
			}
		})
	}
}
