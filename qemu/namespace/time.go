package namespace

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// beginTime lets the node's clocks since boot begin now (time_namespaces(7)), so that it has just booted.
// The init enters the time namespace when it is executed, since Linux 6.1; with an older kernel the
// node has the uptime of this machine.
func (i *inside) beginTime() error {
	var u unix.Utsname
	var major, minor int
	if err := unix.Uname(&u); err != nil {
		return err
	}
	fmt.Sscanf(unix.ByteSliceToString(u.Release[:]), "%d.%d", &major, &minor)
	if major < 6 || major == 6 && minor < 1 || unix.Unshare(unix.CLONE_NEWTIME) != nil {
		return nil
	}
	offsets := ""
	for _, c := range []struct {
		id   int32
		name string
	}{{unix.CLOCK_MONOTONIC, "monotonic"}, {unix.CLOCK_BOOTTIME, "boottime"}} {
		var now unix.Timespec
		if err := unix.ClockGettime(c.id, &now); err != nil {
			return err
		}
		// What is added to the clock: whole seconds, which may be negative, and nanoseconds, which may not.
		offsets += fmt.Sprintf("%s %d %d\n", c.name, -now.Sec-1, 1e9-now.Nsec-1)
	}
	// Of this thread, by its number in the node's own pid namespace.
	path := fmt.Sprintf("%s/%d/timens_offsets", i.in("proc"), unix.Gettid())
	if err := os.WriteFile(path, []byte(offsets), 0); err != nil {
		return fmt.Errorf("begin the node's time: %w", err)
	}
	return nil
}
