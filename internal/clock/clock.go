// Package clock has the two clocks that never jump (clock_gettime(2)). The time of
// day does, by decades, when a board without a battery gets it from the network: no
// interval is measured by it. Package time has a monotonic clock only as a difference
// to the start of the program, which another process does not share.
package clock

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Boottime is the time since the kernel began, that in suspend included
// (CLOCK_BOOTTIME): how long a node is up.
func Boottime() time.Duration { return now(unix.CLOCK_BOOTTIME) }

// Uptime is how long this node is up: Boottime, or since Begin where that was called.
func Uptime() time.Duration { return Boottime() - began }

// began is when the node began, on a machine that was there before.
var began time.Duration

// Begin says that the node began with this process (proc(5), starttime), as a container does.
func Begin() error {
	text, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return err
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 20 {
		return fmt.Errorf("/proc/self/stat: %d fields", len(fields))
	}
	const userHZ = 100 // of every architecture that Go has (time(7))
	ticks, err := strconv.ParseInt(fields[19], 10, 64)
	if err == nil {
		began = time.Duration(ticks) * time.Second / userHZ
	}
	return err
}

// Monotonic is Boottime without the time in suspend (CLOCK_MONOTONIC): what a program
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
