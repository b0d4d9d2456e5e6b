package boot

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/internal/nstest"
)

// asUser runs a line of shell as the user of a release, 4242.
func asUser(t *testing.T, line string) {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-ec", line)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 4242, Gid: 4242}}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("as 4242: %s: %v\n%s", line, err, out)
	}
}

func TestStateDir(t *testing.T) {
	tests := []struct {
		mounts []config.Mount
		want   string
	}{
		{nil, ""},
		{[]config.Mount{{Source: "/dev/vdb", Target: "/data", Type: "ext4"}}, "/data/beaminit"},
		{[]config.Mount{{Source: "ubi0:data", Target: "/d", Type: "ubifs"}}, "/d/beaminit"},
		{[]config.Mount{{Source: "/dev/vdb", Target: "/a", Type: "ext4", Options: []string{"ro"}}, {Source: "/dev/vdc", Target: "/b"}}, "/b/beaminit"},
		{[]config.Mount{{Target: "/tmp", Type: "tmpfs", Options: []string{"size=1m"}}, {Target: "/x", Type: "tmpfs"}}, ""},
		{[]config.Mount{{Target: "/", Options: []string{"remount", "rw"}}}, ""},
	}
	for _, tt := range tests {
		plan, errs := UserMounts(tt.mounts)
		if got := StateDir(plan); got != tt.want || len(errs) > 0 {
			t.Errorf("%v: %q (%v), want %q", tt.mounts, got, errs, tt.want)
		}
	}
}

// disks makes a place with the mount points data and data2, each of which can get a
// disk: a directory of the test's own file system, bound there.
func disks(t *testing.T) (dir string, plan []Mount, mount func(name string, flags uintptr)) {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	nstest.Must(t, err)
	var st unix.Statfs_t
	nstest.Must(t, unix.Statfs(dir, &st))
	if IsInMemory(&st) {
		t.Skip("the temporary directory is in memory: there is no disk to bind")
	}
	for _, name := range []string{"data", "data2"} {
		nstest.Must(t, os.MkdirAll(dir+"/"+name, 0o755))
		nstest.Must(t, os.MkdirAll(dir+"/disk-"+name, 0o755))
		plan = append(plan, Mount{Source: "/dev/" + name, Target: dir + "/" + name, Type: "ext4", Optional: true})
	}
	return dir, plan, func(name string, flags uintptr) {
		t.Helper()
		nstest.Must(t, unix.Mount(dir+"/disk-"+name, dir+"/"+name, "", unix.MS_BIND, ""))
		if flags != 0 {
			nstest.Must(t, unix.Mount("", dir+"/"+name, "", unix.MS_REMOUNT|unix.MS_BIND|flags, ""))
		}
		t.Cleanup(func() { unix.Unmount(dir+"/"+name, unix.MNT_DETACH) })
	}
}

// The state directory is on the first mount that is there and can be written to; nothing
// is made below the mount point of one that is not.
func TestFindState(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		dir, plan, mount := disks(t)
		expect := func(want, problem string) {
			t.Helper()
			got, errs := FindState(plan)
			if want != "" {
				want = dir + want
			}
			if text := texts(errs); got != want || (problem == "") != (text == "") || !strings.Contains(text, problem) {
				t.Errorf("%q, %q; want %q, %q", got, text, want, problem)
			}
		}
		expect("", "")
		mount("data2", 0)
		expect("/data2/beaminit", "") // an absent one with nofail shadows nothing
		if left, _ := os.ReadDir(dir + "/data"); len(left) != 0 {
			t.Errorf("below the mount point: %v", left)
		}
		mount("data", unix.MS_RDONLY)
		expect("/data2/beaminit", "nothing is kept on "+dir+"/data: read-only file system")
		nstest.Must(t, unix.Unmount(dir+"/data", 0))
		nstest.Must(t, unix.Mount("tmpfs", dir+"/data", "tmpfs", 0, "")) // the image's own, say
		expect("/data2/beaminit", "it is a tmpfs, which a reboot empties")
		nstest.Must(t, unix.Unmount(dir+"/data", 0))
		mount("data", 0)
		expect("/data/beaminit", "")
		if info, err := os.Stat(dir + "/data/beaminit"); err != nil || info.Mode() != os.ModeDir|0o700 {
			t.Errorf("%v %v", info, err)
		}
		// A mount that is named by a link of the image's.
		nstest.Must(t, os.Symlink("data", dir+"/link"))
		plan = []Mount{{Source: "/dev/x", Target: dir + "/link", Type: "ext4"}}
		expect("/link/beaminit", "")
	})
}

