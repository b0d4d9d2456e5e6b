package boot

import (
	"bytes"
	"encoding/binary"
	"regexp"
	"testing"
)

// mbrDisk is a disk with one partition in an MBR.
func mbrDisk(signature uint32) []byte {
	disk := make([]byte, 4096)
	binary.LittleEndian.PutUint32(disk[440:], signature)
	disk[446+4] = 0x83
	disk[510], disk[511] = 0x55, 0xaa
	return disk
}

// gptDisk is a disk with a GPT whose second entry has the bytes 0 to 15 as its GUID.
func gptDisk(sector int) []byte {
	disk := mbrDisk(0)
	disk = append(disk, make([]byte, 8*sector)...)
	disk[446+4] = 0xee
	header := disk[sector:]
	copy(header, "EFI PART")
	binary.LittleEndian.PutUint64(header[72:], 2)
	binary.LittleEndian.PutUint32(header[80:], 4)
	binary.LittleEndian.PutUint32(header[84:], 128)
	entry := disk[2*sector+128:]
	entry[0] = 0xaf
	for i := range 16 {
		entry[16+i] = byte(i)
	}
	return disk
}

func reader(disk []byte) func([]byte, int64) bool {
	return func(buf []byte, at int64) bool {
		n, err := bytes.NewReader(disk).ReadAt(buf, at)
		return err == nil && n == len(buf)
	}
}

func TestPartUUID(t *testing.T) {
	const guid = "03020100-0504-0706-0809-0a0b0c0d0e0f"
	noMagic := mbrDisk(1)
	noMagic[511] = 0
	for _, c := range []struct {
		name   string
		disk   []byte
		sector int64
		n      int
		want   string
	}{
		{"MBR", mbrDisk(0xdeadbeef), 512, 1, "deadbeef-01"},
		{"MBR, small signature, logical partition", mbrDisk(0x2a), 512, 17, "0000002a-11"},
		{"MBR without a signature", mbrDisk(0), 512, 1, ""},
		{"no table", noMagic, 512, 1, ""},
		{"nothing", nil, 512, 1, ""},
		{"GPT", gptDisk(512), 512, 2, guid},
		{"GPT, large sectors", gptDisk(4096), 4096, 2, guid},
		{"GPT, sector size wrong", gptDisk(4096), 512, 2, ""},
		{"GPT, unused entry", gptDisk(512), 512, 1, ""},
		{"GPT, no such entry", gptDisk(512), 512, 5, ""},
		{"partition 0", mbrDisk(1), 512, 0, ""},
	} {
		if got := partUUID(reader(c.disk), c.sector, c.n); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func FuzzPartUUID(f *testing.F) {
	f.Add(mbrDisk(0xdeadbeef), 1)
	f.Add(gptDisk(512), 2)
	form := regexp.MustCompile(`^([0-9a-f]{8}-[0-9a-f]{2,}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?$`)
	f.Fuzz(func(t *testing.T, disk []byte, n int) {
		read := func(buf []byte, at int64) bool {
			if at < 0 {
				t.Fatalf("read at %d", at)
			}
			return reader(disk)(buf, at)
		}
		if got := partUUID(read, 512, n); !form.MatchString(got) {
			t.Errorf("got %q", got)
		}
	})
}
