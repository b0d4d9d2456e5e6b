// Command erlexec lies where the benchmark's release has its ERTS. The kernel
// notes its exec, which ends the count; then it lets the init settle, prints that
// init's memory and the kernel's notes, and ends the machine.
package main

import (
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

func main() {
	time.Sleep(2 * time.Second)
	unix.Mkdir("/proc", 0o755)
	unix.Mount("proc", "/proc", "proc", 0, "") // a bare init mounts nothing
	unix.Mknod("/bench-console", unix.S_IFCHR|0o600, int(unix.Mkdev(5, 1)))
	unix.Mknod("/bench-kmsg", unix.S_IFCHR|0o600, int(unix.Mkdev(1, 11)))
	out, err := unix.Open("/bench-console", unix.O_WRONLY, 0)
	if err != nil {
		unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART)
	}
	buf := make([]byte, 8192)
	for _, line := range strings.Split(read("/proc/1/smaps_rollup", buf), "\n") {
		if strings.HasPrefix(line, "Rss:") || strings.HasPrefix(line, "Pss:") {
			write(out, "bench "+line+"\n")
		}
	}
	kmsg, err := unix.Open("/bench-kmsg", unix.O_RDONLY|unix.O_NONBLOCK, 0)
	for err == nil {
		var n int
		if n, err = unix.Read(kmsg, buf); err == nil && strings.Contains(string(buf[:n]), "sched_process_exec") {
			write(out, "bench "+string(buf[:n]))
		}
	}
	write(out, "bench end\n")
	unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART)
}

func read(path string, buf []byte) string {
	fd, err := unix.Open(path, unix.O_RDONLY, 0)
	if err != nil {
		return ""
	}
	defer unix.Close(fd)
	n, _ := unix.Read(fd, buf)
	return string(buf[:max(n, 0)])
}

func write(fd int, text string) { unix.Write(fd, []byte(text)) }