// What a user does who owns /data: root reads, makes and gives away nothing of others.
func TestStateOfTheUser(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		dir, plan, mount := disks(t)
		nstest.LetIn(t, dir)
		mount("data", 0)
		nstest.Must(t, os.Mkdir(dir+"/victim", 0o755))
		nstest.Must(t, os.Chown(dir+"/data", 4242, 4242))
		nstest.Must(t, os.Chmod(dir+"/data", 0o777)) // however he likes it
		data := dir + "/data/"
		state := data + stateName
		untouched := func() {
			t.Helper()
			if left, _ := os.ReadDir(dir + "/victim"); len(left) != 0 {
				t.Errorf("root made %v", left)
			}
		}
		for _, tt := range []struct{ shell, want string }{
			{"ln -s ../victim " + state, "it is a symbolic link"},
			{"mkdir " + state + "; touch -d 2099-01-01 " + state + "/clock", state + ": it belongs to uid 4242; want chown root " + state},
			{": > " + state, state + ": it is a regular file; want a directory"},
			{"mkfifo " + state, "it is a FIFO; want a directory"},
		} {
			asUser(t, tt.shell)
			got, errs := FindState(plan)
			if text := texts(errs); got != "" || !strings.Contains(text, tt.want) {
				t.Errorf("%s: %q %s, want %q", tt.shell, got, text, tt.want)
			}
			if r := Recall(state); r.Clock != 0 || r.MachineID != "" || !strings.Contains(strings.Join(r.Problems, ""), tt.want) {
				t.Errorf("%s: %+v", tt.shell, r)
			}
			if problems := SaveState(Save{Dir: state, MachineID: someID}); len(problems) != 1 || !strings.Contains(problems[0], tt.want) {
				t.Errorf("%s: %q", tt.shell, problems)
			}
			untouched()
			nstest.Must(t, os.RemoveAll(state))
		}
		// After it was made he puts another in its place.
		if got, errs := FindState(plan); got != state || len(errs) != 0 {
			t.Fatalf("%q %v", got, errs)
		}
		nstest.None(t, asErrors(SaveState(Save{Dir: state, MachineID: someID})))
		if r := Recall(state); r.MachineID != someID || time.Now().Unix()-r.Clock > 60 || len(r.Problems) != 0 {
			t.Errorf("%+v", r)
		}
		asUser(t, "mv "+state+" "+data+"x; ln -s "+dir+"/victim "+state)
		if problems := SaveState(Save{Dir: state, MachineID: someID}); len(problems) != 1 {
			t.Errorf("%q", problems)
		}
		if r := Recall(state); r.MachineID != "" || len(r.Problems) != 1 {
			t.Errorf("%+v", r)
		}
		untouched()
		asUser(t, "rm "+state+"; mv "+data+"x "+state)
		// What others can write to in it is not believed either.
		nstest.Must(t, os.Chmod(state+"/clock", 0o666))
		nstest.Must(t, os.Chown(state+"/machine-id", 4242, 0))
		if r := Recall(state); r.Clock != 0 || r.MachineID != "" || len(r.Problems) != 2 || !strings.Contains(r.Problems[0], "want chmod go-w "+state+"/clock") {
			t.Errorf("%+v", r)
		}
	})
}

func asErrors(lines []string) (errs []error) {
	for _, l := range lines {
		errs = append(errs, constError(l))
	}
	return errs
}
