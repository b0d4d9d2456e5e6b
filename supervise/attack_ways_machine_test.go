package supervise_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/beaminit/beaminit/supervise/control"
	"github.com/beaminit/beaminit/supervise/heart"
	"github.com/beaminit/beaminit/supervise/notify"
	"golang.org/x/sys/unix"
)

// What the attacker of attack_machine_test.go does beside.

// attackNamespaces does it all again as root of a user namespace, which every user may make
// where the kernel has them (user_namespaces(7)), with namespaces in which that root may mount
// and give itself process numbers.
func attackNamespaces() {
	for what, flags := range map[string]uintptr{"files": unix.CLONE_NEWNS, "pids": unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC} {
		cmd := exec.Command("/proc/self/exe", "inside", what)
		cmd.Args[0] = attackerName
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  unix.CLONE_NEWUSER | flags,
			UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
		}
		out, err := cmd.CombinedOutput()
		if err != nil {
			fmt.Println("no namespaces:", err)
		}
		fmt.Print(strings.TrimSuffix(string(out), "done\n"))
	}
}

// attackInside is what the two do. With a namespace of IPC the limits of that are its own.
func attackInside(withFiles bool) {
	attackMounts()
	attackProcesses()
	if withFiles {
		attackFiles()
	}
	attackSockets()
}

// attackMounts mounts over what PID 1 works with, and reads root's files through mounts.
func attackMounts() {
	for _, dir := range []string{"/run/beaminit", "/proc/1", "/etc", "/data"} {
		if unix.Mount("none", dir, "tmpfs", 0, "") == nil {
			os.WriteFile(dir+"/of-the-attacker", nil, 0o666)
			if os.WriteFile("/proc/1/root"+dir+"/of-the-attacker", nil, 0o666) == nil {
				fmt.Println("mount", dir, "for PID 1")
			}
			unix.Unmount(dir, 0)
		}
	}
	for _, dir := range []string{"/data/beaminit", "/root"} {
		if unix.Mount("none", "/tmp", "overlay", 0, "lowerdir="+dir+":/etc") == nil {
			for _, name := range []string{"history", "seed", "secret"} {
				if opens("/tmp/"+name, os.O_RDONLY) == nil {
					fmt.Println("read", dir, name, "through an overlay")
				}
			}
			unix.Unmount("/tmp", 0)
		}
	}
	for _, name := range []string{"user", "mnt", "pid", "net", "ipc", "uts", "cgroup"} {
		if fd, err := unix.Open("/proc/1/ns/"+name, unix.O_RDONLY|unix.O_CLOEXEC, 0); err == nil {
			if unix.Setns(fd, 0) == nil {
				fmt.Println("enter the", name, "namespace of PID 1")
			}
			unix.Close(fd)
		}
	}
	if unix.Mknod("/dev/shm/mem", unix.S_IFCHR|0o666, int(unix.Mkdev(1, 1))) == nil {
		fmt.Println("make a device")
	}
}

// attackSockets says to each of PID 1's sockets what PID 1 would act on, as somebody else
// (unix(7), SCM_CREDENTIALS): as root, as PID 1, as the VM. It says so of each that was taken
// with a lie about who sends it, and of each answer.
func attackSockets() {
	vm := 0
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range stats {
		text, _ := os.ReadFile(name)
		if strings.Contains(string(text), "(beam.smp) ") {
			fmt.Sscan(string(text), &vm)
		}
	}
	reset := heart.Message{Kind: heart.DownAsked, Action: heart.Reboot, Now: true, PID: vm}.Encode()
	lost := heart.Message{Kind: heart.Lost, Reason: heart.Told, PID: vm}.Encode()
	says := map[string][][]byte{
		"/run/beaminit/control": {control.Request{ID: 1, Command: control.Rescue}.Encode()},
		notify.Socket:           {[]byte("READY=1"), []byte("STOPPING=1")},
		heart.Socket:            {lost[:], reset[:]},
	}
	own := unix.Ucred{Pid: int32(os.Getpid()), Uid: uint32(os.Getuid()), Gid: uint32(os.Getgid())}
	for path, messages := range says {
		for _, c := range []unix.Ucred{own, {Pid: own.Pid}, {Pid: 1}, {Pid: int32(vm), Uid: own.Uid, Gid: own.Gid}, {Pid: 1, Uid: own.Uid, Gid: own.Gid}} {
			for _, m := range messages {
				err := sayAs(c, path, m)
				if err == nil && (c.Pid != own.Pid || path == "/run/beaminit/control") {
					fmt.Printf("say to %s as process %d of uid %d: %q\n", path, c.Pid, c.Uid, m)
				}
			}
		}
		keepOpen(path)
	}
}

