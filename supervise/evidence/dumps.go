package evidence

import (
	"errors"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Dumps is the directory for what is kept of each end: the crash dump that the VM
// writes itself, and the last of its output. It belongs to the user of the release,
// who may put anything there, so no link is ever followed and nothing but a regular
// file read.
type Dumps struct {
	Dir      string // below a directory of root's
	Open     bool   // the directory above is to let the release's user through
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
func Run(boot uint32, run int) string {
	name := []byte("00000000"[:8])
	for i := 7; i >= 0; i-- {
		name[i] = "0123456789abcdef"[boot&15]
		boot >>= 4
	}
	return string(strconv.AppendInt(append(name, '-'), int64(run), 10))
}

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
	for i := 1; i < len(d.Dir); i++ {
		if d.Dir[i] == '/' {
			unix.Mkdir(d.Dir[:i], 0o755)
		}
	}
	if slash := strings.LastIndexByte(d.Dir, '/'); d.Open && d.UID != 0 && slash > 0 {
		unix.Chmod(d.Dir[:slash], 0o711)
	}
	err := unix.Mkdir(d.Dir, 0o700)
	if err == unix.EEXIST {
		err = nil
	}
	if err == nil {
		err = d.give()
	}
	if err != nil {
		return errors.New("directory for crash dumps " + d.Dir + ": " + err.Error() + "; want one that the release can write to (dump.directory)")
	}
	return nil
}

// give sees to it that the release can write to the directory.
func (d *Dumps) give() error {
	fd, err := d.open()
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	if d.UID != 0 && st.Uid == 0 && st.Mode&0o7777 == 0o700 { // made by root for itself alone
		if err := unix.Fchown(fd, int(d.UID), int(d.GID)); err != nil {
			return err
		}
		st.Uid = d.UID
	}
	if d.UID != 0 && st.Uid != d.UID && st.Mode&0o002 == 0 && (st.Gid != d.GID || st.Mode&0o020 == 0) {
		return errors.New("it belongs to uid " + itoa(st.Uid) + ", the release runs as uid " + itoa(d.UID))
	}
	var fs unix.Statfs_t
	if err := unix.Fstatfs(fd, &fs); err == nil && fs.Flags&unix.ST_RDONLY != 0 {
		return unix.EROFS
	}
	return nil
}

func itoa(id uint32) string { return strconv.FormatUint(uint64(id), 10) }

func (d *Dumps) open() (fd int, err error) {
	return unix.Open(d.Dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
}

// Slogan reads why a run's VM gave up, and the size of its dump in bytes; nothing and
// 0 where there is none.
func (d *Dumps) Slogan(run string) (slogan string, size int64) {
	fd, err := d.openDump(run)
	if err != nil {
		return "", 0
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFREG || st.Nlink != 1 || st.Uid != d.UID {
		return "", 0
	}
	if d.Own != nil && !d.Own.isNew(&st) {
		return "", 0
	}
	var head [dumpHead]byte
	n, _ := unix.Read(fd, head[:])
	return Slogan(head[:max(n, 0)]), st.Size
}

func (d *Dumps) openDump(run string) (fd int, err error) {
	const flags = unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_CLOEXEC
	if d.Own != nil {
		return unix.Open(d.Own.Path, flags, 0)
	}
	dir, err := d.open()
	if err != nil {
		return -1, err
	}
	defer unix.Close(dir)
	return unix.Openat(dir, dumpPrefix+run+dumpSuffix, flags, 0)
}

// KeepOutput writes the last output of a run, or leaves nothing.
func (d *Dumps) KeepOutput(run string, older, newer []byte) error {
	if len(older)+len(newer) == 0 {
		return nil
	}
	err := d.writeOutput(outputPrefix+run+outputSuffix, older, newer)
	if err != nil {
		return errors.New("keep the last output in " + d.Output(run) + ": " + err.Error())
	}
	return nil
}

func (d *Dumps) writeOutput(name string, parts ...[]byte) error {
	dir, err := d.open()
	if err != nil {
		return err
	}
	defer unix.Close(dir)
	unix.Unlinkat(dir, name, 0)
	fd, err := unix.Openat(dir, name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	for _, b := range parts {
		for len(b) > 0 && err == nil {
			var n int
			if n, err = unix.Write(fd, b); err == unix.EINTR {
				err = nil
			}
			b = b[max(n, 0):]
		}
	}
	if err == nil {
		err = unix.Fsync(fd)
	}
	if err != nil {
		unix.Unlinkat(dir, name, 0)
	}
	return err
}
