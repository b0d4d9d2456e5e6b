package boot

import (
	"encoding/binary"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/internal/files"
)

// A partition is one that the kernel found on a disk.
type partition struct {
	name string // under /dev
	uuid string // as in PARTUUID=; empty: its table has none
}

// partitions lists the partitions of all disks. Their PARTUUID is read from the
// partition tables: sysfs has it only since Linux 6.14.
func partitions() []partition {
	var list []partition
	for _, disk := range readDir("/sys/block") {
		if !notADisk(disk) {
			list = append(list, partitionsOf(disk)...)
		}
	}
	return list
}

// partitionsOf are those of one disk.
func partitionsOf(disk string) (list []partition) {
	sector := int64(512)
	if text, err := files.ReadFile("/sys/block/" + disk + "/queue/logical_block_size"); err == nil {
		if n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 32); err == nil {
			sector = n
		}
	}
	fd, err := unix.Open("/dev/"+disk, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	read := func(buf []byte, at int64) bool {
		n, err := unix.Pread(fd, buf, at)
		return err == nil && n == len(buf)
	}
	for _, name := range readDir("/sys/block/" + disk) {
		text, err := files.ReadFile("/sys/block/" + disk + "/" + name + "/uevent")
		if n, bad := strconv.Atoi(ueventValue(text, "PARTN=")); err == nil && bad == nil {
			list = append(list, partition{name, partUUID(read, sector, n)})
		}
	}
	return list
}

// notADisk names what has no partition table to boot from; opening a floppy
// drive without a disk would last seconds.
func notADisk(name string) bool {
	for _, kind := range [...]string{"ram", "loop", "zram", "fd", "sr"} {
		if rest, ok := strings.CutPrefix(name, kind); ok && isNumber(rest) {
			return true
		}
	}
	return false
}

// partUUID gives the PARTUUID of the disk's partition number n (from 1) as the
// kernel spells it: the GUID of a GPT entry (UEFI specification, 5.3), or
// SSSSSSSS-NN with the disk signature of an MBR (block/partitions/msdos.c). read
// fills a buffer from an offset in bytes, or says false. sector is in bytes.
func partUUID(read func(buf []byte, at int64) bool, sector int64, n int) string {
	var mbr [512]byte
	if n < 1 || sector < 512 || sector > 1<<16 || !read(mbr[:], 0) || mbr[510] != 0x55 || mbr[511] != 0xaa {
		return ""
	}
	for slot := 446; slot < 510; slot += 16 {
		if mbr[slot+4] == 0xee { // a protective MBR: the truth is in the GPT
			return gptUUID(read, sector, n)
		}
	}
	signature := binary.LittleEndian.Uint32(mbr[440:])
	if signature == 0 {
		return ""
	}
	return hexDigits(uint64(signature), 8) + "-" + hexDigits(uint64(n), 2)
}

func gptUUID(read func(buf []byte, at int64) bool, sector int64, n int) string {
	var header [92]byte
	if !read(header[:], sector) || string(header[:8]) != "EFI PART" {
		return ""
	}
	first := binary.LittleEndian.Uint64(header[72:])
	count := binary.LittleEndian.Uint32(header[80:])
	size := binary.LittleEndian.Uint32(header[84:])
	if first > 1<<40 || count > 1<<12 || size < 128 || size > 1<<12 || uint64(n) > uint64(count) {
		return ""
	}
	var entry [32]byte // type, then the GUID of the partition itself
	if !read(entry[:], int64(first)*sector+int64(n-1)*int64(size)) || [16]byte(entry[:16]) == [16]byte{} {
		return ""
	}
	// The first three fields of a GUID are little-endian, the rest are bytes in order.
	id := entry[16:]
	return hexDigits(uint64(binary.LittleEndian.Uint32(id)), 8) + "-" +
		hexDigits(uint64(binary.LittleEndian.Uint16(id[4:])), 4) + "-" +
		hexDigits(uint64(binary.LittleEndian.Uint16(id[6:])), 4) + "-" +
		hexDigits(uint64(binary.BigEndian.Uint16(id[8:])), 4) + "-" +
		hexDigits(binary.BigEndian.Uint64(id[8:])&(1<<48-1), 12)
}

// hexDigits prints n with at least width digits.
func hexDigits(n uint64, width int) string {
	s := strconv.FormatUint(n, 16)
	return strings.Repeat("0", max(0, width-len(s))) + s
}
