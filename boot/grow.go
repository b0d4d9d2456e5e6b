package boot

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	table "github.com/beaminit/beaminit/boot/partition"
	"github.com/beaminit/beaminit/boot/superblock"
	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/internal/files"
)

// growers make a file system as large as its device: f2fs before it is mounted, the others
// while it is, and btrfs and xfs by the directory they are mounted on.
var growers = [...]tool{
	{"ext4", []string{"resize2fs"}, nil, "e2fsprogs-resize2fs"},
	{"f2fs", []string{"resize.f2fs"}, nil, "f2fs-tools"},
	{"btrfs", []string{"btrfs"}, []string{"filesystem", "resize", "max"}, "btrfs-progs"},
	{"xfs", []string{"xfs_growfs"}, []string{"-d"}, "xfsprogs"},
}

// minGrowth is the least that is worth it, in bytes: what no whole group or segment of a file
// system fits in stays over.
const minGrowth = 1 << 20

// grow has a file system fill its device. There is no mark of one that was interrupted: what is
// smaller than its device grows at the next boot.
func (t *Tools) grow(m *Mount, node string, mounted bool) {
	if t == nil || t.Run == nil || m.Grow == "" {
		return
	}
	fs, size, device := sizes(node)
	if (fs == "f2fs") == mounted || fs == "" {
		return
	}
	what := toolFor(growers[:], fs)
	if what == nil {
		t.Say(node + ": the " + fs + " for " + m.Target + " cannot grow; want ext4, f2fs, btrfs or xfs")
		return
	}
	if device-size < minGrowth {
		return
	}
	at, sized := node, func() int64 { _, size, _ := sizes(node); return size }
	if mounted {
		sized = func() int64 { return sizeThere(m.Target) } // xfs writes past what was read of the device
	}
	if fs == "btrfs" || fs == "xfs" {
		at = m.Target
	}
	before := sized()
	exit, err := 0, errors.New("it is mounted read-only")
	if !mounted || m.Flags&unix.MS_RDONLY == 0 {
		exit, err = t.run(what, at, GrowLimit)
	}
	switch {
	case err == nil && exit != 0:
		t.Done(node + ": the " + fs + " for " + m.Target + " has not grown: " + what.names[0] + ": exit status " + strconv.Itoa(exit) +
			"; it is used as it is, and tried again at the next boot")
	case err != nil:
		t.Done(node + ": the " + fs + " for " + m.Target + " has not grown: " + err.Error())
	case sized() > before:
		t.Done(node + ": the " + fs + " for " + m.Target + " has grown from " + mebibytes(size) + " to " + mebibytes(device))
	}
}

// sizes says which file system a device has, how large that is, and the device, in bytes.
func sizes(node string) (fs string, size, device int64) {
	d, err := openDisk(node, unix.O_RDONLY)
	if err != nil {
		return "", 0, 0
	}
	defer d.Close()
	id, _ := superblock.Read(d)
	return id.Type, superblock.Size(d, id.Type), d.size
}

// sizeThere is how large the file system is that is mounted on a directory, in bytes.
func sizeThere(dir string) int64 {
	var st unix.Statfs_t
	if unix.Statfs(dir, &st) != nil {
		return 0
	}
	return int64(st.Blocks) * int64(st.Bsize)
}

func mebibytes(n int64) string { return strconv.FormatInt(n>>20, 10) + " MiB" }

// A slice is a partition as the kernel has it.
type slice struct {
	disk   string // the device node of its disk
	number int
	start  int64 // bytes
}

// sliceOf says which partition a device is; false where it is none.
func sliceOf(node string) (s slice, ok bool) {
	var st unix.Stat_t
	if unix.Stat(node, &st) != nil {
		return s, false
	}
	dir := fmt.Sprintf("/sys/dev/block/%d:%d", unix.Major(uint64(st.Rdev)), unix.Minor(uint64(st.Rdev)))
	start, err := files.ReadFile(dir + "/start") // of 512 bytes, whatever the disk has (kernel Documentation/ABI/stable/sysfs-block)
	if err != nil {
		return s, false
	}
	sectors, _ := strconv.ParseInt(strings.TrimSpace(string(start)), 10, 54)
	s.number, err = strconv.Atoi(partitionNumber(dir))
	s.disk, s.start = devName(dir+"/../uevent"), sectors*512
	return s, err == nil && s.disk != ""
}

