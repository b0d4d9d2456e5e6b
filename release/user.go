package release

import (
	"bytes"
	"fmt"
	"strconv"
)

// User is who a release runs as.
type User struct {
	Name     string // as in passwd(5); of a number that is not there: the number
	UID, GID uint32
	Groups   []uint32 // all groups, GID first: what setgroups(2) is given
}

// Where users and groups are looked up. No other source is asked: there is no
// network yet, and no C library to load NSS modules.
const (
	PasswdPath = "/etc/passwd"
	GroupPath  = "/etc/group"
)

// FindUser looks release.user up, a name or a number, in the texts of passwd(5) and
// group(5). A number need not be in passwd: it is its own group then. nil is root,
// whom no file has to know.
func FindUser(name string, read func(path string) ([]byte, error)) (*User, error) {
	if name == "root" || name == "0" {
		return nil, nil
	}
	number, isNumber := id([]byte(name))
	passwd, err := read(PasswdPath)
	if err != nil && !isNumber {
		return nil, fmt.Errorf("no user %q: %w", name, err)
	}
	u, err := userIn(passwd, name, number, isNumber)
	if err != nil {
		return nil, err
	}
	if u.UID == 0 {
		return nil, nil
	}
	group, _ := read(GroupPath) // without it there are no further groups
	u.join(group)
	return u, nil
}

// userIn finds a user in the text of passwd(5): by name, else by number, as chown(1)
// does.
func userIn(passwd []byte, name string, number uint32, isNumber bool) (*User, error) {
	var u *User
	for line := 1; len(passwd) > 0; line++ {
		var text []byte
		text, passwd, _ = bytes.Cut(passwd, []byte{'\n'})
		f := bytes.SplitN(text, []byte{':'}, 7)
		named := string(f[0]) == name
		if len(f) < 4 {
			if named {
				return nil, fmt.Errorf("user %q: %s:%d has no numbers of a user and a group", name, PasswdPath, line)
			}
			continue
		}
		uid, isUID := id(f[2])
		gid, isGID := id(f[3])
		ok := isUID && isGID
		switch {
		case named && !ok:
			return nil, fmt.Errorf("user %q: %s:%d has no numbers of a user and a group", name, PasswdPath, line)
		case named:
			return &User{Name: name, UID: uid, GID: gid}, nil
		case ok && isNumber && uid == number && u == nil:
			u = &User{Name: string(f[0]), UID: uid, GID: gid}
		}
	}
	switch {
	case u != nil:
		return u, nil
	case isNumber:
		return &User{Name: name, UID: number, GID: number}, nil
	}
	return nil, fmt.Errorf("no user %q in %s", name, PasswdPath)
}

// maxGroups is the kernel's NGROUPS_MAX.
const maxGroups = 65536

// join adds the groups of which the user is a member by the text of group(5).
func (u *User) join(group []byte) {
	u.Groups = append(u.Groups, u.GID)
next:
	for len(group) > 0 && len(u.Groups) < maxGroups {
		var text []byte
		text, group, _ = bytes.Cut(group, []byte{'\n'})
		f := bytes.SplitN(text, []byte{':'}, 4)
		if len(f) < 4 {
			continue
		}
		gid, ok := id(f[2])
		if !ok || !lists(f[3], u.Name) {
			continue
		}
		for _, g := range u.Groups {
			if g == gid {
				continue next
			}
		}
		u.Groups = append(u.Groups, gid)
	}
}

// lists says whether a name is in a list with commas.
func lists(members []byte, name string) bool {
	for len(members) > 0 {
		var m []byte
		m, members, _ = bytes.Cut(members, []byte{','})
		if string(bytes.TrimSpace(m)) == name {
			return true
		}
	}
	return false
}

// id reads the number of a user or a group. The greatest one means "no change" to
// chown(2) and setuid(2), so nobody has it.
func id(text []byte) (uint32, bool) {
	n, err := strconv.ParseUint(string(text), 10, 32)
	return uint32(n), err == nil && n != 1<<32-1
}

// String is the user as a plan shows it: "app (uid 1000, gid 1000, groups 1000 20)".
func (u *User) String() string {
	if u == nil {
		return "root"
	}
	b := append([]byte(u.Name), " (uid "...)
	b = strconv.AppendUint(b, uint64(u.UID), 10)
	b = strconv.AppendUint(append(b, ", gid "...), uint64(u.GID), 10)
	b = append(b, ", groups"...)
	for _, g := range u.Groups {
		b = strconv.AppendUint(append(b, ' '), uint64(g), 10)
	}
	return string(append(b, ')'))
}
