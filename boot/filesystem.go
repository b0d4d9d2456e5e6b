package boot

import (
	"errors"
	"fmt"
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
	GrowLimit   = 10 * time.Minute
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
func LackingTools(fs string, format, check, grow bool, exists func(path string) bool) (lacking []string) {
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
	if grow {
		look(growers[:])
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

// prepare makes, checks and extends what a mount mounts, as that asks for. An error is a reason
// not to mount it.
func (t *Tools) prepare(m *Mount, node string) error {
	if t == nil || t.Run == nil || m.Format == "" && !m.Check && m.Grow == "" {
		return nil
	}
	if holds(m.Target, node) { // it is mounted already
		return nil
	}
	fs, begun, empty, err := look(m, node)
	if err != nil {
		return err
	}
	if fs != "" && begun {
		t.unmark(node)
	}
	unfinished := fs == "" && begun // the mark is at the end of the device as it was
	if !unfinished {
		t.extend(m, node, empty)
	}
	if m.Format != "" && fs == "" {
		fs = m.Format
		if err := t.formatEmpty(m, node, empty); err != nil {
			return err
		}
	}
	if unfinished {
		t.extend(m, node, false)
	}
	if fs != "" && m.Check {
		err = t.check(fs, node)
	}
	if err == nil {
		t.grow(m, node, false)
	}
	return err
}

// look says what is on the device of a mount: which file system, the mark of a formatting that was
// begun, or nothing at all, where one is to be made.
func look(m *Mount, node string) (fs string, begun, empty bool, err error) {
	d, err := openDisk(node, unix.O_RDONLY)
	if err != nil {
		return "", false, false, err
	}
	defer d.Close()
	id, known := superblock.Read(d)
	if m.Format != "" {
		begun = d.formatBegun()
	}
	if m.Format != "" && !known && !begun {
		empty, err = d.isEmpty()
	}
	return id.Type, begun, empty, err
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

// formatEmpty makes a file system where there is none, and nothing else either. empty says that
// nothing was there before the device grew.
func (t *Tools) formatEmpty(m *Mount, node string, empty bool) error {
	w, err := openDisk(node, unix.O_RDWR)
	if err != nil {
		return err
	}
	defer w.Close()
	begun := w.formatBegun()
	switch {
	case begun && !empty:
		t.Say(node + ": to be made anew, or its formatting was interrupted")
	case w.size < minFormat:
		return fmt.Errorf("%s has %d bytes: too few for a file system, want %d", node, w.size, minFormat)
	case !empty:
		return errors.New(node + " has something on it that is no file system known here " +
			"(its first or last MiB is neither zero nor erased): it is not formatted over; where nothing of it is needed, wipefs -a and blkdiscard -z make it empty")
	default:
		t.Say(node + " is empty: " + m.Format + " is made on it")
	}
	made := toolFor(formatters[:], m.Format)
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
