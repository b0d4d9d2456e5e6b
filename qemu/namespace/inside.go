package namespace

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Main returns at once, unless this process was started by Start to become a node: then it does.
func Main() {
	if os.Args[0] != marker {
		return
	}
	lab := os.NewFile(3, "lab")
	unix.CloseOnExec(3)
	fmt.Fprint(lab, become(os.Args[1], lab))
	os.Exit(1)
}

// become makes this process, PID 1 of its namespaces, the node's init, or says why it cannot.
func become(spec string, lab *os.File) error {
	runtime.LockOSThread() // capabilities, and the time namespace until exec, are a thread's
	var s Spec
	if err := json.Unmarshal([]byte(spec), &s); err != nil {
		return err
	}
	i := inside{Spec: s}
	for _, step := range []func() error{i.mountRoot, i.mountProc, i.mountSys, i.makeDev, i.makeCards, i.beginTime} {
		if err := step(); err != nil {
			return err
		}
	}
	if err := i.send(lab); err != nil {
		return fmt.Errorf("give the lab what is its: %w", err)
	}
	if err := enterRoot(s.Root); err != nil {
		return err
	}
	if err := dropCapabilities(); err != nil {
		return err
	}
	defaultSignals()
	unix.Umask(0)
	unix.Setpriority(unix.PRIO_PROCESS, 0, s.Nice) // the lab's own is another (Prefer)
	if err := takeCPUs(s.CPUs); err != nil {
		return err
	}
	return fmt.Errorf("/sbin/init: %w", unix.Exec("/sbin/init", []string{"/sbin/init"}, os.Environ()))
}

// inside is a node that comes to be.
type inside struct {
	Spec
	files []*os.File // what the lab is given: the log, both ends of the tty, the cards
}

func (i *inside) in(path string) string { return filepath.Join(i.Root, path) }

func mount(source, target, fstype string, flags uintptr, data string) error {
	if err := unix.Mount(source, target, fstype, flags, data); err != nil {
		return fmt.Errorf("mount %s on %s: %w", source, target, err)
	}
	return nil
}

// bind shows a file or directory at a place, for reading alone where it is to be so.
func bind(source, target string, readOnly bool) error {
	err := mount(source, target, "", unix.MS_BIND|unix.MS_REC, "")
	if err == nil && readOnly {
		err = mount("none", target, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, "")
	}
	return err
}

// show has a text as a file of the node.
func (i *inside) show(text, path string) error {
	f, err := os.CreateTemp(i.in("dev"), ".shown")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // the mount keeps it
	if _, err := f.WriteString(text); err != nil {
		return err
	}
	if err := f.Chmod(0o444); err != nil {
		return err
	}
	return bind(f.Name(), i.in(path), true)
}

// DataAt is where a node has Spec.Data; its configuration binds it to where it is wanted.
const DataAt = "/mnt"

// mountRoot makes the root a mount of its own, with a /dev and its data.
func (i *inside) mountRoot() error {
	if err := mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	if err := bind(i.Root, i.Root, true); err != nil {
		return err
	}
	if err := mount("dev", i.in("dev"), "tmpfs", unix.MS_NOSUID|unix.MS_NOEXEC, "mode=0755"); err != nil {
		return err
	}
	return bind(i.Data, i.in(DataAt), false)
}

// mountProc mounts /proc: with a command line and a number of this boot of its own, and the
// settings of the kernel to be read alone, but those of the network, which are the namespace's.
func (i *inside) mountProc() error {
	if err := mount("proc", i.in("proc"), "proc", 0, ""); err != nil {
		return err
	}
	if err := i.show(i.Cmdline+"\n", "proc/cmdline"); err != nil {
		return err
	}
	var id [16]byte
	rand.Read(id[:])
	boot := fmt.Sprintf("%x-%x-%x-%x-%x\n", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
	if err := i.show(boot, "proc/sys/kernel/random/boot_id"); err != nil {
		return err
	}
	for _, path := range []string{"proc/sys", "proc/sysrq-trigger"} {
		if err := bind(i.in(path), i.in(path), true); err != nil && !errors.Is(err, unix.ENOENT) {
			return err
		}
	}
	network := i.in("proc/sys/net")
	if err := bind(network, network, false); err != nil {
		return err
	}
	return mount("none", network, "", unix.MS_REMOUNT|unix.MS_BIND, "")
}

// mountSys mounts /sys and its cgroups, to be read alone: both are this machine's.
func (i *inside) mountSys() error {
	if err := mount("sysfs", i.in("sys"), "sysfs", unix.MS_RDONLY, ""); err != nil {
		return err
	}
	cgroups := i.in("sys/fs/cgroup")
	if unix.Mount("cgroup2", cgroups, "cgroup2", 0, "") != nil {
		return nil // there are none
	}
	return mount("none", cgroups, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, "")
}

// send gives the lab its descriptors.
func (i *inside) send(lab *os.File) error {
	var fds []int
	for _, f := range i.files {
		fds = append(fds, int(f.Fd()))
	}
	return unix.Sendmsg(int(lab.Fd()), []byte{'.'}, unix.UnixRights(fds...), nil, 0)
}

// enterRoot makes dir the root, and nothing of the old one is to be seen.
func enterRoot(dir string) error {
	if err := unix.Chdir(dir); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil { // pivot_root(2): the old one is stacked on it
		return fmt.Errorf("pivot_root %s: %w", dir, err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("unmount the old root: %w", err)
	}
	return unix.Chdir("/")
}

// dropCapabilities takes from the node what would be of the whole machine (capabilities(7)).
func dropCapabilities() error {
	for _, c := range []uintptr{unix.CAP_SYS_MODULE, unix.CAP_SYS_RAWIO, unix.CAP_SYS_TIME, unix.CAP_MKNOD, unix.CAP_SYSLOG} {
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil {
			return fmt.Errorf("drop capability %d: %w", c, err)
		}
	}
	return nil
}

// defaultSignals: a kernel ignores no signal for its init, and whoever started the lab may (make does).
func defaultSignals() {
	for sig := uintptr(1); sig <= 64; sig++ {
		var byDefault [8]uint64
		unix.RawSyscall6(unix.SYS_RT_SIGACTION, sig, uintptr(unsafe.Pointer(&byDefault)), 0, 8, 0, 0)
	}
}

// takeCPUs leaves the node the processors in these places (sched_setaffinity(2)): its VM has a scheduler for each.
func takeCPUs(places []int) error {
	if len(places) == 0 {
		return nil
	}
	var have, take unix.CPUSet
	if err := unix.SchedGetaffinity(0, &have); err != nil {
		return fmt.Errorf("processors: %w", err)
	}
	var there []int
	for cpu := range 8 * int(unsafe.Sizeof(have)) {
		if have.IsSet(cpu) {
			there = append(there, cpu)
		}
	}
	for _, p := range places {
		take.Set(there[p%len(there)])
	}
	if err := unix.SchedSetaffinity(0, &take); err != nil {
		return fmt.Errorf("processors: %w", err)
	}
	return nil
}
