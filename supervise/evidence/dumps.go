package evidence

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/internal/files"
)

// Dumps is the directory for what is kept of each end: the crash dump that the VM
// writes itself, and the last of its output. It belongs to the user of the release,
// who may put anything there, so no link is ever followed and nothing but a regular
// file read.
type Dumps struct {
	Dir      string // below a directory of root's
	Open     bool   // the directory above is root's, and is to let the release's user through
	Keep     int    // how many ends; 0: nothing is kept
	Bytes    int64  // the most of one dump
	Seconds  int    // that it may take to write
	UID, GID uint32 // of the release
	Own      *Own   // the dump is not here, but there; nil: it is here
}

// The names of what is kept of a run: prefix, run, suffix.
const (
	dumpPrefix, dumpSuffix     = "erl_crash-", ".dump"
	outputPrefix, outputSuffix = "last-output-", ".log"
)

// Run is the name of a run of the release: the boot, as in the health records, and
// which one in that boot. A dump of that name is of that run and of no other, so none
// has to be moved away before the next start.
func Run(boot uint32, run int) string { return fmt.Sprintf("%08x-%d", boot, run) }

// Dump is the path of a run's crash dump.
func (d *Dumps) Dump(run string) string {
	if d.Own != nil {
		return d.Own.Path
	}
	return d.Dir + "/" + dumpPrefix + run + dumpSuffix
}

// Output is the path of a run's last output.
func (d *Dumps) Output(run string) string { return d.Dir + "/" + outputPrefix + run + outputSuffix }

// Make makes the directory, for the release alone. It says what keeps the release from
// writing there. It may hang where the disk does.
func (d *Dumps) Make() error {
	err := d.make()
	if err == nil {
		return nil
	}
	var failed *fs.PathError
	why := strings.TrimPrefix(err.Error(), d.Dir+": ")
	if errors.As(err, &failed) && failed.Path == d.Dir {
		why = failed.Err.Error()
	}
	return errors.New("directory for crash dumps " + d.Dir + ": " + why + "; want one that the release can write to (dump.directory)")
}

func (d *Dumps) make() error {
	above, err := d.makeAbove()
	if err != nil {
		return err
	}
	defer above.Close()
	if d.Open && d.UID != 0 && above.Mode() != 0o711 {
		if err := above.Chmod(0o711); err != nil {
			return err
		}
	}
	dir, err := above.MakeDir(path.Base(d.Dir), 0o700, files.Rule{Any: true})
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := d.give(dir); err != nil {
		return err
	}
	var st unix.Statfs_t
	if err := dir.Statfs(&st); err == nil && st.Flags&unix.ST_RDONLY != 0 {
		return unix.EROFS
	}
	return nil
}

// makeAbove makes the directories on the way to the one of the dumps, and opens the last.
func (d *Dumps) makeAbove() (above *files.Dir, err error) {
	for i := 1; i < len(d.Dir); i++ {
		if d.Dir[i] != '/' {
			continue
		}
		if above != nil {
			above.Close()
		}
		last := !strings.Contains(d.Dir[i+1:], "/")
		if above, err = files.MakeDir(d.Dir[:i], 0o755, files.Rule{Any: !d.Open || !last}); err != nil {
			return nil, err
		}
	}
	if above == nil {
		return files.OpenDir("/", files.Rule{Any: true})
	}
	return above, nil
}

// give sees to it that the release can write to the directory. One that root made for
// itself alone is given to the release, if only root can have put it there, or there is
// nothing in it: in a directory of the user's it could be another one of root's.
func (d *Dumps) give(dir *files.Dir) error {
	uid, gid := dir.Owner()
	if d.UID != 0 && uid == 0 && dir.Mode() == 0o700 {
		names, err := dir.Names(1)
		if err != nil {
			return err
		}
		if dir.OnlyRoots || len(names) == 0 {
			return dir.Chown(d.UID, d.GID)
		}
	}
	if d.UID != 0 && uid != d.UID && dir.Mode()&0o002 == 0 && (gid != d.GID || dir.Mode()&0o020 == 0) {
		return errors.New("it belongs to uid " + itoa(uid) + ", the release runs as uid " + itoa(d.UID))
	}
	return nil
}

func itoa(id uint32) string { return strconv.FormatUint(uint64(id), 10) }

func (d *Dumps) open() (*files.Dir, error) { return files.OpenDir(d.Dir, files.Rule{Any: true}) }

// Slogan reads why a run's VM gave up, and the size of its dump in bytes; nothing and
// 0 where there is none. It may hang where the disk does.
func (d *Dumps) Slogan(run string) (slogan string, size int64) {
	f, err := d.openDump(run)
	if err != nil {
		return "", 0
	}
	defer f.Close()
	var st unix.Stat_t
	if unix.Fstat(int(f.Fd()), &st) != nil || st.Nlink != 1 || st.Uid != d.UID { // somebody else's file
		return "", 0
	}
	if d.Own != nil && !d.Own.isNew(&st) {
		return "", 0
	}
	var head [dumpHead]byte
	n, _ := io.ReadFull(f, head[:])
	return Slogan(head[:n]), st.Size
}

func (d *Dumps) openDump(run string) (*os.File, error) {
	p := d.Dump(run)
	dir, err := files.OpenDir(path.Dir(p), files.Rule{Any: true})
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return dir.Open(path.Base(p), os.O_RDONLY, files.Rule{Any: true})
}

// KeepOutput writes the last output of a run, or leaves nothing. It may hang where the
// disk does.
func (d *Dumps) KeepOutput(run string, output []byte) error {
	if len(output) == 0 {
		return nil
	}
	dir, err := d.open()
	if err == nil {
		defer dir.Close()
		err = dir.WriteAtomic(outputPrefix+run+outputSuffix, output, files.How{Mode: 0o600, Sync: true})
	}
	if err != nil {
		return fmt.Errorf("keep the last output: %w", err)
	}
	return nil
}