// extend brings the partition of a mount to the end of its disk, in the table and in the kernel.
// empty says that nothing is on it, and that a file system is to be made: that is marked where it
// is found again in the larger one, whatever lies behind.
func (t *Tools) extend(m *Mount, node string, empty bool) {
	if m.Grow != config.GrowPartition {
		return
	}
	s, is := sliceOf(node)
	if !is { // a whole disk
		return
	}
	_, _, before := sizes(node)
	did, err := s.extend(before, empty)
	_, _, after := sizes(node)
	switch {
	case after > before:
		text := node + ": the partition has grown to the end of " + s.disk + ", from " + mebibytes(before) + " to " + mebibytes(after)
		if did.limited {
			text += ", where an MBR ends; want a GPT for the rest"
		}
		t.Done(text)
	case did.wrote && err == nil:
		t.Done(node + ": the partition table of " + s.disk + " is whole again, whose writing was interrupted")
	}
	say := t.Say
	if did.wrote {
		say = t.Done
	}
	if err != nil {
		say(node + ": the partition does not grow: " + err.Error())
	}
}

// extension is what was done of it: something was written, and the MBR could not count all of the disk.
type extension struct{ wrote, limited bool }

// extend does it, for one that has a size.
func (s *slice) extend(size int64, empty bool) (did extension, err error) {
	d, err := openDisk(s.disk, unix.O_RDONLY)
	if err != nil {
		return did, err
	}
	defer d.Close()
	sector, err := unix.IoctlGetInt(int(d.Fd()), unix.BLKSSZGET)
	if err != nil {
		return did, err
	}
	for range 5 {
		p, err := table.Extend(table.Disk{ReaderAt: d, Size: d.size, Sector: int64(sector)}, s.number)
		did.limited = p.Limited
		switch {
		case err != nil:
			return did, err
		case p.Start != s.start || p.Size < size:
			return did, errors.New("the kernel has another one than the table on " + s.disk)
		case len(p.Writes) == 0 && p.Size == size:
			return did, nil
		case len(p.Writes) == 0:
			return did, s.resize(d, p.Size)
		}
		if empty && p.Size >= minFormat {
			p.Writes = append([]table.Write{{At: p.Start + markAt(p.Size), Data: []byte(formatMark)}}, p.Writes...)
		}
		did.wrote = true
		if err := write(s.disk, p.Writes); err != nil {
			return did, err
		}
	}
	return did, errors.New("what is written to " + s.disk + " is not there afterwards")
}

// write makes writes, each on the disk before the next one.
func write(disk string, writes []table.Write) error {
	d, err := os.OpenFile(disk, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer d.Close()
	for _, w := range writes {
		if _, err := d.WriteAt(w.Data, w.At); err != nil {
			return err
		}
		if err := d.Sync(); err != nil {
			return err
		}
	}
	return nil
}

// resize tells the kernel the new size, in bytes. It needs no other partition of the disk to be
// unused, as reading the table anew would.
func (s *slice) resize(d *disk, size int64) error {
	p := unix.BlkpgPartition{Start: s.start, Length: size, Pno: int32(s.number)}
	arg := unix.BlkpgIoctlArg{Op: unix.BLKPG_RESIZE_PARTITION, Datalen: int32(unsafe.Sizeof(p)), Data: (*byte)(unsafe.Pointer(&p))}
	if _, _, e := unix.Syscall(unix.SYS_IOCTL, d.Fd(), unix.BLKPG, uintptr(unsafe.Pointer(&arg))); e != 0 {
		return fmt.Errorf("the kernel does not take its new size (BLKPG_RESIZE_PARTITION: %w): it has it after the next boot", e)
	}
	return nil
}
