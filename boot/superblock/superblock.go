// Package superblock reads which label and UUID a file system has, as blkid(8) tells them,
// from where each keeps them on its device. It believes nothing: what it reads has a fixed
// size and place, and a file system that is not there is no error.
package superblock

import (
	"bytes"
	"encoding/hex"
	"io"
	"slices"
	"strings"
	"unicode/utf16"
)

// ID is what a file system is called. Label and UUID are empty where it has none.
type ID struct {
	Type  string // "ext4" stands for ext2 and ext3 too
	UUID  string // as blkid(8) spells it: "8f2c…-…" in small letters, of vfat "1A2B-3C4D"
	Label string
}

// A format is where a kind of file system keeps what names it; offsets are in bytes from the
// beginning of the device.
type format struct {
	name  string
	magic int64 // where its magic number is
	is    string
	uuid  int64
	label int64 // 0: it has none
	size  int   // of the label, in bytes
}

// The formats, those with the longest magic numbers first, as others may have been on the
// device before. squashfs has neither label nor UUID: it is here so that nothing else is seen
// in it.
var formats = [...]format{
	{"btrfs", 0x10040, "_BHRfS_M", 0x10020, 0x1012b, 256},            // https://btrfs.readthedocs.io/en/latest/dev/On-disk-format.html
	{"swap", 4086, "SWAPSPACE2", 1036, 1052, 16},                     // linux/swap.h, union swap_header; pages of 4 KiB
	{"vfat", 82, "FAT32   ", 67, 71, 11},                             // Microsoft FAT specification 1.03, BS_VolID, BS_VolLab
	{"vfat", 54, "FAT16   ", 39, 43, 11},                             //
	{"vfat", 54, "FAT12   ", 39, 43, 11},                             //
	{"xfs", 0, "XFSB", 32, 108, 12},                                  // xfs_format.h, struct xfs_dsb
	{"squashfs", 0, "hsqs", 0, 0, 0},                                 // squashfs_fs.h
	{"f2fs", 1024, "\x10\x20\xf5\xf2", 1024 + 108, 1024 + 124, 1024}, // f2fs_fs.h, struct f2fs_super_block
	{"erofs", 1024, "\xe2\xe1\xf5\xe0", 1024 + 48, 1024 + 64, 16},    // erofs_fs.h, struct erofs_super_block
	{"ext4", 1024 + 56, "\x53\xef", 1024 + 104, 1024 + 120, 16},      // kernel Documentation/filesystems/ext4/super.rst
}

// Read gives what the file system on a device is called; false where there is none of the
// known ones.
func Read(device io.ReaderAt) (ID, bool) {
	for i := range formats {
		f := &formats[i]
		if string(read(device, f.magic, len(f.is))) == f.is {
			return f.id(device), true
		}
	}
	return ID{}, false
}

func (f *format) id(device io.ReaderAt) ID {
	id := ID{Type: f.name}
	if f.uuid != 0 {
		id.UUID = f.spell(read(device, f.uuid, 16))
	}
	label := read(device, f.label, f.size)
	if f.name == "f2fs" {
		label = utf8Of(label)
	}
	if end := bytes.IndexByte(label, 0); end >= 0 {
		label = label[:end]
	}
	id.Label = string(label)
	if f.name == "vfat" {
		id.Label = strings.TrimRight(id.Label, " ")
		if id.Label == "NO NAME" { // what mkfs.vfat writes for none
			id.Label = ""
		}
	}
	return id
}

// spell is the UUID of 16 bytes, or the volume id in the first four of vfat.
func (f *format) spell(b []byte) string {
	if len(b) < 16 || [16]byte(b) == [16]byte{} {
		return ""
	}
	if f.name == "vfat" {
		id := strings.ToUpper(hex.EncodeToString([]byte{b[3], b[2], b[1], b[0]}))
		return id[:4] + "-" + id[4:]
	}
	x := hex.EncodeToString(b)
	return x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:]
}

// utf8Of is the text of UTF-16, low bytes first, up to its first 0.
func utf8Of(b []byte) []byte {
	var text []uint16
	for ; len(b) >= 2 && (b[0] != 0 || b[1] != 0); b = b[2:] {
		text = append(text, uint16(b[0])|uint16(b[1])<<8)
	}
	return []byte(string(utf16.Decode(text)))
}

// Size is how much of its device a file system of a type of ID has, in bytes; 0 where that is not
// known of the type.
func Size(device io.ReaderAt, fs string) int64 {
	le32 := func(at int64) int64 { return int64(number(read(device, at, 4))) }
	switch fs {
	case "ext4":
		blocks := le32(1024 + 4)
		if le32(1024+96)&0x80 != 0 { // INCOMPAT_64BIT
			blocks |= le32(1024+0x150) << 32
		}
		return blocks << (10 + le32(1024+24)&0xf)
	case "f2fs":
		return int64(number(read(device, 1024+36, 8)) << (le32(1024+16) & 0x1f))
	case "btrfs": // of its device, of which it may have several
		return int64(number(read(device, 0x100d1, 8)))
	case "xfs": // its numbers have their high bytes first
		block, blocks := read(device, 4, 4), read(device, 8, 8)
		slices.Reverse(block)
		slices.Reverse(blocks)
		return int64(number(block) * number(blocks))
	}
	return 0
}

// number is that of bytes, low ones first.
func number(b []byte) (n uint64) {
	for i := range b {
		n |= uint64(b[i]) << (8 * i)
	}
	return n
}

// read gives size bytes at an offset; none where the device is shorter, or cannot be read.
func read(device io.ReaderAt, at int64, size int) []byte {
	b := make([]byte, size)
	if n, _ := device.ReadAt(b, at); n < size {
		return nil
	}
	return b
}
