// Command started notes its process and the time of its start (CLOCK_MONOTONIC, ns) in
// /mnt/started, and stays until it is killed: what a benchmark lets an init start.
package main

import (
	"strconv"

	"golang.org/x/sys/unix"
)

func main() {
	var ts unix.Timespec
	unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts)
	fd, err := unix.Open("/mnt/started", unix.O_WRONLY|unix.O_APPEND|unix.O_CREAT, 0o600)
	if err != nil {
		panic(err)
	}
	unix.Write(fd, []byte(strconv.Itoa(unix.Getpid())+" "+strconv.FormatInt(ts.Nano(), 10)+"\n"))
	for {
		unix.Pause()
	}
}
