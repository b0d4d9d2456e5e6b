package release

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/internal/files"
)

// Prepare makes the directory of the command, 0700, and writes its files. It may be
// called before every start; a file that is there already is left alone, so that a
// full /run does not stop a release from starting again. One with another content,
// such as what a start that was cut off left, is replaced, as somebody may be reading
// it; whatever the release put in its place goes. The directory and what is in it belong
// to the user of the release. What had to be done otherwise is one more of the command's
// Problems. It may hang where the disk does.
func (c *Command) Prepare() error {
	if c.Refused != nil {
		return c.Refused
	}
	tmp, err := c.User.makeDir(c.Tmp)
	if err != nil {
		return fmt.Errorf("make directory %s (release.tmp): %w; want a place that can be written to", c.Tmp, err)
	}
	defer tmp.Close()
	own := c.Tmp == config.ReleaseTmp
	if own {
		err = c.tidy(tmp)
	}
	if err == nil {
		err = c.writeFiles(tmp)
	}
	if own && errors.Is(err, unix.ENOSPC) {
		c.problem(fmt.Errorf("%w; what the release had left there is removed", err))
		if err = tmp.Empty(); err == nil {
			err = c.writeFiles(tmp)
		}
	}
	return err
}

// tidy undoes what a release that was there before can have done to a directory that nobody
// else uses, so that none could start in it: to forbid it to itself, or to leave what is no
// cookie in the place of the one that the VM makes where it is given none.
func (c *Command) tidy(tmp *files.Dir) error {
	if tmp.Mode() != 0o700 {
		if err := tmp.Chmod(0o700); err != nil {
			return err
		}
	}
	if slices.ContainsFunc(c.Files, func(f File) bool { return f.Path == c.cookiePath() }) {
		return nil
	}
	return tmp.RemoveAll(".erlang.cookie")
}

// writeFiles writes them to tmp, or where else they belong.
func (c *Command) writeFiles(tmp *files.Dir) error {
	for i := range c.Files {
		f := &c.Files[i]
		var owner *User
		if strings.HasPrefix(f.Path, c.Tmp+"/") || f.Path == c.cookiePath() {
			owner = c.User
		}
		err := f.write(c.Tmp, tmp, owner)
		if err != nil && f.Path == c.cookiePath() && c.Home() != c.Tmp {
			err = c.homeInTmp(f, tmp, err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// homeInTmp has the release find its cookie in its own directory, where the HOME that
// release.env names could not take it (err): one that is not mounted, or read-only.
func (c *Command) homeInTmp(cookie *File, tmp *files.Dir, err error) error {
	c.problem(fmt.Errorf("release.env: HOME=%s: %w; want a directory that can be written to, for the cookie; using %s", c.Home(), err, c.Tmp))
	c.Env = set(c.Env, "HOME="+c.Tmp)
	cookie.Path = c.cookiePath()
	return cookie.write(c.Tmp, tmp, c.User)
}

// write makes the file what it should be; dir is open for those in tmp.
func (f *File) write(tmp string, dir *files.Dir, owner *User) (err error) {
	if above := path.Dir(f.Path); above != tmp {
		dir, err = files.OpenDir(above, files.Rule{Any: true})
		if files.Missing(err) {
			err = unix.ENOENT
		}
		if err != nil {
			return fmt.Errorf("write %s: %w", f.Path, err)
		}
		defer dir.Close()
	}
	name, how := path.Base(f.Path), files.How{Mode: fs.FileMode(f.Mode)}
	if owner != nil {
		how.UID, how.GID = owner.UID, owner.GID
	}
	var st unix.Stat_t
	err = dir.Stat(name, &st)
	switch {
	case err == nil && st.Mode == unix.S_IFREG|f.Mode && st.Uid == how.UID:
		if text, err := dir.Read(name, files.Rule{Any: true}); err == nil && string(text) == string(f.Content) {
			return nil
		}
	case err == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR:
		if err := dir.RemoveAll(name); err != nil {
			return err
		}
	}
	return dir.WriteAtomic(name, f.Content, how)
}

// makeDir makes a directory for the release alone, and those above it for everyone. One
// that is there already keeps its mode, because others may use it too (/tmp), and its
// owner, unless it is empty or only root can have put it there, and is root's alone.
func (u *User) makeDir(p string) (*files.Dir, error) {
	dir, err := files.MakeDir(p, 0o700, files.Rule{Any: true})
	if err != nil { // those above it may not be there
		if err = makeAbove(p); err == nil {
			dir, err = files.MakeDir(p, 0o700, files.Rule{Any: true})
		}
	}
	if err != nil {
		return nil, err
	}
	if uid, _ := dir.Owner(); u == nil || uid != 0 || dir.Mode() != 0o700 {
		return dir, nil
	}
	names, err := dir.Names(1)
	if err == nil && (dir.OnlyRoots || len(names) == 0) {
		err = dir.Chown(u.UID, u.GID)
	}
	if err != nil {
		dir.Close()
		return nil, fmt.Errorf("give it to user %s: %w", u.Name, err)
	}
	return dir, nil
}

// makeAbove makes the directories that lead to p.
func makeAbove(p string) error {
	for i := 1; i < len(p); i++ {
		if p[i] != '/' {
			continue
		}
		above, err := files.MakeDir(p[:i], 0o755, files.Rule{Any: true})
		if err != nil {
			return err
		}
		above.Close()
	}
	return nil
}
