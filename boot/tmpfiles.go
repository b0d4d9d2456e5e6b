package boot

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"sort"

	"github.com/beaminit/beaminit/config/tmpfiles"
	"github.com/beaminit/beaminit/internal/files"

	"golang.org/x/sys/unix"
)

// Tmpfiles makes what lines of tmpfiles.d(5) ask for: directories, files, links, copies, and
// the mode and owner of what is there. owner gives the numbers of a user and a group. It is
// called when the file systems are mounted and before anything of others runs; links are
// followed only where nobody but root can have made them. Each failure is one error and
// stops no other line.
func Tmpfiles(lines []tmpfiles.Line, owner func(user, group string) (uid, gid uint32, err error)) []error {
	lines = append([]tmpfiles.Line(nil), lines...)
	sort.SliceStable(lines, func(i, j int) bool { // what is removed first; a directory before what is in it
		if a, b := lines[i].Type == 'r', lines[j].Type == 'r'; a != b {
			return a
		}
		return lines[i].Path < lines[j].Path
	})
	var errs []error
	for i := range lines {
		t := &lines[i]
		uid, gid, err := owner(t.User, t.Group)
		if err == nil {
			err = tmpfile(t, uid, gid)
		}
		if err != nil {
			help := ""
			if errors.Is(err, unix.EROFS) {
				help = "; want a [[mount]] there, or it in the image"
			}
			errs = append(errs, fmt.Errorf("tmpfiles.d: %c %s: %w%s", t.Type, t.Path, err, help))
		}
	}
	return errs
}

// believed is the rule for what may be another user's: whose it is, the line itself says.
var believed = files.Rule{Any: true}

func tmpfile(t *tmpfiles.Line, uid, gid uint32) error {
	p := path.Clean(t.Path)
	switch t.Type {
	case 'z':
		return tmpOwner(t, p, uid, gid)
	case 'r':
		return tmpRemove(p)
	case 'w':
		return unlessMissing(files.WriteKernel(p, t.Arg))
	}
	if err := tmpParents(path.Dir(p)); err != nil {
		return err
	}
	switch t.Type {
	case 'd', 'D':
		return tmpDirectory(t, p, uid, gid)
	case 'L':
		return tmpLink(t, p)
	}
	content := []byte(t.Arg)
	if t.Type != 'F' && !missing(p) {
		return nil
	}
	if t.Type == 'C' {
		var err error
		if content, err = files.Read(t.Arg, believed); err != nil {
			return err
		}
	}
	return files.WriteAtomic(p, content, files.How{Mode: modeBits(t.Mode, 0o644), UID: uid, GID: gid})
}

// tmpRemove removes a file.
func tmpRemove(p string) error {
	var st unix.Stat_t
	if err := unix.Lstat(p, &st); err != nil {
		return unlessMissing(err) // unlink(2) on a read-only file system says that first
	}
	d, err := files.OpenDir(path.Dir(p), believed)
	if err != nil {
		return unlessMissing(err)
	}
	defer d.Close()
	return unlessMissing(d.Remove(path.Base(p)))
}

// unlessMissing is an error that is not about something that is not there.
func unlessMissing(err error) error {
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	return err
}

// tmpParents makes the directories above, each root's.
func tmpParents(dir string) error {
	if dir == "/" || !missing(dir) {
		return nil
	}
	if err := tmpParents(path.Dir(dir)); err != nil {
		return err
	}
	d, err := files.MakeDir(dir, 0o755, believed)
	if err == nil {
		d.Close()
	}
	return err
}

// tmpDirectory makes a directory, or gives one that is there the mode and owner; D empties it.
func tmpDirectory(t *tmpfiles.Line, p string, uid, gid uint32) error {
	mode := modeBits(t.Mode, 0o755)
	fresh := missing(p)
	d, err := files.MakeDir(p, mode, believed)
	if err != nil {
		return err
	}
	defer d.Close()
	var st unix.Stat_t
	if err := d.Stat(".", &st); err != nil {
		return err
	}
	if (fresh || t.User != "" || t.Group != "") && (st.Uid != uid || st.Gid != gid) {
		if err := d.Chown(uid, gid); err != nil {
			return err
		}
	}
	if t.Mode >= 0 && st.Mode&0o7777 != uint32(t.Mode) {
		if err := d.Chmod(mode); err != nil {
			return err
		}
	}
	if t.Type != 'D' {
		return nil
	}
	names, err := d.Names(maxEmptied)
	for _, name := range names {
		if gone := d.RemoveAll(name); gone != nil && err == nil {
			err = gone
		}
	}
	return err
}

// maxEmptied is how many names of a directory D removes.
const maxEmptied = 1 << 12

// tmpLink makes a symbolic link, in a directory that is root's alone: in another its maker
// could be led elsewhere.
func tmpLink(t *tmpfiles.Line, p string) error {
	d, err := files.OpenDir(path.Dir(p), files.Rule{})
	if err != nil {
		return err
	}
	d.Close()
	var st unix.Stat_t
	if err := unix.Lstat(p, &st); err == nil {
		if !t.Force || st.Mode&unix.S_IFMT == unix.S_IFDIR {
			return nil
		}
		if err := unix.Unlink(p); err != nil {
			return err
		}
	}
	return unix.Symlink(t.Arg, p)
}

// tmpOwner gives what is there its mode and owner; it need not be there.
func tmpOwner(t *tmpfiles.Line, p string, uid, gid uint32) error {
	var st unix.Stat_t
	if unix.Lstat(p, &st) != nil {
		return nil
	}
	if st.Mode&unix.S_IFMT == unix.S_IFDIR {
		return tmpDirectory(&tmpfiles.Line{Type: 'd', Mode: t.Mode, User: t.User, Group: t.Group}, p, uid, gid)
	}
	f, err := files.Open(p, believed)
	if err != nil {
		return err
	}
	defer f.Close()
	if t.User != "" || t.Group != "" {
		err = f.Chown(int(uid), int(gid))
	}
	if err == nil && t.Mode >= 0 {
		err = f.Chmod(modeBits(t.Mode, 0))
	}
	return err
}

// modeBits is a mode of chmod(2) in the words of package fs; its default where it is negative.
func modeBits(mode, without int) fs.FileMode {
	if mode < 0 {
		mode = without
	}
	m := fs.FileMode(mode & 0o777)
	for bit, word := range map[int]fs.FileMode{unix.S_ISUID: fs.ModeSetuid, unix.S_ISGID: fs.ModeSetgid, unix.S_ISVTX: fs.ModeSticky} {
		if mode&bit != 0 {
			m |= word
		}
	}
	return m
}
