package boot

import (
	"fmt"

	"golang.org/x/sys/unix"
)

const corePatternPath = "/proc/sys/kernel/core_pattern"

// SetCorePattern says where core dumps go (core(5)). In a container the pattern is the
// host's, and stays.
func SetCorePattern(pattern string) error {
	if !ownsClock() {
		return fmt.Errorf("kernel.core_pattern: not set: this is a container, and the pattern is the host's")
	}
	fd, err := unix.Open(corePatternPath, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err == nil {
		_, err = unix.Write(fd, []byte(pattern))
		unix.Close(fd)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", corePatternPath, err)
	}
	return nil
}
