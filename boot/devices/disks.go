package devices

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/beaminit/beaminit/boot"
	"github.com/beaminit/beaminit/internal/files"
	"golang.org/x/sys/unix"
)

// linker gives disks their links in /dev/disk, as udev names them.
type linker struct{ *voice }

func (l *linker) all() {
	list, err := all()
	if err != nil {
		l.complain("the devices are not known: " + err.Error())
	}
	for i := range list {
		l.link(&list[i])
	}
}

// take takes an event. Where a disk goes, another one may have its links.
func (l *linker) take(e *event) {
	if e.name == "" {
		return
	}
	if e.action != "remove" {
		if d, ok := read(e.dir); ok {
			l.link(&d)
		}
	} else if l.unlink(e.name, nil) {
		l.all()
	}
}

// link has the links of a disk be those that it is to have.
func (l *linker) link(d *device) {
	if d.mode != unix.S_IFBLK {
		return
	}
	st, err := d.node()
	var links []string
	if st != nil {
		links, err = boot.DiskLinks(d.dir)
		l.unlink(d.name, links)
	}
	for _, name := range links {
		if err := link(strings.TrimPrefix(name, dev+"/"), d.name, "another name for the one on "+d.name); err != nil {
			l.complain(fmt.Sprintf("kernel.disk_links: %v", err))
		}
	}
	if err != nil {
		l.complain(fmt.Sprintf("kernel.disk_links: /dev/%s: %v", d.name, err))
	}
}

// unlink removes the links to a node but for those that stay.
func (l *linker) unlink(node string, stay []string) (some bool) {
	for _, dir := range boot.LinkDirs() {
		names, _ := files.Names(dir, 1<<12)
		for _, name := range names {
			at := dir + "/" + name
			if to := readlink(at); to != "" && path.Join(dir, to) == dev+"/"+node && !slices.Contains(stay, at) {
				some = unix.Unlinkat(unix.AT_FDCWD, at, 0) == nil || some
			}
		}
	}
	return some
}
