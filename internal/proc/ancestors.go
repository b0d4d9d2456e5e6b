package proc

import (
	"os"
	"strconv"
	"strings"
)

// TopAncestor is the child of PID 1 that a process is, or is below of.
func TopAncestor(pid int) int {
	for depth := 0; depth < 32; depth++ {
		above := Parent(pid)
		if above <= 1 {
			break
		}
		pid = above
	}
	return pid
}

// Descends says whether a process is below another: the heart is the child of a child
// of the VM.
func Descends(pid, from int) bool {
	for depth := 0; depth < 8 && pid > 1; depth++ {
		if pid == from {
			return true
		}
		pid = Parent(pid)
	}
	return false
}

// Parent is the parent of a process (proc(5), stat); 0 where there is none. The name
// before it is in brackets and may have any.
func Parent(pid int) int {
	b, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	text := string(b)
	f := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(f) < 2 {
		return 0
	}
	ppid, _ := strconv.Atoi(f[1])
	return ppid
}