// sayAs sends a message with that word about who sends it, and all descriptors that one message
// can carry (unix(7), SCM_RIGHTS).
func sayAs(c unix.Ucred, path string, message []byte) error {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	const most = 253 // SCM_MAX_FD
	fds := make([]int, most)
	for i := range fds {
		fds[i] = 1
	}
	for {
		err = unix.Sendmsg(fd, message, append(unix.UnixCredentials(&c), unix.UnixRights(fds...)...), &unix.SockaddrUnix{Name: path}, 0)
		if err != unix.EAGAIN { // there are others in the queue (net.unix.max_dgram_qlen)
			return err
		}
		time.Sleep(time.Millisecond)
	}
}

// keepOpen connects as many sockets as this process may have, and leaves them so.
func keepOpen(path string) {
	for {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return
		}
		defer unix.Close(fd)
		unix.Connect(fd, &unix.SockaddrUnix{Name: path})
	}
}

// attackNames starts the node's own program under each of its names, with an order of its own,
// as the release can: it says what comes out that is no complaint.
func attackNames(names []string) {
	order := `{"Dir":"/data/beaminit","Path":"/root/secret","Mounts":[{"Source":"none","Target":"/etc","Type":"tmpfs"}],"Seed":true,"Text":"x","From":"/root","To":{"Dir":"/tmp"}}`
	for _, name := range names {
		words := strings.Split(name, " ")
		for _, file := range []string{"/sbin/init", "/proc/1/exe"} {
			cmd := exec.Command(file, words[1:]...)
			cmd.Args[0] = words[0]
			cmd.Stdin = strings.NewReader(order)
			var out strings.Builder
			cmd.Stdout = &out
			if err := cmd.Start(); err != nil {
				continue
			}
			over := time.AfterFunc(2*time.Second, func() { cmd.Process.Kill() }) // of a child that serves until its input ends
			err := cmd.Wait()
			over.Stop()
			switch text := out.String(); {
			case strings.Contains(name, "attacker files"): // it was executed, as what it is
				fmt.Print(strings.TrimSuffix(text, "done\n"))
			case strings.Contains(text, "of-root"):
				fmt.Printf("%s: %v, and it says %q\n", name, err, text)
			}
		}
	}
}

// attackPlaces puts something else in the place of what PID 1 has written for the release, and
// of what it is going to write.
func attackPlaces(dir string) {
	list, _ := os.ReadDir(dir)
	for _, e := range list {
		os.RemoveAll(filepath.Join(dir, e.Name()))
		for _, name := range []string{e.Name(), "." + e.Name() + ".new"} {
			path := filepath.Join(dir, name)
			os.Mkdir(path, 0o700)
			os.WriteFile(path+"/full", nil, 0o600)
			os.Chdir(path)
			for range 300 { // more than the descriptors that who removes it may have
				os.Mkdir("deep", 0o700)
				os.Chdir("deep")
			}
			os.Chmod(path, 0)
		}
	}
	os.Chdir("/")
	os.Chmod(dir, 0)
}

// attackRoom fills the file systems that those directories are on, to the last byte and the
// last name.
func attackRoom(dirs []string) {
	for _, dir := range dirs {
		os.Chmod(dir, 0o700)
		big := make([]byte, 1<<20)
		for i, size := 0, len(big); size > 0; i++ {
			if os.WriteFile(filepath.Join(dir, "full"+strconv.Itoa(i)), big[:size], 0o600) != nil {
				size /= 2
			}
		}
		for i := 0; os.Mkdir(filepath.Join(dir, "no"+strconv.Itoa(i)), 0o700) == nil; i++ {
		}
	}
}

// attackNamesOnTheWay puts a link to a directory of root's in the place of one of its own, and
// takes it away again, over and over: whoever looks before it opens is led astray.
func attackNamesOnTheWay(dir, victim string) {
	times := 0
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); {
		if os.Rename(dir, dir+".aside") != nil {
			continue
		}
		if os.Symlink(victim, dir) == nil {
			times++
		}
		time.Sleep(20 * time.Microsecond)
		os.Remove(dir)
		os.Rename(dir+".aside", dir)
	}
	fmt.Println(times)
}

// acl is an access control list as the kernel has it in an extended attribute (acl(5),
// linux/posix_acl_xattr.h): all for that user too.
func acl(uid uint32) []byte {
	const userObj, user, groupObj, mask, other = 1, 2, 4, 16, 32
	b := binary.LittleEndian.AppendUint32(nil, 2)
	for _, e := range []struct {
		tag, perm uint16
		id        uint32
	}{{userObj, 7, ^uint32(0)}, {user, 7, uid}, {groupObj, 7, ^uint32(0)}, {mask, 7, ^uint32(0)}, {other, 0, ^uint32(0)}} {
		b = binary.LittleEndian.AppendUint16(b, e.tag)
		b = binary.LittleEndian.AppendUint16(b, e.perm)
		b = binary.LittleEndian.AppendUint32(b, e.id)
	}
	return b
}
