package files

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"strconv"

	"golang.org/x/sys/unix"
)

// Rule is what a file or a directory has to be before it is believed. The zero Rule
// wants it to be root's, and nobody else to be able to write to it.
type Rule struct {
	// User may own it too; 0: nobody but root. What is read is then for that user to
	// know: a file of root's that he may have moved there is refused.
	User   uint32
	Secret bool  // others, but for its group, cannot read it
	Any    bool  // whose it is and who may write to it does not matter, but for what others can have linked there: only what it is
	Limit  int64 // bytes that Read reads; 0: MaxFile
}

// Refused is the error of a file that does not keep its Rule.
type Refused struct {
	Path  string
	Found string // "it belongs to uid 1000"
	Want  string // "chown root /data/cookie"
}

func (e *Refused) Error() string { return e.Path + ": " + e.Found + "; want " + e.Want }

// Read reads a regular file that keeps the rule. Links are followed only where nobody
// but root can have made them.
func Read(p string, r Rule) ([]byte, error) {
	d, name, err := walk(p)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.Read(name, r)
}

// Open is Read without reading: the file, open for it.
func Open(p string, r Rule) (*os.File, error) {
	d, name, err := walk(p)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.Open(name, os.O_RDONLY, r)
}

// Read reads a regular file in d that keeps the rule.
func (d *Dir) Read(name string, r Rule) ([]byte, error) {
	f, err := d.Open(name, os.O_RDONLY, r)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	limit := r.Limit
	if limit == 0 {
		limit = MaxFile
	}
	return readAll(f, 0, limit)
}

// Open opens a regular file in d that keeps the rule, with flags as for os.OpenFile; one
// that it makes has mode 0600. It never waits for somebody else, follows no link, and
// opens no device, because some do something then.
func (d *Dir) Open(name string, flags int, r Rule) (*os.File, error) {
	var before, st unix.Stat_t
	err := unix.Fstatat(d.fd, name, &before, unix.AT_SYMLINK_NOFOLLOW)
	there := err == nil
	switch {
	case there:
		err = d.regular(name, &before, r)
	case err != unix.ENOENT || flags&os.O_CREATE == 0:
		err = d.failed("open", name, err)
	default:
		err = nil
	}
	if err != nil {
		return nil, err
	}
	fd, err := unix.Openat(d.fd, name, flags|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, d.failed("open", name, err)
	}
	err = unix.Fstat(fd, &st)
	if err == nil && there && (st.Ino != before.Ino || st.Dev != before.Dev) {
		err = unix.ESTALE // somebody is at it
	}
	if err != nil {
		err = d.failed("open", name, err)
	} else {
		err = d.regular(name, &st, r)
	}
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), d.join(name)), nil
}

// regular says what is wrong with a file for the rule.
func (d *Dir) regular(name string, st *unix.Stat_t, r Rule) error {
	p := d.join(name)
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return &Refused{p, "it is " + kind(st.Mode), "a regular file"}
	}
	if err := r.keptBy(p, st); err != nil {
		return err
	}
	if r.Any && st.Nlink > 1 && !d.OnlyRoots && (st.Uid == 0 || st.Uid != d.stat.Uid) { // link(2) wants no right to a file
		what := "it belongs to uid " + number(st.Uid) + " and has another name, in a directory where others can have given it this one"
		return &Refused{p, what, "a copy of it"}
	}
	if r.Any || r.User == 0 || st.Uid != 0 || st.Mode&0o004 != 0 || d.OnlyRoots {
		return nil
	}
	// A secret of root's: did root put it here for the user?
	return &Refused{p, "it is root's, in a directory where others can have moved any file of root's",
		"chown " + number(r.User) + " " + p + ", or " + path.Dir(p) + " to be root's"}
}

// keptBy says whose a file or a directory should be, and who may write to it.
func (r Rule) keptBy(p string, st *unix.Stat_t) error {
	mode := " (mode 0" + strconv.FormatUint(uint64(st.Mode&0o7777), 8) + ")"
	switch {
	case r.Any:
		return nil
	case st.Uid != 0 && st.Uid != r.User:
		want := "chown root " + p
		if r.User != 0 {
			want = "chown root " + p + ", or " + number(r.User)
		}
		return &Refused{p, "it belongs to uid " + number(st.Uid), want}
	case st.Mode&0o022 != 0:
		return &Refused{p, "others than its owner can write to it" + mode, "chmod go-w " + p}
	case r.Secret && st.Mode&0o004 != 0:
		return &Refused{p, "everybody can read it" + mode, "chmod o-r " + p}
	}
	return nil
}

func number(uid uint32) string { return strconv.FormatUint(uint64(uid), 10) }

// IsRefused says that err is about what was found, and not of an operation that failed.
func IsRefused(err error) bool {
	var r *Refused
	return errors.As(err, &r)
}

// Missing says that err is about a file that is not there.
func Missing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
