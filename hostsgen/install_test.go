package hostsgen

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/internal/nstest"
)

const mountNS = unix.CLONE_NEWNS

// root is a directory with a tmpfs run/ and an etc/ of its own.
func root(t *testing.T) (run, etc string) {
	t.Helper()
	dir := t.TempDir()
	run, etc = filepath.Join(dir, "run"), filepath.Join(dir, "etc")
	for _, d := range []string{run, etc} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := unix.Mount("tmpfs", d, "tmpfs", 0, "size=64k"); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Unmount(d, unix.MNT_DETACH) })
	}
	return run + "/beaminit", etc
}

func readOnly(t *testing.T, dir string) {
	t.Helper()
	if err := unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func wantFile(t *testing.T, path, want string) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("%s holds %q %v, want %q", path, got, err, want)
	}
}

// mountsOn counts the mounts on path.
func mountsOn(t *testing.T, path string) (n int) {
	t.Helper()
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(b), "\n") {
		if f := strings.Fields(line); len(f) > 4 && f[4] == path {
			n++
		}
	}
	return n
}

func wantMounts(t *testing.T, path string, want int) {
	t.Helper()
	if got := mountsOn(t, path); got != want {
		t.Errorf("%d mounts on %s, want %d", got, path, want)
	}
}

func install(t *testing.T, dir, target, text string) {
	t.Helper()
	shown, err := writeAndShow(dir, target, []byte(text))
	if err != nil || !shown {
		t.Errorf("Install %q: %v, %v, want true", text, shown, err)
	}
	wantFile(t, filepath.Join(dir, filepath.Base(target)), text)
	wantFile(t, target, text)
}

func TestInstallReadOnlyRoot(t *testing.T) {
	nstest.Run(t, mountNS, func(t *testing.T) {
		run, etc := root(t)
		target := etc + "/hosts"
		put(t, target, "the image's\n")
		readOnly(t, etc)
		unix.Umask(0o077)
		install(t, run, target, "one\n")
		wantMounts(t, target, 1)
		if fi, err := os.Stat(target); err != nil || fi.Mode() != 0o644 {
			t.Errorf("mode %v %v, want 0644", fi.Mode(), err)
		}
		before, _ := os.Stat(target)
		install(t, run, target, "one\n")
		if after, _ := os.Stat(target); !os.SameFile(before, after) {
			t.Error("the same text made a new file")
		}
		open, err := os.Open(target)
		if err != nil {
			t.Fatal(err)
		}
		defer open.Close()
		for _, text := range []string{"two, longer\n", "3\n", "", "five\n"} {
			install(t, run, target, text)
			wantMounts(t, target, 1)
		}
		b := make([]byte, 10)
		if n, _ := open.Read(b); string(b[:n]) != "one\n" {
			t.Errorf("an open file reads %q, want what it was", b[:n])
		}
		if err := unix.Unmount(target, 0); err != nil {
			t.Fatal(err)
		}
		wantFile(t, target, "the image's\n")
		if left, _ := filepath.Glob(run + "/.*"); len(left) != 0 {
			t.Errorf("left behind: %q", left)
		}
	})
}

// A run that ended between the rename and the mount.
func TestInstallAfterInterruption(t *testing.T) {
	nstest.Run(t, mountNS, func(t *testing.T) {
		run, etc := root(t)
		target := etc + "/hosts"
		put(t, target, "the image's\n")
		readOnly(t, etc)
		install(t, run, target, "one\n")
		for _, last := range []string{"two\n", "four\n"} {
			for _, text := range []string{"lost\n", "two\n"} {
				if err := Write(run, "hosts", []byte(text)); err != nil {
					t.Fatal(err)
				}
			}
			if same(run+"/hosts", target) {
				t.Fatal("target follows a rename: then Install does too much")
			}
			install(t, run, target, last)
			wantMounts(t, target, 1)
		}
	})
}

func TestInstallWritableRoot(t *testing.T) {
	nstest.Run(t, mountNS, func(t *testing.T) {
		run, etc := root(t)
		install(t, run, etc+"/hosts", "one\n")
		install(t, run, etc+"/hosts", "two\n")
		wantMounts(t, etc+"/hosts", 1)
	})
}

