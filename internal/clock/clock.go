// Package clock has the two clocks that never jump (clock_gettime(2)). The time of
// day does, by decades, when a board without a battery gets it from the network: no
// interval is measured by it. Package time has a monotonic clock only as a difference
// to the start of the program, which another process does not share.
package clock

import (
	"time"

	"golang.org/x/sys/unix"
)

// Boottime is the time since the kernel began, that in suspend included
// (CLOCK_BOOTTIME): how long a node is up.
func Boottime() time.Duration { return now(unix.CLOCK_BOOTTIME) }

// Monotonic is the same without the time in suspend (CLOCK_MONOTONIC): what a program
// could have used. Deadlines of others are measured by it.
func Monotonic() time.Duration { return now(unix.CLOCK_MONOTONIC) }

func now(id int32) time.Duration {
	var ts unix.Timespec
	unix.ClockGettime(id, &ts) // fails for no clock that every kernel has
	return time.Duration(ts.Nano())
}
