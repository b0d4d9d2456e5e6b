// Package clock has the two clocks that never jump (clock_gettime(2)). The time of
// day does, by decades, when a board without a battery gets it from the network: no
// interval is measured by it. Package time has a monotonic clock only as a difference
// to the start of the program, which another process does not share.
package clock

import (
	"fmt"
	"strconv"
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

// Text is a time as a person reads it: "12 ms", "1.2 s".
func Text(d time.Duration) string {
	if d < time.Second {
		return strconv.FormatInt(int64(d/time.Millisecond), 10) + " ms"
	}
	tenths := int64(d / (100 * time.Millisecond))
	if tenths%10 == 0 {
		return strconv.FormatInt(tenths/10, 10) + " s"
	}
	return strconv.FormatInt(tenths/10, 10) + "." + strconv.FormatInt(tenths%10, 10) + " s"
}

// Within runs a system call that may hang in the kernel (a dead disk, a server
// that is gone) on a thread of its own, and stops waiting for it after limit.
func Within(limit time.Duration, what string, call func() error) error {
	done := make(chan error, 1)
	go func() { done <- call() }()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
		return fmt.Errorf("%s has not come back after %s: going on without it", what, Text(limit))
	}
}
