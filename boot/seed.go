package boot

import (
	"fmt"
	"io"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/internal/files"
)

// seedSize is that of a seed in bytes: 256 bits, all that the kernel's generator holds.
const seedSize = 32

// A seed is only ever taken from a generator that was ready, so it can be credited.
const seedFile = "seed"

// creditSeed gives the kernel's generator (random(4), RNDADDENTROPY) the seed that the
// boot before left in the state directory, so that nothing waits for entropy on a board
// that has no source of it. The seed is gone from the disk before it is credited:
// whatever follows, it is never credited twice. In a container it is mixed in and not
// credited.
func creditSeed(state *files.Dir) error {
	seed, found, err := takeSeed(state)
	if err == nil && found {
		bits := 8 * seedSize
		if !ownsClock() {
			bits = 0
		}
		err = addEntropy(&seed, bits)
	}
	clear(seed[:])
	return err
}

// takeSeed reads the seed and removes it for good. One of another size, or that others
// could read, write, or have a copy of, is no seed, and is removed too.
func takeSeed(state *files.Dir) (seed [seedSize]byte, found bool, err error) {
	var st unix.Stat_t
	err = state.Stat(seedFile, &st)
	if files.Missing(err) {
		return seed, false, nil
	}
	if err == nil && secretSeed(&st) {
		var f *os.File
		if f, err = state.Open(seedFile, os.O_RDONLY, files.Rule{}); err == nil {
			_, err = io.ReadFull(f, seed[:])
			found = err == nil
			f.Close()
		}
	}
	if err == nil {
		err = state.Remove(seedFile)
	}
	if err == nil {
		err = state.Sync()
	}
	if err != nil {
		return seed, false, fmt.Errorf("take the seed: %w; not used", err)
	}
	return seed, found, nil
}

func secretSeed(st *unix.Stat_t) bool {
	return st.Mode&^0o700 == unix.S_IFREG && st.Uid == 0 && st.Nlink == 1 && st.Size == seedSize
}

// randPoolInfo is struct rand_pool_info of linux/random.h.
type randPoolInfo struct {
	entropyCount int32 // bits
	bufSize      int32 // bytes
	buf          [seedSize]byte
}

func addEntropy(seed *[seedSize]byte, bits int) error {
	fd, err := unix.Open("/dev/urandom", unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err == nil {
		info := randPoolInfo{int32(bits), seedSize, *seed}
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.RNDADDENTROPY, uintptr(unsafe.Pointer(&info)))
		clear(info.buf[:])
		unix.Close(fd)
		if errno == 0 {
			return nil
		}
		err = errno
	}
	return fmt.Errorf("credit the seed on /dev/urandom: %w", err)
}

// renewSeed leaves a new seed in the state directory for the next boot. Where the
// generator is not ready yet it leaves what is there: a seed that can be guessed must not
// be credited.
func renewSeed(state *files.Dir) error {
	var seed [seedSize]byte
	if n, err := unix.Getrandom(seed[:], unix.GRND_NONBLOCK); err != nil || n != len(seed) {
		return nil
	}
	err := state.WriteAtomic(seedFile, seed[:], files.How{Mode: 0o600, Sync: true})
	clear(seed[:])
	if err != nil {
		return fmt.Errorf("leave a seed for the next boot: %w", err)
	}
	return nil
}
