package boot

import (
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// maxLinks is how many links a path may lead through (path_resolution(7)).
const maxLinks = 40

// MayHang says whether who opens the file of that path may wait for ever: it, or what a link of the
// path leads to, is in a mount that CanHang. Links are followed one by one, so what hangs is not
// touched to find that out.
func MayHang(list []MountInfo, file string) bool {
	at, links := "/", 0
	rest := strings.Split(file, "/")
	for len(rest) > 0 {
		name := rest[0]
		rest = rest[1:]
		if name == "" || name == "." {
			continue
		}
		next := path.Join(at, name) // ".." leads up
		if m := mountOf(list, next); m != nil && CanHang([]MountInfo{*m}) {
			return true
		}
		var buf [unix.PathMax]byte
		n, err := unix.Readlink(next, buf[:])
		if err != nil {
			at = next
			continue
		}
		if links++; links > maxLinks {
			return false // nobody can open it
		}
		target := string(buf[:n])
		if strings.HasPrefix(target, "/") {
			at = "/"
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	return false
}
