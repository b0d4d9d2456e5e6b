package boot

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/internal/files"
	"github.com/beaminit/beaminit/internal/proc"
)

// A Floor is the earliest time that it can be, in seconds since 1970, and what says so.
type Floor struct {
	At   int64
	From string
}

// clockFloor is the later of the times when this program was built and when the time
// was last saved; 0 stands for one that is not known. set says that now, the time of a
// board without a battery perhaps, is before it. The clock is never set back: what is
// later may be right.
func clockFloor(now, built, saved int64) (f Floor, set bool) {
	f = Floor{built, "when this init was built"}
	if saved > built {
		f = Floor{saved, "when the time was last saved"}
	}
	return f, f.At > now
}

// RaiseClock sets the time of day to the clockFloor, where it is before that. In a
// container it leaves the clock alone, which is the host's.
func RaiseClock(built, saved int64) (f Floor, set bool, err error) {
	f, set = clockFloor(time.Now().Unix(), built, saved)
	if !set || !ownsClock() {
		return f, false, nil
	}
	ts := unix.NsecToTimespec(f.At * int64(time.Second))
	if err := unix.ClockSettime(unix.CLOCK_REALTIME, &ts); err != nil {
		return f, false, fmt.Errorf("set the clock to %s: %w", f, err)
	}
	return f, true, nil
}

// ClockFrom says what gave the time of day at boot: "floor" where RaiseClock set it,
// "rtc" where the kernel took it from a real-time clock (its CONFIG_RTC_HCTOSYS; kernel
// Documentation/ABI/testing/sysfs-class-rtc), and else "kernel", which counts from 1970 or
// has it from a hypervisor. In a container the clock is the host's: "kernel".
func ClockFrom(raised bool) string {
	switch {
	case raised:
		return "floor"
	case ownsClock() && fromRTC("/sys/class/rtc"):
		return "rtc"
	}
	return "kernel"
}

func fromRTC(class string) bool {
	for _, name := range readDir(class) {
		if text, err := files.ReadFile(class + "/" + name + "/hctosys"); err == nil && len(text) > 0 && text[0] == '1' {
			return true
		}
	}
	return false
}

// String is the time in UTC and where it comes from.
func (f Floor) String() string {
	return time.Unix(f.At, 0).UTC().Format(time.RFC3339) + ", " + f.From
}

// clockFile has the time in its mtime: to change an inode is safe on a file system that
// loses power, and to read it is one call.
const clockFile = "clock"

// savedClock is the time that was last saved in the state directory, in seconds since
// 1970; 0: none was.
func savedClock(state *files.Dir) (int64, error) {
	f, err := state.Open(clockFile, os.O_RDONLY, files.Rule{})
	if err != nil {
		if files.Missing(err) {
			err = nil
		}
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.ModTime().Unix(), nil
}

// saveClock saves the time of day in the state directory.
func saveClock(state *files.Dir) error {
	f, err := state.Open(clockFile, os.O_WRONLY|os.O_CREATE, files.Rule{})
	if err == nil {
		f.Close()
		err = state.Touch(clockFile)
	}
	if err != nil {
		return fmt.Errorf("save the time: %w", err)
	}
	return nil
}

// ownsClock says that this is no container: that the clock and the kernel's random pool
// are this node's. It has to be sure of it, unlike shutdown.inNamespace.
func ownsClock() bool {
	first, err := proc.InFirstPIDNamespace()
	if errors.Is(err, unix.ENOENT) { // a kernel without namespaces
		return unix.Stat("/proc/self", &unix.Stat_t{}) == nil
	}
	return err == nil && first
}
