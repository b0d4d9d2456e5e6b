package image

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// copyTree copies the directory from to to, but for the files (by their path in
// from) that skip tells. A link that stays inside is copied as a link; of one that
// leads out (relx in dev mode makes such) what it leads to is copied; one that leads
// nowhere is left out.
func copyTree(from, to string, skip func(rel string) bool) error {
	from, err := filepath.EvalSymlinks(from)
	if err != nil {
		return err
	}
	return copyInto(from, from, to, skip)
}

func copyInto(top, from, to string, skip func(string) bool) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	list, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range list {
		src, dst := filepath.Join(from, e.Name()), filepath.Join(to, e.Name())
		rel, err := filepath.Rel(top, src)
		if err != nil {
			return err
		}
		if skip(rel) {
			continue
		}
		if err := copyEntry(top, src, dst, e.Type(), skip); err != nil {
			return err
		}
	}
	return nil
}

func copyEntry(top, src, dst string, kind fs.FileMode, skip func(string) bool) error {
	switch {
	case kind.IsDir():
		return copyInto(top, src, dst, skip)
	case kind.IsRegular():
		return copyFile(src, dst)
	case kind != fs.ModeSymlink:
		return nil // a socket, a pipe: left by something that ran there
	}
	real, err := filepath.EvalSymlinks(src)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // rebar3 links to include and priv of an application that has none
	}
	if err != nil {
		return err
	}
	if target, err := os.Readlink(src); err == nil && !filepath.IsAbs(target) && strings.HasPrefix(real, top+"/") {
		return os.Symlink(target, dst)
	}
	st, err := os.Stat(real)
	if err != nil {
		return err
	}
	if !st.IsDir() {
		return copyFile(real, dst)
	}
	if strings.HasPrefix(top+"/", real+"/") {
		return fmt.Errorf("%s leads to a directory that it is in", src)
	}
	return copyInto(real, real, dst, func(string) bool { return false })
}

// copyFile copies content and the bits rwx of a file, makes the directories above
// it, and lets everyone read it: in the image the release may run as any user.
func copyFile(from, to string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	st, err := src.Stat()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	mode := fs.FileMode(0o644)
	if st.Mode()&0o111 != 0 {
		mode = 0o755
	}
	dst, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	return errors.Join(err, dst.Close())
}