func TestInstallSymlinks(t *testing.T) {
	nstest.Run(t, mountNS, func(t *testing.T) {
		run, etc := root(t)
		elsewhere := filepath.Dir(run) + "/resolv.conf"
		tests := []struct {
			name, to string
			mounts   int // on what it leads to
		}{
			{"hosts", run + "/hosts", 0},
			{"relative", "../run/beaminit/relative", 0},
			{"resolv.conf", elsewhere, 1}, // dangling, and on the tmpfs of run
		}
		for _, tt := range tests {
			if err := os.Symlink(tt.to, etc+"/"+tt.name); err != nil {
				t.Fatal(err)
			}
		}
		readOnly(t, etc)
		for _, tt := range tests {
			for _, text := range []string{"one\n", "two\n", "two\n", "three\n"} {
				install(t, run, etc+"/"+tt.name, text)
				wantMounts(t, etc+"/"+tt.name, 0)
				wantMounts(t, tt.to, tt.mounts)
			}
		}
	})
}

// What somebody else has mounted there is covered, never taken away.
func TestInstallOverOthersMount(t *testing.T) {
	nstest.Run(t, mountNS, func(t *testing.T) {
		run, etc := root(t)
		target := etc + "/hosts"
		put(t, target, "the image's\n")
		put(t, etc+"/other", "a container's\n")
		if err := unix.Mount(etc+"/other", target, "", unix.MS_BIND, ""); err != nil {
			t.Fatal(err)
		}
		install(t, run, target, "one\n")
		install(t, run, target, "two\n")
		wantMounts(t, target, 2)
		if err := unix.Unmount(target, 0); err != nil {
			t.Fatal(err)
		}
		wantFile(t, target, "a container's\n")
	})
}

func TestInstallNoTarget(t *testing.T) {
	nstest.Run(t, mountNS, func(t *testing.T) {
		run, etc := root(t)
		readOnly(t, etc)
		target := etc + "/hosts"
		shown, err := writeAndShow(run, target, []byte("one\n"))
		if shown || !errors.Is(err, unix.EROFS) {
			t.Errorf("got %v, %v, want false and EROFS", shown, err)
		}
		if err != nil && !strings.Contains(err.Error(), "add an empty "+target+" to the image") {
			t.Errorf("no remedy in %q", err)
		}
		wantFile(t, run+"/hosts", "one\n")
	})
}

func TestInstallRunFull(t *testing.T) {
	nstest.Run(t, mountNS, func(t *testing.T) {
		run, etc := root(t)
		target := etc + "/hosts"
		put(t, target, "the image's\n")
		readOnly(t, etc)
		big := bytes.Repeat([]byte("x"), 100<<10) // more than run can hold
		shown, err := writeAndShow(run, target, big)
		if shown || !errors.Is(err, unix.ENOSPC) {
			t.Errorf("got %v, %v, want false and ENOSPC", shown, err)
		}
		wantFile(t, target, "the image's\n")
		install(t, run, target, "one\n")
		shown, err = writeAndShow(run, target, big)
		if !shown || !errors.Is(err, unix.ENOSPC) {
			t.Errorf("got %v, %v, want true and ENOSPC", shown, err)
		}
		if want := "write " + run + "/hosts: no space left on device"; err != nil && err.Error() != want {
			t.Errorf("got %q, want %q", err, want)
		}
		wantFile(t, target, "one\n")
		wantFile(t, run+"/hosts", "one\n")
		if left, _ := filepath.Glob(run + "/.*"); len(left) != 0 {
			t.Errorf("left behind: %q", left)
		}
		install(t, run, target, "two\n")
	})
}

// A run/ that cannot be made, and a target that is no file.
func TestInstallImpossible(t *testing.T) {
	nstest.Run(t, mountNS, func(t *testing.T) {
		_, etc := root(t)
		put(t, etc+"/hosts", "the image's\n")
		readOnly(t, etc)
		shown, err := writeAndShow(etc+"/beaminit", etc+"/hosts", []byte("one\n"))
		if shown || !errors.Is(err, unix.EROFS) {
			t.Errorf("read-only run: got %v, %v, want false and EROFS", shown, err)
		}
		run, etc := root(t)
		if err := os.Mkdir(etc+"/hosts", 0o755); err != nil {
			t.Fatal(err)
		}
		shown, err = writeAndShow(run, etc+"/hosts", []byte("one\n"))
		if shown || !errors.Is(err, unix.ENOTDIR) {
			t.Errorf("a directory as target: got %v, %v, want false and ENOTDIR", shown, err)
		}
	})
}

// writeAndShow is both; shown says whether target shows what the file holds, whatever err is.
func writeAndShow(dir, target string, content []byte) (shown bool, err error) {
	if err = Write(dir, filepath.Base(target), content); err == nil {
		err = Show(dir, target)
	}
	shown = same(filepath.Join(dir, filepath.Base(target)), target)
	return shown, err
}

// same says whether both names lead to the same file now.
func same(path, target string) bool {
	var src, dst unix.Stat_t
	return unix.Stat(path, &src) == nil && unix.Stat(target, &dst) == nil && src.Dev == dst.Dev && src.Ino == dst.Ino
}
