package partition

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	mib   = 1 << 20
	whole = 7 * mib // the disks of the tests
)

// fdisk has fdisk(8) work on an image, with a line of commands, and gives what it says.
func fdisk(t testing.TB, image []byte, sector int64, commands string, args ...string) (said string, changed []byte) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(file, image, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("fdisk", append(append([]string{"-b", fmt.Sprint(sector)}, args...), file)...)
	cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin", "LC_ALL=C")
	cmd.Stdin = strings.NewReader(strings.ReplaceAll(commands, " ", "\n") + "\n")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("fdisk %q: %v\n%s", commands, err, out)
	}
	changed, err = os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(out), changed
}

// disk is an image of size bytes that is partitioned by commands, with a pattern where there is
// no table, and grown to wanted bytes behind that.
func disk(t testing.TB, sector, size, wanted int64, commands string) []byte {
	t.Helper()
	_, image := fdisk(t, make([]byte, size), sector, commands)
	for at := int64(mib); at < size-64<<10; at++ {
		image[at] = byte(at>>12) | 1
	}
	return append(image, make([]byte, max(wanted-size, 0))...)
}

func of(image []byte, sector int64) Disk {
	return Disk{bytes.NewReader(image), int64(len(image)), sector}
}

// extend writes what Extend wants, and asks again, as whoever uses it does. Before each write,
// and in the midst of each, cut may look at the image.
func extend(t testing.TB, image []byte, sector int64, number int, cut func(image []byte)) (last Plan) {
	t.Helper()
	for range 4 {
		p, err := Extend(of(image, sector), number)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Writes) == 0 {
			return p
		}
		for _, w := range p.Writes {
			if cut != nil {
				cut(bytes.Clone(image))
				torn := bytes.Clone(image)
				copy(torn[w.At:], w.Data[:int64(len(w.Data))/2/sector*sector])
				cut(torn)
			}
			copy(image[w.At:], w.Data)
		}
	}
	t.Fatal("it does not come to an end")
	return last
}

const (
	one      = "n 1  +2M "       // a partition of 2 MiB
	two      = one + "n 2  +1M " // and one behind it
	gptLabel = "g "
	mbrLabel = "o "
)

// primary makes of n the commands that fdisk wants for a primary partition of an MBR.
func primary(commands string) string { return strings.ReplaceAll(commands, "n ", "n p ") }

var layouts = []struct {
	name         string
	sector, size int64 // size is what the image had
	commands     string
	number       int
	end          int64 // of the partition, in bytes before the disk's end
}{
	{"GPT", 512, 5 * mib, gptLabel + one + "w", 1, 20 << 10},
	{"GPT, the second one", 512, 5 * mib, gptLabel + two + "w", 2, 20 << 10},
	{"GPT, 4096", 4096, 5 * mib, gptLabel + two + "w", 2, 20 << 10},
	{"GPT, with the size of the disk", 512, whole, gptLabel + two + "w", 2, 20 << 10},
	{"GPT, its numbers not in order", 512, 5 * mib, gptLabel + "n 7  +1M n 3  +1M w", 3, 20 << 10},
	{"GPT, 4096, the size of the disk", 4096, whole, gptLabel + one + "w", 1, 20 << 10},
	{"MBR", 512, 5 * mib, mbrLabel + primary(one) + "w", 1, 0},
	{"MBR, the second one", 512, 5 * mib, mbrLabel + primary(two) + "w", 2, 0},
	{"MBR, 4096", 4096, 5 * mib, mbrLabel + primary(two) + "w", 2, 0},
}

// The partition ends where the disk does, to the programs of others too, and nothing of what is
// in it or in others has changed. Wherever the power is cut, the kernel has its partitions at the
// next boot, and that ends in the same.
func TestExtend(t *testing.T) {
	for _, l := range layouts {
		t.Run(l.name, func(t *testing.T) {
			image := disk(t, l.sector, l.size, whole, l.commands)
			before := bytes.Clone(image)
			was := others(t, image, l.sector, l.number)
			var cuts [][]byte
			p := extend(t, image, l.sector, l.number, func(cut []byte) { cuts = append(cuts, cut) })
			if end := p.Start + p.Size; end != whole-l.end {
				t.Errorf("it ends at %d, want %d", end, whole-l.end)
			}
			if got := others(t, image, l.sector, l.number); got != was {
				t.Errorf("another partition has changed: got\n%swant\n%s", got, was)
			}
			if !bytes.Equal(image[mib:l.size-64<<10], before[mib:l.size-64<<10]) {
				t.Error("what is in the partitions has changed")
			}
			clean(t, image, l.sector)
			for i, cut := range cuts {
				bootable(t, cut, l.sector, p.Start, l.number)
				extend(t, cut, l.sector, l.number, nil)
				if !bytes.Equal(cut, image) {
					t.Errorf("cut %d of %d: the next boot ends in something else", i, len(cuts))
				}
			}
		})
	}
}

