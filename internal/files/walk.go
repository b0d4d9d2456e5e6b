package files

import (
	"errors"
	"io/fs"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// maxLinks is how many links one path may have, as the kernel has it
// (path_resolution(7)).
const maxLinks = 40

// walk opens the directory of the last name of an absolute path, from "/" on. A link on
// the way, the last name included, is followed only where nobody but root can have made
// it; so a user of the release who owns one of the directories cannot lead root away.
// openat2(2) has RESOLVE_NO_SYMLINKS for it, which knows no links that can be trusted.
func walk(p string) (dir *Dir, name string, err error) {
	if !path.IsAbs(p) {
		return nil, "", &fs.PathError{Op: "open", Path: p, Err: errors.New("not an absolute path")}
	}
	for links := 0; links <= maxLinks; links++ {
		var next string
		if dir, name, next, err = walkTo(path.Clean(p)); next == "" {
			return dir, name, err
		}
		p = next
	}
	return nil, "", &fs.PathError{Op: "open", Path: p, Err: unix.ELOOP}
}

// walkTo is walk up to the first link; next is where that leads.
func walkTo(p string) (dir *Dir, name, next string, err error) {
	dir, err = (&Dir{fd: unix.AT_FDCWD, path: "/", above: true}).enter("/")
	for rest := p[1:]; err == nil; {
		var below *Dir
		name, rest, _ = strings.Cut(rest, "/")
		if name == "" {
			return dir, ".", "", nil // "/" itself
		}
		below, next, err = dir.below(name, rest)
		if below == nil && next == "" && err == nil {
			return dir, name, "", nil
		}
		dir.Close()
		if next != "" {
			return nil, "", next, nil
		}
		dir = below
	}
	return nil, "", "", err
}

// below opens the directory name, where it stands before a rest of the path, or says
// where the link name leads; and does nothing where it is the last name and no link.
func (d *Dir) below(name, rest string) (below *Dir, next string, err error) {
	if rest != "" {
		if below, err = d.enter(name); !notDirectory(err) {
			return below, "", err
		}
	}
	var st unix.Stat_t
	switch no := unix.Fstatat(d.fd, name, &st, unix.AT_SYMLINK_NOFOLLOW); {
	case no == unix.ENOENT && rest == "": // for who makes it
		return nil, "", nil
	case no != nil:
		return nil, "", d.failed("open", name, no)
	case st.Mode&unix.S_IFMT == unix.S_IFLNK:
		next, err = d.follow(name, rest)
	}
	return nil, next, err
}

// notDirectory says that enter found something, but no directory: a link too is none.
func notDirectory(err error) bool {
	return errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP)
}

// follow is where a link leads, with what stands behind it.
func (d *Dir) follow(name, rest string) (string, error) {
	if !d.OnlyRoots {
		const what = "it is a symbolic link, in a directory that others than root can write to"
		return "", &Refused{d.join(name), what, "what it leads to in its place"}
	}
	var to [unix.PathMax]byte
	n, err := unix.Readlinkat(d.fd, name, to[:])
	if err != nil {
		return "", d.failed("readlink", name, err)
	}
	next := string(to[:n])
	if !path.IsAbs(next) {
		next = path.Join(d.path, next)
	}
	return path.Join(next, rest), nil
}
