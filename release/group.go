package release

import (
	"bytes"
	"fmt"
)

// InGroup gives the user another group of its own, release.group: a name of group(5), or
// a number that need not be there. Its other groups stay. nil is root, and stays nil
// only with group 0.
func (u *User) InGroup(name string, read func(path string) ([]byte, error)) (*User, error) {
	gid, err := findGroup(name, read)
	if err != nil || u == nil && gid == 0 {
		return u, err
	}
	n := User{Name: "root", GID: gid, Groups: []uint32{gid}}
	if u != nil {
		n.Name, n.UID = u.Name, u.UID
		for _, g := range u.Groups {
			if g != gid && g != u.GID {
				n.Groups = append(n.Groups, g)
			}
		}
	}
	return &n, nil
}

func findGroup(name string, read func(path string) ([]byte, error)) (uint32, error) {
	if gid, ok := id([]byte(name)); ok {
		return gid, nil
	}
	text, err := read(GroupPath)
	if err != nil {
		return 0, fmt.Errorf("no group %q: %w", name, err)
	}
	for len(text) > 0 {
		var line []byte
		line, text, _ = bytes.Cut(text, []byte{'\n'})
		f := bytes.SplitN(line, []byte{':'}, 4)
		if len(f) < 3 || string(f[0]) != name {
			continue
		}
		if gid, ok := id(f[2]); ok {
			return gid, nil
		}
	}
	return 0, fmt.Errorf("no group %q in %s", name, GroupPath)
}
