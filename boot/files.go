package boot

import (
	"github.com/beaminit/beaminit/internal/files"
)

// maxTable is how much is read of a table that a program made, in bytes: mountinfo has a
// line for each container's mounts, modules.dep one for each of 6,000 modules.
const maxTable = 16 << 20

// readDir gives the names in a directory of the kernel's; none where it cannot be read.
func readDir(path string) []string {
	names, _ := files.Names(path, 0)
	return names
}
