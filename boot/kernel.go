package boot

import (
	"errors"

	"github.com/beaminit/beaminit/internal/files"
)

// SetCorePattern says where core dumps go (core(5)). In a container the pattern is the
// host's, and stays.
func SetCorePattern(pattern string) error {
	if !ownsClock() {
		return errors.New("kernel.core_pattern: not set: this is a container, and the pattern is the host's")
	}
	return files.WriteKernel("/proc/sys/kernel/core_pattern", pattern)
}
