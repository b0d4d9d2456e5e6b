package boot

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/internal/files"
)

// overlaySource is what the overlay of root.overlay is called in mountinfo.
const overlaySource = "root.overlay"

// overlayStage is where it is mounted before it becomes "/", overlayRoom where what is written
// goes that is not to be kept.
const (
	overlayStage = "/run/beaminit/root"
	overlayRoom  = "/run/beaminit/overlay"
)

// MountOverlay makes an overlay of the root (kernel Documentation/filesystems/overlayfs.rst): what
// is written goes to where, "tmpfs" or a directory on a mount, and nothing to the root. It is
// work for a child: a disk may hang. EnterOverlay makes it "/".
func MountOverlay(where string) error {
	if where == "tmpfs" {
		where = overlayRoom
		if err := makeDirs(where, 0o700); err != nil {
			return err
		}
		if err := mountOne(&Mount{Source: "tmpfs", Target: where, Type: "tmpfs", Flags: closed, Data: "mode=0700,size=25%"}); err != nil {
			return err
		}
	} else if list, _ := Mounts(); mountOf(list, where) == nil {
		return fmt.Errorf("%s is on no mount; want a directory on a [[mount]] that is there", where)
	}
	if err := overlayDirs(where); err != nil {
		return err
	}
	if err := makeDirs(overlayStage, 0o700); err != nil {
		return err
	}
	// An image of another time may lie below it then: what would tie the upper part to this one is off.
	err := unix.Mount(overlaySource, overlayStage, "overlay", 0,
		"lowerdir=/,upperdir="+where+"/upper,workdir="+where+"/work,index=off,metacopy=off,redirect_dir=off")
	if err == unix.ENODEV {
		return errors.New("the kernel has no overlay file system: want CONFIG_OVERLAY_FS, or its module in kernel.modules")
	}
	return wrapOverlay("mount the overlay", err)
}

func wrapOverlay(what string, err error) error {
	if err != nil {
		err = fmt.Errorf("%s: %w", what, err)
	}
	return err
}

// mountOf is the mount that a path lies on, where that is not the root; nil: it is.
func mountOf(list []MountInfo, name string) *MountInfo {
	for name = path.Clean(name); name != "/"; name = path.Dir(name) {
		if m := topmost(list, name); m != nil {
			return m
		}
	}
	return nil
}

// overlayDirs makes what an overlay writes to. It is root's alone, and so is what was there:
// who could put something there would be root.
func overlayDirs(where string) error {
	var st unix.Stat_t
	if err := unix.Stat("/", &st); err != nil {
		return err
	}
	dir, err := files.MakeDir(where, 0o700, files.Rule{})
	if err != nil {
		return err
	}
	defer dir.Close()
	for name, mode := range map[string]uint32{"upper": st.Mode & 0o7777, "work": 0o700} { // "/" has the mode of upper
		d, err := dir.MakeDir(name, fs.FileMode(mode), files.Rule{})
		if err != nil {
			return err
		}
		d.Close()
	}
	return nil
}

// EnterOverlay makes what MountOverlay has mounted "/", with all that is mounted there. The root
// stays mounted below it. On an error nothing has changed; say gets what could not be taken along.
func EnterOverlay(say func(string)) error {
	list, errs := Mounts()
	root := topmost(list, "/")
	if root == nil {
		return fmt.Errorf("the mounts are not known: %v", errs)
	}
	err := unix.Chdir(overlayStage)
	if err == nil {
		err = wrapOverlay("move it to /", unix.Mount(".", "/", "", unix.MS_MOVE, ""))
	}
	if err != nil {
		unix.Chdir("/")
		unix.Unmount(overlayStage, unix.MNT_DETACH)
		return err
	}
	for i := range list { // by names in the root, which is still that of this process
		m := &list[i]
		if m.Parent != root.ID || m.Target == "/" {
			continue
		}
		if err := unix.Mount(m.Target, "."+m.Target, "", unix.MS_MOVE, ""); err != nil {
			say("root.overlay: " + m.Target + " is not in it (removed there?), and what is mounted there is lost: " + err.Error())
		}
	}
	if err := unix.Chroot("."); err != nil {
		return fmt.Errorf("chroot: %w", err)
	}
	return unix.Chdir("/")
}

// OverlayUpper is the directory to which changes of the root go, as mountinfo has it; empty:
// the root is no such overlay.
func OverlayUpper(list []MountInfo) string {
	m := topmost(list, "/")
	if m == nil || m.Type != "overlay" || m.Source != overlaySource {
		return ""
	}
	for _, o := range strings.Split(m.Super, ",") {
		if dir, is := strings.CutPrefix(o, "upperdir="); is {
			return path.Dir(dir)
		}
	}
	return ""
}

// OverlayMount is the mount that this directory is on.
func OverlayMount(list []MountInfo) *MountInfo {
	dir := OverlayUpper(list)
	if dir == "" {
		return nil
	}
	return mountOf(list, dir)
}
