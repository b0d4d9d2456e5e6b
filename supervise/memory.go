package supervise

import (
	"bytes"
	"runtime/debug"
	"strconv"

	"golang.org/x/sys/unix"
)

// settle makes the process small for the long time after a boot: it gives back what
// the boot used of the heap, and collects at a tenth of the usual 4 MiB floor from
// now on.
func settle() {
	debug.SetGCPercent(10)
	debug.FreeOSMemory()
	var buf [512]byte // the text is in the first line or two
	fd, err := unix.Open("/proc/self/maps", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	n, _ := unix.Read(fd, buf[:])
	unix.Close(fd)
	if start, end := text(buf[:max(n, 0)]); end > start {
		unix.Syscall(unix.SYS_MADVISE, start, end-start, unix.MADV_DONTNEED)
	}
}

// text finds the program's code in the text of /proc/self/maps (proc(5)): the first
// mapping of a file that can be executed. To forget its pages (madvise(2)) is safe, as
// nothing ever writes to them: what is still in use comes back from the page cache, and
// the code of the boot, 0.7 MB, does not. It would not be safe with data.
func text(maps []byte) (start, end uintptr) {
	for len(maps) > 0 {
		var line []byte
		line, maps, _ = bytes.Cut(maps, []byte{'\n'})
		if !bytes.Contains(line, []byte(" r-xp ")) || bytes.IndexByte(line, '/') < 0 {
			continue
		}
		from, rest, _ := bytes.Cut(line, []byte{'-'})
		to, _, _ := bytes.Cut(rest, []byte{' '})
		a, err := strconv.ParseUint(string(from), 16, strconv.IntSize)
		b, wrong := strconv.ParseUint(string(to), 16, strconv.IntSize)
		if err == nil && wrong == nil {
			return uintptr(a), uintptr(b)
		}
	}
	return 0, 0
}
