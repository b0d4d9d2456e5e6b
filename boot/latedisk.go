package boot

import (
	"errors"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// AwaitDisks is for what MountUser has not mounted: it mounts each device of the plan that
// appears, and gives the state directory as soon as there is one, where dir says that there
// was none, or what has been mounted. more: there is still something to wait for. The kernel
// tells of devices (NETLINK_KOBJECT_UEVENT) and of what others mount (proc(5),
// /proc/PID/mountinfo, poll(2)).
func AwaitDisks(plan []Mount, dir string, tools *Tools) (now string, errs []error, more bool) {
	news, err := ueventSocket()
	if err != nil {
		news = -1 // poll(2) ignores it
	}
	defer unix.Close(news)
	mounts, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return dir, []error{err}, false
	}
	defer mounts.Close()
	var tried []string
	for first := true; ; first = false {
		mounted, failed := mountPresent(plan, &tried, tools)
		if !first { // what was there before has failed before, and that was said
			errs = append(errs, failed...)
		}
		if now = dir; now == "" {
			now, _ = FindState(plan)
		}
		list, _ := Mounts()
		more = now == "" && slices.ContainsFunc(plan, func(m Mount) bool { return canKeep(&m) }) ||
			slices.ContainsFunc(plan, func(m Mount) bool { return isAbsent(&m, list, tried) })
		if now != dir || mounted || len(errs) > 0 || !more {
			return now, errs, more
		}
		fds := []unix.PollFd{{Fd: int32(news), Events: unix.POLLIN}, {Fd: int32(mounts.Fd()), Events: unix.POLLPRI}}
		unix.Poll(fds, int(lateLook/time.Millisecond))
		Pause(lateQuiet, func() bool { return false }) // they come in flocks
		awaitNews(news, 0)
	}
}

// lateLook is how long a device can be overlooked of which the kernel's word was lost,
// lateQuiet how long one may take to be whole.
const (
	lateLook  = time.Minute
	lateQuiet = 200 * time.Millisecond
)

// isAbsent says that a mount waits for its device.
func isAbsent(m *Mount, list []MountInfo, tried []string) bool {
	if !isDevice(m.Source) || m.Type == "swap" || m.Flags&(unix.MS_BIND|unix.MS_REMOUNT) != 0 {
		return false
	}
	return topmost(list, m.Target) == nil && !slices.Contains(tried, m.Source)
}

// mountPresent mounts those whose device is there, each once.
func mountPresent(plan []Mount, tried *[]string, tools *Tools) (mounted bool, errs []error) {
	for _, m := range plan {
		list, _ := Mounts()
		if !isAbsent(&m, list, *tried) {
			continue
		}
		if _, err := resolveRoot(m.Source); errors.Is(err, NoDevice) {
			continue
		}
		*tried = append(*tried, m.Source)
		if err := mountUser(&m, 0, nil, tools); err != nil {
			errs = append(errs, err)
		} else {
			mounted = true
		}
	}
	return mounted, errs
}
