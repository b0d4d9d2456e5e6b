// Package stack makes room on the main goroutine's stack before anything needs it.
//
// A goroutine begins with 2 KiB. At each doubling the runtime walks the whole call
// stack and touches the tables for it, which the boot paid 0.23 million instructions
// for: twice while packages of the standard library initialise, once when the
// command of the release is made, each time 10 to 15 calls deep. Here it is done
// once, before there is much to walk. The linker initialises packages by import
// path, as soon as their imports are (The Go Programming Language Specification,
// Package initialization); this one has none, so only package runtime comes before
// the ones that matter. Should that order change, nothing is lost but the gain.
package stack

// size is what a boot needs: it grows the stack to 16 KiB.
const size = 9 << 10

func init() { grow(false) }

// grow has a frame of that size, and leaves it untouched: a page that nobody writes
// to costs nothing.
//
//go:noinline
func grow(use bool) {
	if use {
		var room [size]byte
		keep(&room)
	}
}

//go:noinline
func keep(room *[size]byte) { room[0]++ }
