package shutdown

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/internal/files"
)

// RebootParamPath is the file whose first line is the argument of a reboot, where
// erlinit has it too: what reads it is the board's firmware or boot loader ("0 tryboot"
// on a Raspberry Pi). It lies in memory, so it counts for one reboot.
const RebootParamPath = "/run/reboot-param"

// maxParam is what the kernel takes of an argument, in bytes (kernel/reboot.c).
const maxParam = 255

// RebootParam reads the argument for the reboot; empty: there is none.
func RebootParam(path string) (string, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err == unix.ENOENT {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	defer unix.Close(fd)
	var room [maxParam + 2]byte
	n, err := unix.Read(fd, room[:])
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	line, _, _ := strings.Cut(string(room[:max(n, 0)]), "\n")
	if err := CheckRebootParam(line); err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return line, nil
}

// CheckRebootParam says what is wrong with an argument for a reboot; nil: nothing.
func CheckRebootParam(s string) error {
	if len(s) > maxParam {
		return fmt.Errorf("the argument is longer than %d bytes, which is all that the kernel takes", maxParam)
	}
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] > '~' {
			return fmt.Errorf("the argument %.40q has something else in it than printable ASCII", s)
		}
	}
	return nil
}

// LeaveRebootParam writes the argument for the reboot that follows.
func LeaveRebootParam(s string) error {
	return files.WriteAtomic(RebootParamPath, []byte(s+"\n"), files.How{Mode: 0o644})
}
