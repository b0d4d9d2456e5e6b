// Command enter is PID 1 of a machine of the tests (package machine) until its init is: it
// makes ROOT the root, puts the machine's own command line and kmsg in their places, and
// becomes /sbin/init, with limits of open files of SOFT and HARD.
//
//	enter ROOT SOFT HARD
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

func main() {
	var files unix.Rlimit
	var err1, err2 error
	files.Cur, err1 = strconv.ParseUint(os.Args[2], 10, 64)
	files.Max, err2 = strconv.ParseUint(os.Args[3], 10, 64)
	err := errors.Join(err1, err2)
	if err == nil {
		err = enter(os.Args[1], files)
	}
	fmt.Fprintln(os.Stderr, "enter:", err)
	os.Exit(1)
}

func enter(root string, files unix.Rlimit) error {
	for _, step := range []func(root string) error{enterCgroup, mountRoot, bindAll, makeDev, coverHost, mountDead, mountRun} {
		if err := step(root); err != nil {
			return err
		}
	}
	args := []string{"/sbin/init"}
	if text, err := os.ReadFile(filepath.Join(root, "args")); err == nil && len(text) > 0 {
		args = append(args, strings.Split(string(text), "\n")...)
	}
	if has(root, "blocked") {
		if err := blockSignals(); err != nil {
			return err
		}
	}
	old := filepath.Join(root, "root")
	if err := unix.PivotRoot(root, old); err != nil {
		return fmt.Errorf("pivot_root: %w", err)
	}
	if err := errors.Join(unix.Chdir("/"), unix.Unmount("/root", unix.MNT_DETACH), leaveTraces(files)); err != nil {
		return err
	}
	return unix.Exec("/sbin/init", args, []string{"HOME=/", "TERM=linux"})
}

// enterCgroup goes into the cgroup that the machine has of its own, and sees no other from then on.
func enterCgroup(root string) error {
	dir, err := os.ReadFile(filepath.Join(root, "cgroup"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	runtime.LockOSThread() // the namespace is a thread's until it executes init
	if err == nil {
		err = os.WriteFile(filepath.Join(string(dir), "cgroup.procs"), []byte("0"), 0)
	}
	return errors.Join(err, unix.Unshare(unix.CLONE_NEWCGROUP))
}

func mountRoot(root string) error {
	for _, m := range []struct {
		source, target, fstype string
		flags                  uintptr
	}{
		{"none", "/", "", unix.MS_REC | unix.MS_PRIVATE},
		{root, root, "", unix.MS_BIND},
		{"proc", filepath.Join(root, "proc"), "proc", 0},
		{filepath.Join(root, "cmdline"), filepath.Join(root, "proc/cmdline"), "", unix.MS_BIND},
		{"dev", filepath.Join(root, "dev"), "tmpfs", 0},
	} {
		if err := unix.Mount(m.source, m.target, m.fstype, m.flags, map[string]string{"tmpfs": "mode=0755"}[m.fstype]); err != nil {
			return fmt.Errorf("%v: %w", m, err)
		}
	}
	return nil
}

// bindAll binds what the host has to where the machine is to have it.
func bindAll(root string) error {
	return eachPair(root, "binds", func(from, to string) error {
		return unix.Mount(from, filepath.Join(root, to), "", unix.MS_BIND, "")
	})
}

// eachPair goes through a file of two paths a line.
func eachPair(root, list string, f func(from, to string) error) error {
	text, err := os.ReadFile(filepath.Join(root, list))
	if err != nil {
		return err
	}
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		if from, to, ok := strings.Cut(line, " "); ok {
			if err := f(from, to); err != nil {
				return fmt.Errorf("bind %s: %w", line, err)
			}
		}
	}
	return nil
}

func makeDev(root string) error {
	device := func(from, name string) error {
		path := filepath.Join(root, "dev", name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			return err
		}
		return unix.Mount(from, path, "", unix.MS_BIND, "")
	}
	for _, name := range []string{"null", "zero", "full", "random", "urandom"} {
		if err := device("/dev/"+name, name); err != nil {
			return err
		}
	}
	if !has(root, "no-kmsg") {
		if err := device(filepath.Join(root, "kmsg"), "kmsg"); err != nil {
			return err
		}
	}
	return eachPair(root, "ttys", device)
}

// coverHost hides what the packages of the host want done at a boot: a machine that has the
// host's /usr is not to do it.
func coverHost(root string) error {
	for _, dir := range []string{
		"usr/lib/tmpfiles.d", "usr/lib/sysctl.d", "usr/lib/modules-load.d", "usr/lib/modprobe.d",
		"lib/tmpfiles.d", "lib/sysctl.d", "lib/modules-load.d", "lib/modprobe.d", // where lib is bound for itself
	} {
		if err := unix.Mount("none", filepath.Join(root, dir), "tmpfs", unix.MS_RDONLY, ""); err != nil && err != unix.ENOENT {
			return fmt.Errorf("cover %s: %w", dir, err)
		}
	}
	return nil
}

func mountRun(root string) error {
	err := eachPair(root, "tmpfs", func(dir, options string) error {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			return err
		}
		return unix.Mount("tmpfs", filepath.Join(root, dir), "tmpfs", 0, options)
	})
	if err != nil {
		return err
	}
	if has(root, "read-only") {
		return unix.Mount("", root, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, "")
	}
	return nil
}

func has(root, file string) bool {
	_, err := os.Stat(filepath.Join(root, file))
	return err == nil
}

// blockSignals blocks them all, in the thread that executes init.
func blockSignals() error {
	runtime.LockOSThread()
	var all unix.Sigset_t
	for i := range all.Val {
		all.Val[i]--
	}
	return unix.PthreadSigmask(unix.SIG_SETMASK, &all, nil)
}

// leaveTraces leaves what a node's kernel would not give its init, to see what comes of it:
// but no signal that is ignored, which who runs the tests may have. make does (posix_spawn(3)
// of glibc, with signals 32 and 33).
func leaveTraces(files unix.Rlimit) error {
	for sig := 1; sig <= 64; sig++ {
		var byDefault [8]uint64
		unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(&byDefault)), 0, 8, 0, 0)
	}
	unix.Umask(0)
	if _, err := unix.MemfdCreate("left-open", 0); err != nil {
		return err
	}
	return unix.Setrlimit(unix.RLIMIT_NOFILE, &files)
}

// mountDead puts them in their places, in the machine's root.
func mountDead(root string) error {
	text, err := os.ReadFile(filepath.Join(root, "dead"))
	if err != nil || len(text) == 0 {
		return err
	}
	for i, name := range strings.Split(string(text), "\n") {
		fd := 3 + i
		unix.CloseOnExec(fd)
		target, mode := filepath.Join(root, name), "40000"
		if info, err := os.Stat(target); err != nil {
			return err
		} else if !info.IsDir() {
			mode = "100000"
		}
		if err := unix.Mount("dead", target, "fuse", 0, fmt.Sprintf("fd=%d,rootmode=%s,user_id=0,group_id=0", fd, mode)); err != nil {
			return fmt.Errorf("mount on %s: %w", name, err)
		}
	}
	return nil
}
