package devices

import (
	"fmt"
	"path"
	"strings"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/internal/files"
	"github.com/beaminit/beaminit/release"
	"golang.org/x/sys/unix"
)

// rule is a [[device]] whose names are looked up.
type rule struct {
	config.Device
	uid, gid int // -1: stays
}

// setter does what the rules want.
type setter struct {
	*voice
	rules []rule
}

func newSetter(list []config.Device, v *voice) *setter {
	s := &setter{voice: v}
	for _, d := range list {
		r, problems := lookUp(d, files.ReadFile)
		s.rules = append(s.rules, r)
		for _, line := range problems {
			s.complain(line)
		}
	}
	return s
}

// Unknown are the owners and groups that an image has not, of which read gives the files: a line
// for each.
func Unknown(list []config.Device, read func(path string) ([]byte, error)) (problems []string) {
	for _, d := range list {
		_, unknown := lookUp(d, read)
		problems = append(problems, unknown...)
	}
	return problems
}

// lookUp looks the names up. One that is not there leaves the owner or the group as it is, and
// then the mode too, which may be meant for them alone.
func lookUp(d config.Device, read func(path string) ([]byte, error)) (r rule, problems []string) {
	r = rule{d, -1, -1}
	refuse := func(key string, err error) {
		problems = append(problems, "[[device]] match = "+d.Which()+": "+key+": "+err.Error()+
			"; want a name that is in the image, or a number; its mode and "+key+" stay")
		r.Mode = 0
	}
	if d.Owner != "" {
		if u, err := release.FindUser(d.Owner, read); err != nil {
			refuse("owner", err)
		} else if r.uid = 0; u != nil { // nil is root
			r.uid = int(u.UID)
		}
	}
	if d.Group != "" {
		if u, err := (*release.User)(nil).InGroup(d.Group, read); err != nil {
			refuse("group", err)
		} else if r.gid = 0; u != nil {
			r.gid = int(u.GID)
		}
	}
	return r, problems
}

// take takes an event. Where a device goes, another one may have the link.
func (s *setter) take(e *event) {
	if e.action == "remove" && e.name != "" {
		s.unlink(e.name)
		s.all()
	} else if d, ok := read(e.dir); ok && e.name != "" {
		s.set(&d)
	}
}

// all goes through the devices that are there.
func (s *setter) all() {
	list, err := all()
	if err != nil {
		s.complain("the devices are not known: " + err.Error())
	}
	for i := range list {
		s.set(&list[i])
	}
}

// set does what is wanted of a device. Of several rules for it each does its part, the last
// one counts.
func (s *setter) set(d *device) {
	for i := range s.rules {
		r := &s.rules[i]
		if !d.matches(r.Match) {
			continue
		}
		if err := r.set(d); err != nil {
			s.complain(fmt.Sprintf("[[device]] match = %s: /dev/%s: %v", r.Which(), d.name, err))
		}
	}
}

// set wants the node to be that of the device: a program that runs as root may have another
// thing in its place.
func (r *rule) set(d *device) error {
	name := dev + "/" + d.name
	st, err := d.node()
	if st == nil {
		return err
	}
	if r.uid >= 0 && uint32(r.uid) != st.Uid || r.gid >= 0 && uint32(r.gid) != st.Gid {
		if err := unix.Fchownat(unix.AT_FDCWD, name, r.uid, r.gid, unix.AT_SYMLINK_NOFOLLOW); err != nil {
			return fmt.Errorf("chown: %w", err)
		}
	}
	if r.Mode != 0 && uint32(r.Mode) != st.Mode&0o7777 {
		if err := unix.Fchmodat(unix.AT_FDCWD, name, uint32(r.Mode), 0); err != nil {
			return fmt.Errorf("chmod: %w", err)
		}
	}
	if r.Link != "" && r.Link != d.name {
		return link(r.Link, d.name, "a match of one device")
	}
	return nil
}

// link makes the link to a node. One that leads to another node that is there stays; want is
// what would be right then.
func link(name, node, want string) error {
	at, to := dev+"/"+name, strings.Repeat("../", strings.Count(name, "/"))+node
	if dir := path.Dir(name); dir != "." {
		if err := makeDirs(dir); err != nil {
			return err
		}
	}
	err := unix.Symlinkat(to, unix.AT_FDCWD, at)
	if err != unix.EEXIST {
		return wrap("link /dev/"+name, err)
	}
	old := readlink(at)
	switch {
	case old == to:
		return nil
	case old == "":
		return fmt.Errorf("link: /dev/%s is there, and no link; want another name", name)
	case unix.Faccessat(unix.AT_FDCWD, at, unix.F_OK, 0) == nil:
		return fmt.Errorf("link: /dev/%s leads to %s, which stays; want %s", name, old, want)
	}
	if err := unix.Unlinkat(unix.AT_FDCWD, at, 0); err != nil {
		return wrap("link /dev/"+name, err)
	}
	return wrap("link /dev/"+name, unix.Symlinkat(to, unix.AT_FDCWD, at))
}

// makeDirs makes the directories of a link, below /dev.
func makeDirs(dir string) error {
	for i := 0; i <= len(dir); i++ {
		if i == len(dir) || dir[i] == '/' {
			if err := unix.Mkdirat(unix.AT_FDCWD, dev+"/"+dir[:i], 0o755); err != nil && err != unix.EEXIST {
				return wrap("mkdir /dev/"+dir[:i], err)
			}
		}
	}
	return nil
}

func wrap(what string, err error) error {
	if err != nil {
		err = fmt.Errorf("%s: %w", what, err)
	}
	return err
}

// unlink removes the links to a node that is gone.
func (s *setter) unlink(node string) {
	for i := range s.rules {
		name := s.rules[i].Link
		if name == "" {
			continue
		}
		at := dev + "/" + name
		to := readlink(at)
		isOurs := to != "" && path.Join(path.Dir(name), to) == node
		if isOurs && unix.Faccessat(unix.AT_FDCWD, at, unix.F_OK, 0) == unix.ENOENT {
			_ = unix.Unlinkat(unix.AT_FDCWD, at, 0)
		}
	}
}
