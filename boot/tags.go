package boot

import (
	"path"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/boot/superblock"
	"github.com/beaminit/beaminit/internal/files"
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

// linkOf is the link of a tag: the other way round, spelt as udev does.
func linkOf(tag, value string) string {
	for _, l := range linkTags {
		if l[1] == tag {
			return l[0] + escape(value)
		}
	}
	return ""
}

// escape has what a name in /dev may not have as \xNN (udev(7), OPTIONS string_escape): all
// but letters, digits, #+-.:=@_ and what is beyond ASCII.
func escape(s string) string {
	const hex = "0123456789abcdef"
	var b []byte
	for i := 0; i < len(s); {
		_, n := utf8.DecodeRuneInString(s[i:]) // 1 for a byte that is no UTF-8
		c := s[i]
		isPlain := c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || strings.IndexByte("#+-.:=@_", c) >= 0
		if n > 1 || isPlain {
			b = append(b, s[i:i+n]...)
		} else {
			b = append(b, '\\', 'x', hex[c>>4], hex[c&15])
		}
		i += n
	}
	return string(b)
}

// LinkDirs are the directories of such links.
func LinkDirs() (dirs []string) {
	for _, l := range linkTags {
		dirs = append(dirs, path.Clean(l[0]))
	}
	return dirs
}

// DiskLinks are the links of a block device: of the file system on it, and of the partition
// that it is. dir is that of the device in sysfs. A file system on what is part of another
// device (of dm-verity, of LUKS, of RAID) is that one's. It may hang where the device does.
func DiskLinks(dir string) (links []string, err error) {
	name := path.Base(dir)
	text, err := files.ReadFile(dir + "/uevent")
	node := ueventValue(text, "DEVNAME=")
	if err != nil || node == "" || notADisk(name) {
		return nil, nil // or it is gone
	}
	add := func(tag, value string) {
		if value != "" {
			links = append(links, linkOf(tag, value))
		}
	}
	if len(readDir(dir+"/holders")) == 0 {
		var id superblock.ID
		if id, err = nameOf("/dev/" + node); err == nil {
			add("UUID=", id.UUID)
			add("LABEL=", id.Label)
		}
	}
	if ueventValue(text, "PARTN=") != "" {
		for _, p := range partitionsOf(path.Base(path.Dir(dir))) {
			if p.name == name {
				add("PARTUUID=", p.uuid)
			}
		}
		add("PARTLABEL=", ueventValue(text, "PARTNAME="))
	}
	return links, err
}

// nameOf is what the file system on a device is called. One without a medium has none.
func nameOf(node string) (superblock.ID, error) {
	fd, err := unix.Open(node, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	switch err {
	case nil:
	case unix.ENOMEDIUM, unix.ENOENT, unix.ENXIO, unix.ENODEV:
		return superblock.ID{}, nil
	default:
		return superblock.ID{}, err
	}
	defer unix.Close(fd)
	id, _ := superblock.Read(descriptor(fd))
	return id, nil
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
		id, err := nameOf(node)
		if err == nil && (uuid != "" && strings.EqualFold(id.UUID, uuid) || label != "" && id.Label == label) {
			return node
		}
	}
	return ""
}

// descriptor reads from an open device. It is no os.File, as that would have the runtime poll it.
type descriptor int

// ReadAt implements io.ReaderAt.
func (d descriptor) ReadAt(p []byte, at int64) (int, error) { return unix.Pread(int(d), p, at) }
