package devices

import (
	"fmt"
	"path"
	"strings"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/internal/files"
	"golang.org/x/sys/unix"
)

// sys is where sysfs is, dev where the nodes are.
const (
	sys = "/sys"
	dev = "/dev"
)

// device is a device that has a node.
type device struct {
	dir  string // of sysfs: /sys/devices/…
	name string // of its node, below /dev
	mode uint32 // S_IFCHR or S_IFBLK
	rdev uint64
}

// read reads what the uevent file of a device says; ok: it has a node.
func read(dir string) (d device, ok bool) {
	text, err := files.ReadLimit(dir+"/uevent", maxEvent)
	if err != nil {
		return d, false
	}
	d.dir = dir
	var major, minor uint32
	for _, line := range strings.Split(string(text), "\n") {
		key, value, _ := strings.Cut(line, "=")
		switch key {
		case "DEVNAME":
			d.name = value
		case "MAJOR":
			major = number(value)
		case "MINOR":
			minor = number(value)
		}
	}
	d.mode, d.rdev = unix.S_IFCHR, unix.Mkdev(major, minor)
	if d.subsystem() == "block" {
		d.mode = unix.S_IFBLK
	}
	return d, d.name != "" && path.Clean("/"+d.name) == "/"+d.name
}

// node is what is in its place in /dev; nil: nothing is, or another thing, which is an error.
func (d *device) node() (*unix.Stat_t, error) {
	var st unix.Stat_t
	if err := unix.Fstatat(unix.AT_FDCWD, dev+"/"+d.name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		if err == unix.ENOENT { // gone again, or it has none in this /dev
			err = nil
		}
		return nil, err
	}
	if st.Mode&unix.S_IFMT != d.mode || uint64(st.Rdev) != d.rdev {
		return nil, fmt.Errorf("it is not the node of %s; nothing is changed", d.dir)
	}
	return &st, nil
}

func number(s string) (n uint32) {
	for i := 0; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
		n = n*10 + uint32(s[i]-'0')
	}
	return n
}

// all are the devices of this machine that have a node, by /sys/dev/char and /sys/dev/block.
func all() (list []device, err error) {
	for _, kind := range [...]string{sys + "/dev/char", sys + "/dev/block"} {
		names, err := files.Names(kind, 1<<16)
		if err != nil {
			return list, err
		}
		for _, name := range names {
			if d, ok := read(path.Join(kind, readlink(kind+"/"+name))); ok {
				list = append(list, d)
			}
		}
	}
	return list, nil
}

// subsystem is the base name of where its link leads.
func (d *device) subsystem() string { return path.Base(readlink(d.dir + "/subsystem")) }

// matches says whether all words of a match hold. An attribute is that of the device itself,
// or of the nearest of those above it that has one of that name.
func (d *device) matches(words []string) bool {
	for _, word := range words {
		name, pattern, _ := strings.Cut(word, "=")
		value, there := d.name, true
		switch name {
		case config.DevName:
			if ok, _ := path.Match(pattern, d.subsystem()+"/"+path.Base(d.dir)); ok { // "tty/ttyACM*"
				continue
			}
		case config.Subsystem:
			value = d.subsystem()
		default:
			value, there = d.attribute(name)
			value, pattern = noSlash(value), noSlash(pattern) // only in names of files * ends at one
		}
		if ok, _ := path.Match(pattern, value); !ok || !there {
			return false
		}
	}
	return true
}

func noSlash(s string) string { return strings.ReplaceAll(s, "/", "\n") }

// attribute is without the blanks at its end.
func (d *device) attribute(name string) (value string, there bool) {
	for dir := d.dir; len(dir) > len(sys+"/devices"); dir = path.Dir(dir) {
		if text, err := files.ReadLimit(dir+"/"+name, 4096); err == nil {
			return strings.TrimRight(string(text), " \n\x00"), true
		}
	}
	return "", false
}

// readlink is where a link leads; empty: it is none.
func readlink(name string) string {
	var b [unix.PathMax]byte
	n, err := unix.Readlinkat(unix.AT_FDCWD, name, b[:])
	if err != nil {
		return ""
	}
	return string(b[:n])
}
