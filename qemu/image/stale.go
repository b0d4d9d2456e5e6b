package image

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// digest is a running sum over everything that a file is made from.
type digest struct {
	h   hash.Hash
	err error
}

func newDigest() *digest { return &digest{h: sha256.New()} }

// text adds a string, told apart from what stands before and after it.
func (d *digest) text(s string) { fmt.Fprintf(d.h, "%d:%s", len(s), s) }

// file adds the content and the permissions of a file.
func (d *digest) file(name string) {
	if d.err != nil {
		return
	}
	f, err := os.Open(name)
	if err != nil {
		d.err = err
		return
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		d.err = err
		return
	}
	fmt.Fprintf(d.h, "%v %d:", st.Mode(), st.Size())
	_, d.err = io.Copy(d.h, f)
}

// tree adds all names, links and files under dir, in the order of their names.
func (d *digest) tree(dir string) {
	if d.err != nil {
		return
	}
	d.err = filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, name)
		d.text(rel)
		switch {
		case e.Type() == fs.ModeSymlink:
			to, err := os.Readlink(name)
			d.text(to)
			return err
		case e.Type().IsRegular():
			d.file(name)
			return d.err
		}
		return nil
	})
}

func (d *digest) sum() (string, error) {
	return hex.EncodeToString(d.h.Sum(nil)), d.err
}

// makeOnce makes the file (or directory) out with build, unless it is there and was
// made from the same sum. It says what it does with say only when it does
// something. build makes what it is given the name of; out takes its name only
// when build is done, so a build that was cut short leaves nothing half made.
func makeOnce(out, sum, doing string, say func(string), build func(tmp string) error) error {
	mark := out + ".made"
	if was, err := os.ReadFile(mark); err == nil && string(was) == sum {
		if _, err := os.Lstat(out); err == nil {
			return nil
		}
	}
	say(doing)
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return err
	}
	tmp := out + ".tmp"
	for _, old := range []string{mark, tmp} {
		if err := os.RemoveAll(old); err != nil {
			return err
		}
	}
	if err := build(tmp); err != nil {
		left, _ := filepath.Glob(tmp + "*") // and what it was built in
		for _, path := range left {
			os.RemoveAll(path)
		}
		return fmt.Errorf("make %s: %w", out, err)
	}
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	if err := os.Rename(tmp, out); err != nil {
		return err
	}
	return os.WriteFile(mark, []byte(sum), 0o644)
}
