package boot

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/boot/superblock"
)

// Tools is what the mounts of a plan take besides mount(2): the image's own programs, which
// make and check file systems. Without Run there is neither.
type Tools struct {
	// Run runs one of them to its end, its output on the console, and gives its exit status.
	Run  func(argv []string, limit time.Duration) (exit int, err error)
	Say  func(line string)
	Done func(line string) // says what has happened to a disk, and has it remembered
}

// How long they may take, for each mount.
const (
	FormatLimit = 2 * time.Minute
	CheckLimit  = 10 * time.Minute
)

// A tool is a program of the image that works on file systems of a type.
type tool struct {
	fs      string
	names   []string // of the program, any of them
	options []string // before the device
	from    string   // the package that has it
}

// Formatters, and how they are called: none of them asks, and none discards blocks, or what
// says that a formatting is under way would be discarded with them.
var formatters = [...]tool{
	{"ext4", []string{"mkfs.ext4", "mke2fs"}, []string{"-q", "-F", "-t", "ext4", "-E", "nodiscard"}, "e2fsprogs"},
	{"f2fs", []string{"mkfs.f2fs"}, []string{"-q", "-f", "-t", "0"}, "f2fs-tools"},
	{"vfat", []string{"mkfs.vfat", "mkfs.fat"}, []string{"-I"}, "dosfstools"},
	{"btrfs", []string{"mkfs.btrfs"}, []string{"-q", "-f", "-K"}, "btrfs-progs"},
	{"xfs", []string{"mkfs.xfs"}, []string{"-q", "-f", "-K"}, "xfsprogs"},
}

// Checkers, which mend by themselves what needs no decision ("preening"). xfs and btrfs have
// none: they look after themselves when they are mounted.
var checkers = [...]tool{
	{"ext4", []string{"e2fsck", "fsck.ext4"}, []string{"-p"}, "e2fsprogs"},
	{"f2fs", []string{"fsck.f2fs"}, []string{"-a"}, "f2fs-tools"},
	{"vfat", []string{"fsck.vfat", "fsck.fat"}, []string{"-a"}, "dosfstools"},
}

// binDirs are where such programs lie.
var binDirs = [...]string{"/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/"}

// LackingTools says which programs a mount wants that are not there, with the package that has
// them; exists says whether one is.
func LackingTools(fs string, format, check bool, exists func(path string) bool) (lacking []string) {
	look := func(list []tool) {
		if t := toolFor(list, fs); t != nil && t.find(exists) == "" {
			lacking = append(lacking, t.names[0]+" (package "+t.from+")")
		}
	}
	if format {
		look(formatters[:])
	}
	if check {
		look(checkers[:])
	}
	return lacking
}

func toolFor(list []tool, fs string) *tool {
	if fs == "ext2" || fs == "ext3" {
		fs = "ext4"
	}
	for i := range list {
		if list[i].fs == fs {
			return &list[i]
		}
	}
	return nil
}

func (t *tool) find(exists func(string) bool) string {
	for _, name := range t.names {
		for _, dir := range binDirs {
			if exists(dir + name) {
				return dir + name
			}
		}
	}
	return ""
}

func executable(path string) bool { return unix.Access(path, unix.X_OK) == nil }

// run runs a tool on a device.
func (t *Tools) run(what *tool, node string, limit time.Duration) (exit int, err error) {
	path := what.find(executable)
	if path == "" {
		return 0, errors.New("the image has no " + what.names[0] + " (package " + what.from + ")")
	}
	return t.Run(append(append([]string{path}, what.options...), node), limit)
}

// prepare makes and checks the file system of a mount, as that asks for. An error is a reason
// not to mount it.
func (t *Tools) prepare(m *Mount, node string) error {
	if t == nil || t.Run == nil || m.Format == "" && !m.Check {
		return nil
	}
	if holds(m.Target, node) { // it is mounted already
		return nil
	}
	d, err := openDisk(node, unix.O_RDONLY)
	if err != nil {
		return err
	}
	id, known := superblock.Read(d)
	begun := m.Format != "" && d.formatBegun()
	if known && begun {
		t.unmark(node)
	}
	made := known
	if m.Format != "" && !made {
		err = t.formatEmpty(m, node, d, begun)
		made = err == nil
		id.Type = m.Format
	}
	d.Close()
	if err != nil || !made || !m.Check {
		return err
	}
	return t.check(id.Type, node)
}

// unmark takes the mark from a disk with a file system, which is never made anew because of it:
// either its formatting was cut off behind its last write, or a file has the mark in it, and
// who wrote that, the release perhaps, is not to have the disk emptied.
func (t *Tools) unmark(node string) {
	w, err := openDisk(node, unix.O_RDWR)
	if err == nil {
		err = w.mark(false)
		w.Close()
	}
	if err != nil {
		t.Say(node + ": " + err.Error())
	}
}