// others are the partitions as fdisk lists them, without one of them.
func others(t *testing.T, image []byte, sector int64, number int) (list string) {
	t.Helper()
	said, _ := fdisk(t, image, sector, "", "-l", "-o", "Device,Start,End,Type")
	for _, line := range strings.Split(said, "\n") {
		if device, rest, _ := strings.Cut(line, " "); strings.Contains(device, "/image") && !strings.HasSuffix(device, fmt.Sprint(number)) {
			list += rest + "\n"
		}
	}
	return list
}

// clean is an error where fdisk finds fault with the image.
func clean(t *testing.T, image []byte, sector int64) {
	t.Helper()
	said, _ := fdisk(t, image, sector, "v q")
	for _, fault := range []string{"rror detected", "errors detected:", "corrupt", "not match", "mismatch", "overlap", "will be corrected"} {
		if strings.Contains(said, fault) {
			t.Errorf("fdisk says:\n%s", said)
		}
	}
}

// bootable is an error where the kernel would not find the partition: of a GPT it looks at the
// first header alone.
func bootable(t *testing.T, image []byte, sector, start int64, number int) {
	t.Helper()
	begin, _ := extent(slot(image, (number-1)%4))
	if image[mbrTable+4] == gptType {
		g, err := of(image, sector).read(mainHeader)
		if err != nil {
			t.Fatalf("the kernel would find no partition: %v", err)
		}
		begin, _, _ = g.extent(number - 1)
	}
	if int64(begin)*sector != start {
		t.Errorf("partition %d begins at %d, want %d", number, int64(begin)*sector, start)
	}
}

// seal makes the checksums of a first header right.
func seal(image []byte) []byte {
	sealed(image, 512)
	return image
}

func put32(image []byte, at int, v uint32) []byte {
	binary.LittleEndian.PutUint32(image[at:], v)
	return image
}

