package image

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

const diskSize = 16 << 20 // bytes; sparse, so a new one takes a tenth of it

// Cookie gives the cookie of a lab, made of random letters at the first call and
// kept in file (0400).
func Cookie(file string) (string, error) {
	data, err := os.ReadFile(file)
	if err == nil {
		return string(data), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("cookie: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return "", fmt.Errorf("cookie: %w", err)
	}
	cookie := rand.Text()
	if err := os.WriteFile(file, []byte(cookie), 0o400); err != nil {
		return "", fmt.Errorf("cookie: %w", err)
	}
	return cookie, nil
}

// DataDisk makes the ext4 of one node with its secrets in it, files of root's with mode
// 0400, unless it is there: what a node wrote to its disk stays from run to run.
func DataDisk(file string, secrets map[string]string, say func(string)) error {
	names := slices.Sorted(maps.Keys(secrets))
	d := newDigest()
	for _, name := range names {
		d.text(name + "\n" + secrets[name])
	}
	sum, err := d.sum()
	if err != nil {
		return err
	}
	return makeOnce(file, sum, "making the data disk "+filepath.Base(file), say, func(tmp string) error {
		dir := tmp + ".dir"
		defer os.RemoveAll(dir)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		for _, name := range names {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(secrets[name]), 0o400); err != nil {
				return err
			}
		}
		f, err := os.OpenFile(tmp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		err = f.Truncate(diskSize)
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
		if err := run(tool("mkfs.ext4"), "-q", "-F", "-L", "data", "-m", "0", "-E", "root_owner=0:0", "-d", dir, tmp); err != nil {
			return err
		}
		if os.Geteuid() == 0 {
			return nil
		}
		// mke2fs -d keeps the owner that the file has here; on the node it is root's.
		for _, name := range names {
			for _, field := range []string{"uid", "gid"} {
				if err := run(tool("debugfs"), "-w", "-R", "set_inode_field "+name+" "+field+" 0", tmp); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// tool finds a program that Debian keeps out of an ordinary user's PATH.
func tool(name string) string {
	if _, err := os.Stat("/usr/sbin/" + name); err == nil {
		return "/usr/sbin/" + name
	}
	return name
}
