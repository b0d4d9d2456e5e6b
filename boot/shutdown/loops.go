package shutdown

import (
	"strings"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/boot"
	"github.com/beaminit/beaminit/internal/files"
)

// detachLoops frees the loop devices whose file lies on one of these mounts
// (loop(4), LOOP_CLR_FD), and says how many. One that is mounted somewhere is freed
// by the kernel as soon as it is not.
func detachLoops(on []boot.MountInfo) (freed int) {
	if len(on) == 0 {
		return 0
	}
	names, _ := files.Names("/sys/block", 0)
	for _, name := range names {
		if !strings.HasPrefix(name, "loop") {
			continue
		}
		text, err := files.ReadFile("/sys/block/" + name + "/loop/backing_file")
		if err != nil { // free already
			continue
		}
		file := strings.TrimSuffix(string(text), "\n")
		for i := range on {
			if t := on[i].Target; t != "/" && !files.Below(file, t) {
				continue
			}
			if detachLoop("/dev/" + name) {
				freed++
			}
			break
		}
	}
	return freed
}

func detachLoop(device string) bool {
	fd, err := unix.Open(device, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	return unix.IoctlSetInt(fd, unix.LOOP_CLR_FD, 0) == nil
}
