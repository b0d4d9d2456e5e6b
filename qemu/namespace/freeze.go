package namespace

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Freeze stops all processes of a node whose PID 1 is pid, or lets them go on. Its kernel answers for it
// still (lan.TapPort.Pause).
func Freeze(pid int, frozen bool) error {
	if !frozen {
		all, err := processes(pid)
		slices.Reverse(all) // PID 1, which is the oldest, sees the others run
		for _, p := range all {
			unix.Kill(p, unix.SIGCONT)
		}
		return err
	}
	stopped := map[int]bool{}
	for again := true; again; { // until nobody is left who could have made another
		all, err := processes(pid)
		if err != nil {
			return err
		}
		again = false
		for _, p := range all {
			if !stopped[p] {
				again, stopped[p] = true, true
				unix.Kill(p, unix.SIGSTOP)
			}
		}
	}
	return nil
}

// processes are those of the pid namespace of pid, by their numbers here, its own first.
func processes(pid int) ([]int, error) {
	own, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", pid))
	if err != nil {
		return nil, err
	}
	list := []int{pid}
	dirs, err := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		p, _ := strconv.Atoi(strings.TrimPrefix(dir, "/proc/"))
		if ns, err := os.Readlink(dir + "/ns/pid"); err == nil && ns == own && p != pid {
			list = append(list, p)
		}
	}
	return list, err
}
