package boot

import (
	"fmt"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// The places below /var that images with a read-only root have as links into a file system
// in memory, mostly /var/volatile, whose directories nobody made yet.
var volatileLinks = [...]struct {
	link string
	mode uint32
}{
	{"/var/log", 0o755}, {"/var/tmp", 0o1777}, {"/var/cache", 0o755}, {"/var/lock", 0o755}, {"/var/run", 0o755}, {"/var/spool", 0o755},
}

// MakeLinkTargets makes the directories that links of /var lead to, where they are not
// there. It is called when the file systems are mounted and before anything of others runs.
func MakeLinkTargets() []error {
	var errs []error
	for _, v := range volatileLinks {
		var buf [4096]byte
		n, err := unix.Readlink(v.link, buf[:])
		var st unix.Stat_t
		if err != nil || unix.Stat(v.link, &st) == nil {
			continue // no link, or one to something
		}
		target := string(buf[:n])
		if !strings.HasPrefix(target, "/") {
			target = path.Join("/var", target)
		}
		if err := makeDirs(path.Clean(target), v.mode); err != nil {
			errs = append(errs, fmt.Errorf("%s leads to %s: %w", v.link, target, err))
		}
	}
	return errs
}

// makeDirs makes a directory and those above it.
func makeDirs(dir string, mode uint32) error {
	if up := path.Dir(dir); up != "/" && missing(up) {
		if err := makeDirs(up, 0o755); err != nil {
			return err
		}
	}
	if err := unix.Mkdir(dir, mode); err != nil && err != unix.EEXIST {
		return fmt.Errorf("mkdir: %w", err)
	}
	return unix.Chmod(dir, mode) // mkdir(2) subtracts the umask
}
