package supervise

import (
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// shrinkAfter is when what follows the start of the release is done as well: the seed
// and the history are on the disk.
const shrinkAfter = time.Second

// shrink gives back what the boot needed and the loop does not: the heap down to
// what is used, collected from now on at a tenth of the usual floor of 4 MiB; and
// the pages of the program itself, of which a boot reads far more than the loop
// ever does again. Those come back from the page cache one by one when they are
// needed (madvise(2), MADV_DONTNEED; they are file pages that nobody writes to).
// In a position-independent program the loader does write to some of them; that is
// not how beaminit is built, but it would be the end of PID 1, so it is looked at.
func shrink() {
	debug.SetGCPercent(10)
	debug.FreeOSMemory()
	if !fixedAddress(readStart("/proc/self/exe")) {
		return
	}
	for _, line := range strings.Split(wholeLines(readStart("/proc/self/maps")), "\n") {
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

// fixedAddress says that an ELF header (elf(5)) is that of a program for a fixed
// address, ET_EXEC, whose pages are in memory as they are in the file.
func fixedAddress(header string) bool {
	const etExec, typeAt = 2, 16
	return len(header) > typeAt+1 && header[:4] == "\x7fELF" && header[typeAt]|header[typeAt+1] == etExec
}

// readStart gives the first 2 KiB of a file, or less where there is none.
func readStart(path string) string {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	defer unix.Close(fd)
	var b [2048]byte
	n, _ := unix.Read(fd, b[:])
	return string(b[:max(n, 0)])
}

// wholeLines leaves out a line that was cut: it names another place.
func wholeLines(text string) string { return text[:strings.LastIndexByte(text, '\n')+1] }
