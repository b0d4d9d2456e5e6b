//go:build fault

package fault

import "golang.org/x/sys/unix"

// At panics, once, where a file /data/fault-NAME stands; it takes it away first. With
// /data/hang-NAME the goroutine stands still for ever.
func At(name string) {
	if unix.Unlink("/data/fault-"+name) == nil {
		panic("fault at " + name)
	}
	for hang := unix.Unlink("/data/hang-"+name) == nil; hang; {
		unix.Pause()
	}
}