// formatEmpty makes a file system where there is none, and nothing else either.
func (t *Tools) formatEmpty(m *Mount, node string, d *disk, begun bool) error {
	switch empty, err := d.isEmpty(); {
	case err != nil:
		return err
	case begun:
		t.Say(node + ": to be made anew, or its formatting was interrupted")
	case d.size < minFormat:
		return fmt.Errorf("%s has %d bytes: too few for a file system, want %d", node, d.size, minFormat)
	case !empty:
		return errors.New(node + " has something on it that is no file system known here (its first or last MiB is neither zero nor erased): it is not formatted over; where nothing of it is needed, wipefs -a and blkdiscard -z make it empty")
	}
	made := toolFor(formatters[:], m.Format)
	if !begun {
		t.Say(node + " is empty: " + m.Format + " is made on it")
	}
	w, err := openDisk(node, unix.O_RDWR)
	if err != nil {
		return err
	}
	defer w.Close()
	if err := w.mark(true); err != nil {
		return err
	}
	exit, err := t.run(made, node, FormatLimit)
	if err == nil && exit != 0 {
		err = errors.New(made.names[0] + ": exit status " + strconv.Itoa(exit))
	}
	if err != nil {
		return fmt.Errorf("%s is not made on %s: %w", m.Format, node, err)
	}
	if err := w.mark(false); err != nil {
		return err
	}
	t.Done(node + ": made " + m.Format + " for " + m.Target)
	return nil
}

// otherType is why one of several mounts in turn is passed over.
type otherType struct{ device, has, want string }

func (e otherType) Error() string { return e.device + " holds " + e.has + ", no " + e.want }

// otherOn is the file system on a device, where several are tried on one target and it is
// another one than that of this mount.
func (m *Mount) otherOn(node string) (fs string) {
	if !m.Turns || m.Type == "" || m.Type == "auto" {
		return ""
	}
	d, err := openDisk(node, unix.O_RDONLY)
	if err != nil {
		return ""
	}
	defer d.Close()
	id, known := superblock.Read(d)
	family := id.Type == "ext4" && (m.Type == "ext2" || m.Type == "ext3")
	if !known || id.Type == m.Type || family {
		return ""
	}
	return id.Type
}

// mend has an ext4 checked whole that the kernel found damaged, though it is marked clean.
func (t *Tools) mend(m *Mount) error {
	if t == nil || t.Run == nil || !m.Check || toolFor(checkers[:], m.Type) != &checkers[0] {
		return nil
	}
	forced := checkers[0]
	forced.options = []string{"-f", "-p"}
	return t.checkWith(&forced, m.Source)
}

// check has a file system checked. Only one with errors that are left is a reason not to mount
// it (fsck(8), exit status 4).
func (t *Tools) check(fs, node string) error {
	checker := toolFor(checkers[:], fs)
	if checker == nil {
		return nil
	}
	return t.checkWith(checker, node)
}

func (t *Tools) checkWith(checker *tool, node string) error {
	exit, err := t.run(checker, node, CheckLimit)
	name := checker.names[0]
	switch {
	case err != nil:
		t.Say(node + " is not checked: " + err.Error())
	case exit == 0:
	case exit&4 != 0:
		t.Done(node + ": " + name + " has found errors that it does not mend by itself (exit status " + strconv.Itoa(exit) + ")")
		return errors.New(node + " has errors; want " + checkerByHand(checker.fs) + " " + node + ", by hand")
	case exit&^3 == 0:
		t.Done(node + ": " + name + " has mended errors (exit status " + strconv.Itoa(exit) + ")")
	default:
		t.Say(node + " is not checked: " + name + ": exit status " + strconv.Itoa(exit))
	}
	return nil
}

func checkerByHand(fs string) string {
	if fs == "ext4" {
		return "e2fsck -y"
	}
	return checker(fs)
}

// disk is a block device that is looked at.
type disk struct {
	*os.File
	size int64 // bytes
}

func openDisk(node string, how int) (*disk, error) {
	f, err := os.OpenFile(node, how|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	size, err := f.Seek(0, 2)
	if err != nil {
		f.Close()
		return nil, err
	}
	return &disk{f, size}, nil
}

// minFormat is the least that is formatted, edge what has to be empty at both ends: the
// partition tables, and the superblocks of LVM, RAID and the like, lie there.
const (
	minFormat = 4 << 20
	edge      = 1 << 20
)

// isEmpty says that nothing lies at either end: all of it is zero, or erased flash.
func (d *disk) isEmpty() (bool, error) {
	buf := make([]byte, min(edge, d.size))
	for _, at := range [...]int64{0, d.size - int64(len(buf))} {
		if _, err := d.ReadAt(buf, at); err != nil {
			return false, err
		}
		if len(buf) > 0 && (buf[0] != 0 && buf[0] != 0xff || bytes.Count(buf, buf[:1]) != len(buf)) {
			return false, nil
		}
	}
	return true, nil
}

// formatMark says on a disk that a formatting is under way: a power cut in the midst of one
// leaves what is neither a file system nor nothing. It lies where no formatter writes, is
// taken away before the first mount, and counts only where there is no file system.
const formatMark = "beaminit: a file system is being made on this disk\n"

func (d *disk) markAt() int64 { return (d.size - edge/2) &^ 4095 }

func (d *disk) formatBegun() bool {
	b := make([]byte, len(formatMark))
	if d.size < minFormat {
		return false
	}
	_, err := d.ReadAt(b, d.markAt())
	return err == nil && string(b) == formatMark
}

// mark sets the mark or takes it away, where it still is, and waits until that is on the disk.
func (d *disk) mark(set bool) error {
	text := []byte(formatMark)
	if !set {
		if err := d.Sync(); err != nil || !d.formatBegun() {
			return err
		}
		clear(text)
	}
	if _, err := d.WriteAt(text, d.markAt()); err != nil {
		return err
	}
	return d.Sync()
}
