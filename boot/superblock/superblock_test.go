package superblock

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestRead: file systems that the programs of their kind made.
func TestRead(t *testing.T) {
	const uuid = "8f2c1d0e-1234-4abc-9def-00112233aabb"
	squashed := t.TempDir()
	for _, c := range []struct {
		name  string
		make  string // run by sh, with the image's path in $1 and the uuid in $2
		want  ID
		sized bool // its size is that of its device
	}{
		{"ext4", `mkfs.ext4 -q -F -L data -U "$2" "$1"`, ID{"ext4", uuid, "data"}, true},
		{"ext2 with the longest label", `mkfs.ext2 -q -F -L sixteen-bytes-16 -U "$2" "$1"`, ID{"ext4", uuid, "sixteen-bytes-16"}, true},
		{"ext4 without a label", `mkfs.ext4 -q -F -U "$2" "$1"`, ID{"ext4", uuid, ""}, true},
		{"f2fs", `mkfs.f2fs -q -l dätä -U "$2" "$1"`, ID{"f2fs", uuid, "dätä"}, true},
		{"FAT32", `mkfs.vfat -F 32 -n BOOT -i 1a2b3c4d "$1"`, ID{"vfat", "1A2B-3C4D", "BOOT"}, false},
		{"FAT16", `mkfs.vfat -F 16 -n "MY BOOT" -i 00ff00ee "$1"`, ID{"vfat", "00FF-00EE", "MY BOOT"}, false},
		{"FAT12 without a label", `truncate -s 2M "$1"; mkfs.vfat -F 12 -i 00ff00ee "$1"`, ID{"vfat", "00FF-00EE", ""}, false},
		{"btrfs", `truncate -s 200M "$1"; mkfs.btrfs -q -L data -U "$2" "$1"`, ID{"btrfs", uuid, "data"}, true},
		{"xfs", `truncate -s 400M "$1"; mkfs.xfs -q -L data -m uuid="$2" "$1"`, ID{"xfs", uuid, "data"}, true},
		{"erofs", `mkdir "$1.d"; mkfs.erofs -U "$2" "$1" "$1.d"`, ID{"erofs", uuid, ""}, false},
		{"squashfs", `mksquashfs ` + squashed + ` "$1" -noappend -quiet`, ID{"squashfs", "", ""}, false},
		{"swap", `mkswap -q -L data -U "$2" "$1"`, ID{"swap", uuid, "data"}, false},
		{"xfs where an ext4 was", `mkfs.ext4 -q -F "$1"; truncate -s 400M "$1"; mkfs.xfs -q -f -L data -m uuid="$2" "$1"`, ID{"xfs", uuid, "data"}, true},
		{"ext4 of blocks of 1 KiB, without INCOMPAT_64BIT", `mkfs.ext4 -q -F -b 1024 -O ^64bit -U "$2" "$1"`, ID{"ext4", uuid, ""}, true},
		{"nothing", `:`, ID{}, false},
		{"next to nothing", `truncate -s 1025 "$1"`, ID{}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			image := filepath.Join(t.TempDir(), "image")
			f, err := os.Create(image)
			if err == nil {
				err = f.Truncate(64 << 20)
			}
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			cmd := exec.Command("sh", "-ec", c.make, "sh", image, uuid)
			cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin", "LC_ALL=C.UTF-8")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			made, err := os.Open(image)
			if err != nil {
				t.Fatal(err)
			}
			defer made.Close()
			if size, err := made.Seek(0, io.SeekEnd); err != nil || c.sized && Size(made, c.want.Type) != size {
				t.Errorf("it has %d bytes of %d", Size(made, c.want.Type), size)
			}
			if got, ok := Read(made); got != c.want || ok != (c.want != ID{}) {
				t.Errorf("got %+v (%v), want %+v", got, ok, c.want)
			}
		})
	}
}

// FuzzRead: whatever lies on a device, nothing but what is there is read, and a UUID is one.
func FuzzRead(f *testing.F) {
	f.Add([]byte("XFSB"), int64(0))
	f.Add([]byte("\x10\x20\xf5\xf2"), int64(1024))
	f.Add(bytes.Repeat([]byte{0xff}, 2000), int64(1080))
	f.Fuzz(func(t *testing.T, data []byte, at int64) {
		if at < 0 || at > 70000 || len(data) > 4096 {
			return
		}
		id, ok := Read(bytes.NewReader(append(make([]byte, at), data...)))
		if !ok && id != (ID{}) {
			t.Errorf("%+v of no file system", id)
		}
		Size(bytes.NewReader(append(make([]byte, at), data...)), id.Type)
		if n := len(id.UUID); n != 0 && n != 9 && n != 36 || strings.Trim(id.UUID, "0123456789abcdefABCDEF-") != "" {
			t.Errorf("UUID %q", id.UUID)
		}
		if len(id.Label) > 3*512 {
			t.Errorf("a label of %d bytes", len(id.Label))
		}
	})
}
