package supervise

import (
	"runtime/debug"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// shrink gives back what the boot needed and the loop does not: the heap down to
// what is used, collected from now on at a tenth of the usual floor of 4 MiB; and
// the pages of the program itself, of which a boot reads far more than the loop
// ever does again. Those come back from the page cache one by one when they are
// needed (madvise(2), MADV_DONTNEED; they are file pages that nobody writes to).
func shrink() {
	debug.SetGCPercent(10)
	debug.FreeOSMemory()
	for _, line := range strings.Split(readMaps(), "\n") {
		if start, size, ok := programPages(line); ok {
			unix.RawSyscall(unix.SYS_MADVISE, start, size, unix.MADV_DONTNEED)
		}
	}
}

// programPages reads a line of /proc/PID/maps (proc(5)): the place of a part of a
// file that is mapped to be read or executed only.
func programPages(line string) (start, size uintptr, ok bool) {
	span, rest, _ := strings.Cut(line, " ")
	if !strings.HasPrefix(rest, "r--p ") && !strings.HasPrefix(rest, "r-xp ") || !strings.Contains(rest, " /") {
		return 0, 0, false
	}
	from, to, _ := strings.Cut(span, "-")
	a, err1 := strconv.ParseUint(from, 16, strconv.IntSize)
	b, err2 := strconv.ParseUint(to, 16, strconv.IntSize)
	if err1 != nil || err2 != nil || b <= a {
		return 0, 0, false
	}
	return uintptr(a), uintptr(b - a), true
}

// readMaps gives the beginning of /proc/self/maps, where the program stands.
func readMaps() string {
	fd, err := unix.Open("/proc/self/maps", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	defer unix.Close(fd)
	var b [2048]byte
	n, _ := unix.Read(fd, b[:])
	text := string(b[:max(n, 0)])
	return text[:strings.LastIndexByte(text, '\n')+1] // a line that was cut names another place
}
