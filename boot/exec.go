package boot

import (
	"fmt"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Self opens the running program for ExecInit. It must be done before SwitchRoot,
// which deletes its file.
func Self() (int, error) {
	fd, err := unix.Open("/proc/self/exe", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("open /proc/self/exe: %w", err)
	}
	return fd, nil
}

// ExecInit becomes the program of the new root. Where that fails, say gets the
// reason and the file descriptor self (of the function Self) is executed instead,
// so that a root without an init still has someone who explains it. It returns
// only when both fail. args has the program's name first.
func ExecInit(program string, self int, args, env []string, say func(string)) error {
	err := unix.Exec(program, args, env)
	err = fmt.Errorf("exec %s on the new root: %w", program, err)
	say(err.Error() + ": the init of the initramfs goes on in its place")
	if own := execFD(self, args, env); own != nil {
		return fmt.Errorf("%w; nor can the own program be executed again: %w", err, own)
	}
	return err
}

// execFD is fexecve(3) by execveat(2) with AT_EMPTY_PATH, which needs neither a
// name nor /proc.
func execFD(fd int, args, env []string) error {
	argv, err := syscall.SlicePtrFromStrings(args)
	if err != nil {
		return fmt.Errorf("arguments: %w", err)
	}
	envv, err := syscall.SlicePtrFromStrings(env)
	if err != nil {
		return fmt.Errorf("environment: %w", err)
	}
	empty := [1]byte{}
	_, _, errno := unix.RawSyscall6(unix.SYS_EXECVEAT, uintptr(fd), uintptr(unsafe.Pointer(&empty[0])),
		uintptr(unsafe.Pointer(&argv[0])), uintptr(unsafe.Pointer(&envv[0])), unix.AT_EMPTY_PATH, 0)
	runtime.KeepAlive(argv)
	runtime.KeepAlive(envv)
	return fmt.Errorf("execveat: %w", errno)
}
