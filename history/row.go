package history

import (
	"strings"

	"golang.org/x/sys/unix"
)

// glance is how much of the end of the file Few looks at, in bytes.
const glance = 2 << 10

// Few says, at the price of one small read, that the row of Failed is shorter than
// limit. false: it may be that long, Read has to tell. It takes words for entries,
// garbled or not: an error on that side costs no more than one more try.
func Few(dir string, limit int) bool {
	fd, err := openFile(dir+fileName, unix.O_RDONLY)
	if err != nil {
		return true // a history that cannot be read keeps nobody from trying
	}
	defer unix.Close(fd)
	size, _ := unix.Seek(fd, 0, unix.SEEK_END)
	var b [glance]byte
	n, err := unix.Pread(fd, b[:], max(size-glance, 0))
	return err != nil || few(string(b[:max(n, 0)]), size <= glance, limit)
}

func few(text string, whole bool, limit int) bool {
	from := -1
	for _, kind := range [...]Kind{Up, Rescue, Fallback} {
		from = max(from, strings.LastIndex(text, Prefix+"kind="+string(kind)+" "))
	}
	if from < 0 && !whole {
		return false
	}
	return strings.Count(text[max(from, 0):], Prefix+"kind="+string(Boot)+" ") < limit
}
