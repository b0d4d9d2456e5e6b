package boot

import (
	"os"

	"github.com/beaminit/beaminit/internal/proc"
	"golang.org/x/sys/unix"
)

// Container is what runs this PID 1 as that of a container, by the name that it gives
// itself in the variable "container" (systemd.io/CONTAINER_INTERFACE), by the file that it
// leaves, or only "container" where PID 1 may mount nothing. Empty: the machine is PID 1's
// own. A namespace of pids alone is no container: whoever may mount in it is to.
func Container() string {
	if first, err := proc.InFirstPIDNamespace(); err != nil || first { // before /proc is mounted too
		return ""
	}
	if name := os.Getenv("container"); name != "" {
		return name
	}
	for _, mark := range [...]struct{ path, name string }{{"/.dockerenv", "docker"}, {"/run/.containerenv", "podman"}} {
		if unix.Access(mark.path, unix.F_OK) == nil {
			return mark.name
		}
	}
	if !proc.Permitted(unix.CAP_SYS_ADMIN) {
		return "container"
	}
	return ""
}
