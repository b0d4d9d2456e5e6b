package boot

import (
	"bytes"
	"os"

	"golang.org/x/sys/unix"
)

// disk is a block device that is looked at.
type disk struct {
	*os.File
	size int64 // bytes
}

func openDisk(node string, how int) (*disk, error) {
	f, err := os.OpenFile(node, how|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	size, err := f.Seek(0, 2)
	if err != nil {
		f.Close()
		return nil, err
	}
	return &disk{f, size}, nil
}

// minFormat is the least that is formatted, edge what has to be empty at both ends: the
// partition tables, and the superblocks of LVM, RAID and the like, lie there.
const (
	minFormat = 4 << 20
	edge      = 1 << 20
)

// isEmpty says that nothing lies at either end: all of it is zero, or erased flash.
func (d *disk) isEmpty() (bool, error) {
	buf := make([]byte, min(edge, d.size))
	for _, at := range [...]int64{0, d.size - int64(len(buf))} {
		if _, err := d.ReadAt(buf, at); err != nil {
			return false, err
		}
		if len(buf) > 0 && (buf[0] != 0 && buf[0] != 0xff || bytes.Count(buf, buf[:1]) != len(buf)) {
			return false, nil
		}
	}
	return true, nil
}

// formatMark says on a disk that a formatting is under way: a power cut in the midst of one
// leaves what is neither a file system nor nothing. It lies where no formatter writes, is
// taken away before the first mount, and counts only where there is no file system.
const formatMark = "beaminit: a file system is being made on this disk\n"

// markAt is where it lies on a device of size bytes.
func markAt(size int64) int64 { return (size - edge/2) &^ 4095 }

func (d *disk) formatBegun() bool {
	b := make([]byte, len(formatMark))
	if d.size < minFormat {
		return false
	}
	_, err := d.ReadAt(b, markAt(d.size))
	return err == nil && string(b) == formatMark
}

// mark sets the mark or takes it away, where it still is, and waits until that is on the disk.
func (d *disk) mark(set bool) error {
	text := []byte(formatMark)
	if !set {
		if err := d.Sync(); err != nil || !d.formatBegun() {
			return err
		}
		clear(text)
	}
	if _, err := d.WriteAt(text, markAt(d.size)); err != nil {
		return err
	}
	return d.Sync()
}
