package proc

import (
	"os"
	"strconv"
	"strings"
)

// Resident is the memory of a process that is in RAM, in bytes (proc(5), statm); 0 where there is no
// such process.
func Resident(pid int) int64 {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
	if err != nil {
		return 0
	}
	f := strings.Fields(string(text))
	if len(f) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(f[1], 10, 64)
	return pages * int64(os.Getpagesize())
}
