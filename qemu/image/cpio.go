package image

import (
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"path"
)

// entry is one file of an archive or a tree. Owner is root and the time is 0,
// always: what is built from the same files is the same, bit for bit.
type entry struct {
	name string      // without a leading slash
	mode fs.FileMode // type and permissions
	data []byte      // of a regular file; the target of a link
}

// writeCPIO writes entries as a cpio archive in the "newc" format that the
// kernel unpacks (Documentation/driver-api/early-userspace/buffer-format.rst).
// A parent directory that no entry names is put in front of its first child.
func writeCPIO(w io.Writer, entries []entry) error {
	b := bufio.NewWriter(w)
	c := cpioWriter{w: b, made: map[string]bool{".": true}}
	for _, e := range entries {
		c.parents(path.Dir(e.name))
		c.put(e)
	}
	c.record("TRAILER!!!", 0, 1, nil)
	if c.err == nil {
		c.err = b.Flush()
	}
	return c.err
}

type cpioWriter struct {
	w    io.Writer
	ino  uint32
	made map[string]bool
	err  error
}

func (c *cpioWriter) parents(dir string) {
	if c.made[dir] {
		return
	}
	c.parents(path.Dir(dir))
	c.put(entry{name: dir, mode: fs.ModeDir | 0o755})
}

// The file types of stat(2), which fs.FileMode has in other bits.
const (
	typeDir  = 0o040000
	typeFile = 0o100000
	typeLink = 0o120000
)

func (c *cpioWriter) put(e entry) {
	mode, links := uint32(e.mode.Perm()), uint32(1)
	switch e.mode.Type() {
	case fs.ModeDir:
		if c.made[e.name] {
			return
		}
		c.made[e.name] = true
		mode, links = mode|typeDir, 2
	case fs.ModeSymlink:
		mode |= typeLink
	case 0:
		mode |= typeFile
	default:
		if c.err == nil {
			c.err = fmt.Errorf("cpio %s: a %v has no place in an initramfs", e.name, e.mode.Type())
		}
		return
	}
	c.record(e.name, mode, links, e.data)
}

// record writes one header, name and body, each padded to four bytes.
func (c *cpioWriter) record(name string, mode, links uint32, data []byte) {
	if c.err != nil {
		return
	}
	c.ino++
	head := fmt.Sprintf("070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%s\x00",
		c.ino, mode, 0, 0, links, 0, len(data), 0, 0, 0, 0, len(name)+1, 0, name)
	c.write([]byte(head))
	c.write(make([]byte, -len(head)&3))
	c.write(data)
	c.write(make([]byte, -len(data)&3))
}

func (c *cpioWriter) write(p []byte) {
	if c.err == nil {
		_, c.err = c.w.Write(p)
	}
}
