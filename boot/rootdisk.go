package boot

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/internal/files"
)

// RootDisk makes /dev/rootdisk0 and /dev/rootdisk0pN, links to the disk that the root
// lies on and to its partitions, as erlinit does: its [[mount]]s and its applications
// use them, because they are the same on a card and on an eMMC. Where the root is no
// partition, or the links are there, there is nothing to do.
func RootDisk() error {
	var st unix.Stat_t
	if err := unix.Stat("/", &st); err != nil {
		return fmt.Errorf("stat /: %w", err)
	}
	if unix.Lstat("/dev/rootdisk0", &unix.Stat_t{}) == nil {
		return nil
	}
	for _, l := range rootLinks("/sys", unix.Major(uint64(st.Dev)), unix.Minor(uint64(st.Dev))) {
		if err := unix.Symlink(l[0], l[1]); err != nil {
			return fmt.Errorf("link %s to %s: %w", l[1], l[0], err)
		}
	}
	return nil
}

// rootLinks gives the links, target and name of each, from the sysfs at sys
// (Documentation/ABI/stable/sysfs-block: a partition's directory is in its disk's, and
// has a file partition with its number).
func rootLinks(sys string, major, minor uint32) (links [][2]string) {
	own := sys + "/dev/block/" + strconv.FormatUint(uint64(major), 10) + ":" + strconv.FormatUint(uint64(minor), 10)
	if partitionNumber(own) == "" {
		return nil
	}
	var buf [4096]byte
	n, err := unix.Readlink(own, buf[:])
	if err != nil {
		return nil
	}
	parts := strings.Split(string(buf[:n]), "/") // ../../devices/…/block/mmcblk0/mmcblk0p2
	if len(parts) < 2 {
		return nil
	}
	links = append(links, [2]string{"/dev/" + parts[len(parts)-2], "/dev/rootdisk0"})
	for _, name := range readDir(own + "/..") {
		if p := partitionNumber(own + "/../" + name); p != "" {
			links = append(links, [2]string{"/dev/" + name, "/dev/rootdisk0p" + p})
		}
	}
	return links
}

// partitionNumber is the number of a partition, of its directory in sysfs; empty where it is
// none.
func partitionNumber(dir string) string {
	b, err := files.ReadFile(dir + "/partition")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
