package partition

import (
	"bytes"
	"testing"
)

// FuzzExtend: whatever lies on a disk, what is written is neither outside of the disk nor in a
// partition, and after each write it goes on to the same end.
func FuzzExtend(f *testing.F) {
	for _, l := range layouts {
		image := disk(f, l.sector, l.size, l.size, l.commands)
		f.Add(image[:4*l.sector], image[l.size-l.sector:], l.number, l.sector == 4096)
	}
	f.Fuzz(func(t *testing.T, begin, end []byte, number int, large bool) {
		if len(begin) > 64<<10 || len(end) > 64<<10 {
			return
		}
		sector := int64(512)
		if large {
			sector = 4096
		}
		image := make([]byte, whole)
		copy(image, begin)
		copy(image[whole-len(end):], end)
		if string(image[sector:sector+8]) == "EFI PART" { // or none would have the right checksums
			sealed(image, sector)
		}
		for range 4 {
			p, err := Extend(of(image, sector), number)
			if err != nil || len(p.Writes) == 0 {
				return
			}
			if p.Start <= 0 || p.Size <= 0 || p.Start+p.Size > whole {
				t.Fatalf("a partition at %d of %d bytes", p.Start, p.Size)
			}
			for _, w := range p.Writes {
				if w.At < 0 || w.At+int64(len(w.Data)) > whole || w.At < p.Start+p.Size && w.At+int64(len(w.Data)) > p.Start {
					t.Fatalf("%d bytes are written at %d", len(w.Data), w.At)
				}
				copy(image[w.At:], w.Data)
				if q, err := Extend(of(image, sector), number); err != nil || q.Start != p.Start || len(q.Writes) == 0 && q.Size != p.Size {
					t.Fatalf("the next boot: %+v, %v; want %+v", q, err, p)
				}
			}
		}
		t.Fatal("it does not come to an end")
	})
}

// sealed makes the checksums of a first header right, where it leads to entries.
func sealed(image []byte, sector int64) {
	d := of(image, sector)
	g := gpt{header: bytes.Clone(image[sector : 2*sector])}
	at, size := int64(g.u64(hdrEntries)), int64(g.u32(hdrCount))*entrySize
	if g.u32(hdrSize) < hdrEnd || int64(g.u32(hdrSize)) > sector || at < 0 || at > d.Size/sector || size > d.Size || at*sector+size > d.Size {
		return
	}
	g.entries = image[at*sector : at*sector+size]
	copy(image[sector:], g.headerFor(g.u64(hdrOwn), g.u64(hdrOther), g.u64(hdrEntries), g.u64(hdrLast)))
}