// What is not understood, and what cannot be, is left alone.
func TestLeftAlone(t *testing.T) {
	gptImage := disk(t, 512, 5*mib, whole, gptLabel+two+"w")
	mbrImage := disk(t, 512, 5*mib, whole, mbrLabel+primary(two)+"w")
	logical := disk(t, 512, 5*mib, whole, mbrLabel+"n e    n   +1M w")
	full := disk(t, 512, whole, whole, gptLabel+"n 1   w")
	change := func(from []byte, f func(image []byte) []byte) []byte { return f(bytes.Clone(from)) }
	for _, c := range []struct {
		name   string
		image  []byte
		number int
		want   string
	}{
		{"it is at the end", full, 1, ""},
		{"GPT, not the last one", gptImage, 1, "partition 2 lies behind it; want partition 1 to be the last one on the disk"},
		{"MBR, not the last one", mbrImage, 1, "partition 2 lies behind it; want partition 1 to be the last one on the disk"},
		{"a logical partition", logical, 5, "partition 5 is a logical one of an MBR, which is not supported; want a primary one, or a GPT"},
		{"an extended partition", logical, 1, "the MBR has no primary partition 1"},
		{"GPT, no such partition", gptImage, 3, "the GPT has no partition 3"},
		{"GPT, no such entry", gptImage, 300, "the GPT has no partition 300"},
		{"MBR, no such partition", mbrImage, 3, "the MBR has no primary partition 3"},
		{"nothing", make([]byte, mib), 1, "there is neither a GPT nor an MBR on the disk"},
		{"too small", mbrImage[:4096], 1, "there is no partition table known here"},
		{"GPT, a smaller disk", gptImage[:4*mib], 2, "the disk is smaller than its GPT says"},
		{"MBR, a smaller disk", mbrImage[:3*mib], 2, "the disk is smaller than its MBR says"},
		{"hybrid", change(gptImage, func(b []byte) []byte { b[mbrTable+16+4] = 0x83; return b }), 2, "the disk has a hybrid MBR beside its GPT, which is not supported"},
		{"revision", change(gptImage, func(b []byte) []byte { return seal(put32(b, 512+hdrRevision, 0x20000)) }), 2, "the GPT is of a revision that is not known here, want 1.0"},
		{"large entries", change(gptImage, func(b []byte) []byte { return seal(put32(b, 512+hdrEach, 256)) }), 2, "the GPT has 128 entries of 256 bytes, want 1 to 1024 of 128"},
		{"another disk's", change(gptImage, func(b []byte) []byte { return seal(put32(b, 512+hdrGUID, 7)) }), 2, "the two headers of the GPT disagree; sgdisk -v or sfdisk --verify says in what"},
		{"another partition in one of them", change(gptImage, func(b []byte) []byte { return seal(put32(b, 1024, 7)) }), 2, "the two headers of the GPT disagree; sgdisk -v or sfdisk --verify says in what"},
		{"they overlap", change(gptImage, func(b []byte) []byte { return seal(put32(b, 1024+entryStart+8, 3*2048)) }), 2, "partitions 1 and 2 overlap"},
		{"MBR, they overlap", change(mbrImage, func(b []byte) []byte { return put32(b, mbrTable+12, 3*2048) }), 2, "partitions 1 and 2 overlap"},
		{"entries elsewhere", change(gptImage, func(b []byte) []byte {
			copy(b[100*512:], b[1024:1024+128*128])
			return seal(put32(b, 512+hdrEntries, 100))
		}), 2, "the entries of the GPT begin at sector 100, want 2"},
		{"partitions among the entries", change(gptImage, func(b []byte) []byte { return seal(put32(b, 512+hdrFirst, 20)) }), 2, "the GPT has partitions begin where its entries are"},
		{"a partition among the entries", change(gptImage, func(b []byte) []byte { return seal(put32(b, 1024+entryStart, 20)) }), 2, "partition 1 is not where the GPT has room for partitions"},
		{"damaged, and there is no other", change(gptImage, func(b []byte) []byte { b[1024]++; return b }), 2, "the checksum of the GPT is wrong, and the end of the disk has no second one of it"},
	} {
		p, err := Extend(of(c.image, 512), c.number)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != c.want || len(p.Writes) != 0 {
			t.Errorf("%s: got %q and %d writes, want %q", c.name, got, len(p.Writes), c.want)
		}
	}
	if _, err := Extend(Disk{bytes.NewReader(gptImage), int64(len(gptImage)), 520}, 2); err == nil {
		t.Error("sectors of 520 bytes are taken")
	}
}

// A first table with a wrong checksum is made anew from the one at the disk's end, and the
// partition is extended then.
func TestRepair(t *testing.T) {
	good := disk(t, 512, whole, whole, gptLabel+two+"w")
	want := bytes.Clone(good)
	extend(t, want, 512, 2, nil)
	for name, at := range map[string]int{"header": 512 + hdrLast, "entries": 1024 + 130} {
		image := bytes.Clone(good)
		image[at]++
		extend(t, image, 512, 2, nil)
		if !bytes.Equal(image, want) {
			t.Errorf("%s: it is another one than before", name)
		}
	}
}

// zeros is a large disk with something at its beginning.
type zeros struct{ begin []byte }

func (z zeros) ReadAt(b []byte, at int64) (int, error) {
	clear(b)
	if at < int64(len(z.begin)) {
		copy(b, z.begin[at:])
	}
	return len(b), nil
}

// An MBR counts 2^32 sectors, and that is said.
func TestTwoTiB(t *testing.T) {
	image := disk(t, 512, 5*mib, 5*mib, mbrLabel+primary(one)+"w")
	for _, c := range []struct {
		size    int64
		end     int64
		limited bool
	}{{2 << 40, 2<<40 - 4096, true}, {3 << 40, 2<<40 - 4096, true}, {1 << 40, 1 << 40, false}} {
		p, err := Extend(Disk{zeros{image[:4096]}, c.size, 512}, 1)
		if err != nil || p.Start+p.Size != c.end || p.Limited != c.limited || len(p.Writes) != 1 {
			t.Errorf("of %d: got %d, limited %v, %d writes, %v; want %d, %v", c.size, p.Start+p.Size, p.Limited, len(p.Writes), err, c.end, c.limited)
		}
	}
}
