// Package proc says what the kernel knows of processes, in words and numbers: how one
// ended, whose child it is, how much memory it has (wait(2), proc(5)).
package proc

import (
	"strconv"

	"golang.org/x/sys/unix"
)

// Describe says how a process ended, in words.
func Describe(status unix.WaitStatus) string {
	if status.Exited() {
		return "exit status " + strconv.Itoa(status.ExitStatus())
	}
	sig := status.Signal()
	text := "killed by signal " + strconv.Itoa(int(sig))
	if name := unix.SignalName(sig); name != "" {
		text += " (" + name + ")"
	}
	if status.CoreDump() {
		text += ", core dumped"
	}
	return text
}

// IsChild says whether that is a child of this process, ended or not (waitid(2)); it takes
// nothing away from who waits for it.
func IsChild(pid int) bool {
	return unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil) != unix.ECHILD
}

// SetName is the name of this process in ps(1), instead of that of its file (proc(5), comm:
// the name of its first thread, which need not be the one that calls); the kernel keeps 15
// bytes of it.
func SetName(name string) {
	fd, err := unix.Open("/proc/self/comm", unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	unix.Write(fd, []byte(name))
	unix.Close(fd)
}

// InFirstPIDNamespace says whether this process is in the pid namespace of the machine, and so
// in no container: its inode number is fixed (PROC_PID_INIT_INO in linux/proc_ns.h).
func InFirstPIDNamespace() (bool, error) {
	const first = 0xEFFFFFFC
	var st unix.Stat_t
	err := unix.Stat("/proc/self/ns/pid", &st)
	return err == nil && uint64(st.Ino) == first, err
}

// Permitted says whether this process has a capability, or can take it (capabilities(7),
// permitted set).
func Permitted(capability int) bool {
	h := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if unix.Capget(&h, &data[0]) != nil {
		return false
	}
	return data[capability/32].Permitted&(1<<(capability%32)) != 0
}
