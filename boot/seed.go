package boot

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// seedSize is that of a seed in bytes: 256 bits, all that the kernel's generator holds.
const seedSize = 32

// A seed is only ever taken from a generator that was ready, so it can be credited.
const seedFile, newSeedFile = "/seed", "/seed.new"

// CreditSeed gives the kernel's generator (random(4), RNDADDENTROPY) the seed that the
// boot before left in dir, so that nothing waits for entropy on a board that has no
// source of it. The seed is gone from the disk before it is credited: whatever follows,
// it is never credited twice. In a container it is mixed in and not credited. found says
// that there was a seed. It may hang where the device of dir does.
func CreditSeed(dir string) (found bool, err error) {
	seed, found, err := takeSeed(dir)
	if err == nil && found {
		bits := 8 * seedSize
		if !ownsClock() {
			bits = 0
		}
		err = addEntropy(&seed, bits)
	}
	clear(seed[:])
	return found, err
}

// takeSeed reads the seed and removes it for good. One of another size or that others
// could read is no seed, and is removed too.
func takeSeed(dir string) (seed [seedSize]byte, found bool, err error) {
	path := dir + seedFile
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err == unix.ENOENT {
		return seed, false, nil
	}
	if err == nil {
		var st unix.Stat_t
		if err = unix.Fstat(fd, &st); err == nil && secretSeed(&st) {
			var n int
			n, err = unix.Read(fd, seed[:])
			found = n == len(seed)
		}
		unix.Close(fd)
	}
	if err == nil {
		err = unix.Unlink(path)
	}
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		return seed, false, fmt.Errorf("take the seed %s: %w; not used", path, err)
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

// RenewSeed leaves a new seed in dir for the next boot. Where the generator is not ready
// yet it leaves what is there: a seed that can be guessed must not be credited. It may
// hang where the device of dir does.
func RenewSeed(dir string) error {
	var seed [seedSize]byte
	if n, err := unix.Getrandom(seed[:], unix.GRND_NONBLOCK); err != nil || n != len(seed) {
		return nil
	}
	err := writeSeed(dir, &seed)
	clear(seed[:])
	if err != nil {
		return fmt.Errorf("leave a seed in %s%s: %w", dir, seedFile, err)
	}
	return nil
}

func writeSeed(dir string, seed *[seedSize]byte) error {
	temp := dir + newSeedFile
	unix.Mkdir(dir, 0o700)
	unix.Unlink(temp) // left from a power cut
	fd, err := unix.Open(temp, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	n, err := unix.Write(fd, seed[:])
	if err == nil && n != len(seed) {
		err = unix.ENOSPC
	}
	if err == nil {
		err = unix.Fsync(fd)
	}
	unix.Close(fd)
	if err == nil {
		err = unix.Rename(temp, dir+seedFile)
	}
	if err == nil {
		return syncDir(dir)
	}
	unix.Unlink(temp)
	return err
}

// syncDir waits until what happened to the names in a directory is on the disk.
func syncDir(dir string) error {
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err == nil {
		err = unix.Fsync(fd)
		unix.Close(fd)
	}
	return err
}
