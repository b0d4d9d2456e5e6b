package history

import (
	"golang.org/x/sys/unix"
)

// glance is how much of the end of the file Few looks at, in bytes.
const glance = 2 << 10

// Few says, at the price of one small read, that the row of Failed is shorter than
// limit. false: it may be that long, Read has to tell. What is garbled counts for
// nothing: an error on that side costs no more than one more try.
func Few(dir string, limit int) bool {
	fd, err := openFile(dir+fileName, unix.O_RDONLY)
	if err != nil {
		return true // a history that cannot be read keeps nobody from trying
	}
	defer unix.Close(fd)
	size, _ := unix.Seek(fd, 0, unix.SEEK_END)
	var b [glance]byte
	n, err := unix.Pread(fd, b[:], max(size-glance, 0))
	return err != nil || few(Parse(b[:max(n, 0)]), size <= glance, limit)
}

// few is Few for the last entries; whole: there are no others.
func few(entries []Entry, whole bool, limit int) bool {
	boots := 0
	for i := len(entries) - 1; i >= 0; i-- {
		switch entries[i].Kind {
		case Up, Rescue, Fallback:
			return boots < limit
		case Boot:
			boots++
		}
	}
	return whole && boots < limit
}
