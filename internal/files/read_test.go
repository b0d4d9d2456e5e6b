package files

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// What root finds where it expects a file, made by root or by the user himself.
func TestRead(t *testing.T) {
	roots, users := Rule{}, Rule{User: user}
	tests := []struct {
		name  string
		who   uint32
		shell string
		rule  Rule
		text  string // what is read
		err   string // part of the error, where there is one
	}{
		{"root's", 0, "echo x > f", roots, "x\n", ""},
		{"empty", 0, "echo x > f; : > f", roots, "", ""},
		{"the user's", user, "echo x > his/f", roots, "", "his/f: it belongs to uid 4242; want chown root "},
		{"the user's for him", user, "echo x > his/f", users, "x\n", ""},
		{"another user's", 4243, "echo x > his/f", users, "", "it belongs to uid 4243; want chown root /"},
		{"the group can write", 0, "echo x > f; chmod 0660 f", roots, "", "others than its owner can write to it (mode 0660); want chmod go-w /"},
		{"all can write", 0, "echo x > f; chmod 0666 f", roots, "", "(mode 0666)"},
		{"all can read a key", 0, "echo x > f; chmod 0644 f", Rule{Secret: true}, "", "everybody can read it (mode 0644); want chmod o-r /"},
		{"a group can read a key", 0, "echo x > f; chmod 0640 f", Rule{Secret: true}, "x\n", ""},
		{"a link of root's", 0, "ln -s secret f", roots, "of root", ""},
		{"an absolute one", 0, `ln -s "$PWD/secret" f`, users, "of root", ""},
		{"one after another", 0, "ln -s dir/../g f; ln -s secret g", roots, "of root", ""},
		{"through a directory's", 0, "mkdir d2; ln -s d2 d; echo x > d2/f", roots, "x\n", ""},
		{"round and round", 0, "ln -s g f; ln -s f g", roots, "", "too many levels of symbolic links"},
		{"to nowhere", 0, "ln -s nowhere f", roots, "", "nowhere: no such file"},
		{"a link of the user's", user, "ln -s ../secret his/f", roots, "", "it is a symbolic link, in a directory that others than root can write to; want what it leads to in its place"},
		{"the same for him", user, "ln -s ../secret his/f", users, "", "it is a symbolic link"},
		{"a directory's of the user's", user, "ln -s .. his/d", roots, "", "his/d: it is a symbolic link"},
		{"root's file moved", 0, "cp secret his/g; mv his/g his/f", users, "", "it is root's, in a directory where others can have moved any file of root's; want chown 4242 /"},
		{"one that is known anyway", 0, "cp known his/f", users, "to all", ""},
		{"root's among the user's, for root", 0, "cp secret his/f", roots, "of root", ""},
		{"a FIFO", user, "mkfifo his/f", users, "", "it is a FIFO; want a regular file"},
		{"a directory", 0, "mkdir f", roots, "", "it is a directory; want a regular file"},
		{"a device", 0, "mknod f c 1 5", roots, "", "it is a device; want a regular file"},
		{"too long", user, "truncate -s 1T his/f", users, "", "file too large"},
		{"too long for the rule", 0, "echo 12345 > f", Rule{Limit: 5}, "", "file too large"},
		{"as long as the rule", 0, "echo 1234 > f", Rule{Limit: 5}, "1234\n", ""},
		{"nothing", 0, ":", roots, "", "no such file or directory"},
		{"a file on the way", 0, ": > d", roots, "", "d: not a directory"},
		{"root's by another name", 0, "ln secret his/f", Rule{Any: true}, "", "it belongs to uid 0 and has another name, in a directory where others can have given it this one; want a copy of it"},
		{"by two names of root's", 0, "ln secret f", Rule{Any: true}, "of root", ""},
		{"whatever it is", user, "echo x > his/f; chmod 0666 his/f", Rule{Any: true}, "x\n", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := place(t)
			if tt.who == 4243 {
				must(t, os.Chmod(dir+"/his", 0o777))
			}
			as(t, tt.who, dir, tt.shell)
			path := dir + "/f"
			switch {
			case strings.Contains(tt.shell, "his/d"):
				path = dir + "/his/d/secret"
			case strings.Contains(tt.shell, "his/f"):
				path = dir + "/his/f"
			case strings.HasSuffix(tt.shell, " d") || strings.Contains(tt.shell, " d;"):
				path = dir + "/d/f"
			}
			text, err := Read(path, tt.rule)
			if string(text) != tt.text || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%q, %v; want %q, %q", text, err, tt.text, tt.err)
			}
			if err != nil && !strings.Contains(err.Error(), dir) {
				t.Errorf("%v does not say where", err)
			}
		})
	}
}

// What a file is becomes clear before it is opened: a watchdog would begin to count.
func TestDeviceIsNotOpened(t *testing.T) {
	dir := place(t)
	must(t, unix.Mknod(dir+"/f", unix.S_IFCHR|0o600, int(unix.Mkdev(240, 77)))) // nobody's: ENXIO at the open
	for _, read := range []func(string) error{
		func(p string) error { _, err := Read(p, Rule{}); return err },
	} {
		if err := read(dir + "/f"); !IsRefused(err) {
			t.Errorf("%v", err)
		}
	}
}

// Files of the image and of the kernel are read as os.ReadFile does, and nothing else.
func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	big := bytes.Repeat([]byte("0123456789abcdef"), MaxFile/16)
	must(t, os.WriteFile(dir+"/big", big, 0o600))
	must(t, os.WriteFile(dir+"/bigger", append(big, 'x'), 0o600))
	must(t, os.Symlink("big", dir+"/link"))
	must(t, unix.Mkfifo(dir+"/fifo", 0o600))
	for _, p := range []string{dir + "/big", dir + "/link", "/proc/self/cmdline", "/proc/self/mountinfo", "/proc/self/status"} {
		got, err := ReadFile(p)
		want, _ := os.ReadFile(p)
		if err != nil || !bytes.Equal(got, want) && !strings.HasSuffix(p, "status") {
			t.Errorf("%s: %d bytes, %v; want %d", p, len(got), err, len(want))
		}
	}
	for p, want := range map[string]string{
		dir + "/bigger": "file too large", dir + "/fifo": "it is a FIFO; want a regular file", dir: "it is a directory",
		"/dev/zero": "it is a device", dir + "/none": "no such file or directory",
	} {
		if got, err := ReadFile(p); err == nil || got != nil || !strings.Contains(err.Error(), p) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q %v, want %s", p, got, err, want)
		}
	}
	if _, err := ReadFile(dir + "/none"); !errors.Is(err, fs.ErrNotExist) || !Missing(err) {
		t.Errorf("%v is not fs.ErrNotExist", err)
	}
	if got, err := ReadLimit(dir+"/bigger", MaxFile+1); len(got) != MaxFile+1 || err != nil {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}
