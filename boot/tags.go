package boot

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/boot/superblock"
)

// linkTags are the links that udev makes of what a device is called, and the words for them.
var linkTags = [...][2]string{{"/dev/disk/by-uuid/", "UUID="}, {"/dev/disk/by-label/", "LABEL="},
	{"/dev/disk/by-partuuid/", "PARTUUID="}, {"/dev/disk/by-partlabel/", "PARTLABEL="}}

// tagOf gives UUID=… for the link /dev/disk/by-uuid/…, and the like; another name as it is.
// In a link a character that a path may not have is \xNN.
func tagOf(name string) string {
	for _, l := range linkTags {
		value, ok := strings.CutPrefix(name, l[0])
		if !ok {
			continue
		}
		parts := strings.Split(value, "\\x")
		for i := 1; i < len(parts); i++ {
			if n, err := strconv.ParseUint(parts[i][:min(2, len(parts[i]))], 16, 8); err == nil && len(parts[i]) >= 2 {
				parts[i] = string([]byte{byte(n)}) + parts[i][2:]
			} else {
				parts[i] = "\\x" + parts[i]
			}
		}
		return l[1] + strings.Join(parts, "")
	}
	return name
}

// findFileSystem looks for the first block device with a file system of that UUID, or of that
// label; the other is empty.
func findFileSystem(uuid, label string) string {
	for _, name := range readDir("/sys/class/block") {
		if notADisk(name) {
			continue
		}
		node := devName("/sys/class/block/" + name + "/uevent")
		if node == "" {
			continue
		}
		fd, err := unix.Open(node, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		if err != nil {
			continue
		}
		id, ok := superblock.Read(descriptor(fd))
		unix.Close(fd)
		if ok && (uuid != "" && strings.EqualFold(id.UUID, uuid) || label != "" && id.Label == label) {
			return node
		}
	}
	return ""
}

// descriptor reads from an open device. It is no os.File, as that would have the runtime poll it.
type descriptor int

// ReadAt implements io.ReaderAt.
func (d descriptor) ReadAt(p []byte, at int64) (int, error) { return unix.Pread(int(d), p, at) }
