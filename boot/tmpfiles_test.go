package boot

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/config/tmpfiles"
	"github.com/beaminit/beaminit/internal/nstest"

	"golang.org/x/sys/unix"
)

// tmpOwners are the users of TestTmpfiles.
func tmpOwners(user, group string) (uid, gid uint32, err error) {
	numbers := map[string]uint32{"": 0, "root": 0, "app": 1000}
	uid, ok := numbers[user]
	gid, okGroup := numbers[group]
	if !ok || !okGroup {
		err = fmt.Errorf("no user %q", user+group)
	}
	return uid, gid, err
}

// seen tells a tree: mode, owner, and what is in files and links.
func seen(t *testing.T, root string) string {
	t.Helper()
	var b strings.Builder
	nstest.Must(t, filepath.Walk(root, func(p string, st os.FileInfo, err error) error {
		if err != nil || p == root {
			return err
		}
		var s unix.Stat_t
		nstest.Must(t, unix.Lstat(p, &s))
		fmt.Fprintf(&b, "%s %o %d:%d", strings.TrimPrefix(p, root), s.Mode&0o7777, s.Uid, s.Gid)
		if st.Mode().IsRegular() {
			text, err := os.ReadFile(p)
			nstest.Must(t, err)
			fmt.Fprintf(&b, " %q", text)
		} else if to, err := os.Readlink(p); err == nil {
			b.WriteString(" -> " + to)
		}
		b.WriteByte('\n')
		return nil
	}))
	return b.String()
}

func TestTmpfiles(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		nstest.Must(t, unix.Mount("tmpfs", "/tmp", "tmpfs", 0, "mode=0755"))
		for _, dir := range []string{"there", "emptied/deep", "release/own"} {
			nstest.Must(t, os.MkdirAll("/tmp/"+dir, 0o755))
		}
		nstest.Must(t, os.WriteFile("/tmp/there/file", []byte("kept"), 0o600))
		nstest.Must(t, os.WriteFile("/tmp/emptied/deep/old", nil, 0o600))
		nstest.Must(t, os.WriteFile("/tmp/there/stale", nil, 0o600))
		nstest.Must(t, os.Symlink("elsewhere", "/tmp/there/link"))
		nstest.Must(t, os.Chown("/tmp/release", 1000, 1000)) // and so it can put a link there
		nstest.Must(t, os.Symlink("/tmp/there", "/tmp/release/trap"))
		line := func(kind byte, path string, mode int, user, arg string) tmpfiles.Line {
			return tmpfiles.Line{Type: kind, Path: "/tmp/" + path, Mode: mode, User: user, Group: user, Arg: arg}
		}
		force := line('L', "there/link", -1, "", "new")
		force.Force = true
		errs := Tmpfiles([]tmpfiles.Line{
			line('f', "made/below/file", 0o640, "app", "text"), // before the line of its directory
			line('d', "made/below", 0o1777, "", ""),
			line('d', "there", 0o750, "app", ""),
			line('D', "emptied", -1, "", ""),
			line('f', "there/file", 0o666, "", "not this"),
			line('F', "there/other", -1, "", "this"),
			line('C', "there/copy", 0o600, "", "/tmp/there/file"),
			force,
			line('L', "there/linked", -1, "", "file"),
			line('z', "release/own", 0o700, "", ""),
			line('r', "there/stale", -1, "", ""),
			line('r', "there/no/such", -1, "", ""),
			line('d', "there/stale", 0o700, "", ""), // made when it is gone
			line('w', "no/such", -1, "", "x"),
			{Type: 'w', Path: "/proc/sys/net/ipv4/ip_default_ttl", Mode: -1, Arg: "44"},
			line('z', "nothing", 0o700, "", ""),
			line('d', "release/trap/mine", 0o777, "app", ""),
			line('d', "release/trap", 0o777, "app", ""),
			line('d', "nobodys", 0o755, "ghost", ""),
			line('d', "there/file", 0o755, "", ""),
		}, tmpOwners)
		want := `/emptied 755 0:0
/made 755 0:0
/made/below 1777 0:0
/made/below/file 640 1000:1000 "text"
/release 755 1000:1000
/release/own 700 0:0
/release/trap 777 0:0 -> /tmp/there
/there 750 1000:1000
/there/copy 600 0:0 "kept"
/there/file 600 0:0 "kept"
/there/other 644 0:0 "this"
/there/stale 700 0:0
`
		if ttl, err := os.ReadFile("/proc/sys/net/ipv4/ip_default_ttl"); err != nil || string(ttl) != "44\n" {
			t.Errorf("w: got %q, %v", ttl, err)
		}
		got := seen(t, "/tmp")
		// The links lie in a directory that is the release's by then: refused.
		want = strings.Replace(want, "/there/other", "/there/link 777 0:0 -> elsewhere\n/there/other", 1)
		if got != want {
			t.Errorf("got\n%swant\n%s", got, want)
		}
		var told []string
		for _, err := range errs {
			told = append(told, err.Error())
		}
		for _, want := range []string{"d /tmp/nobodys: no user", "d /tmp/release/trap/mine: ", "d /tmp/release/trap: ", "d /tmp/there/file: ", "L /tmp/there/link: ", "L /tmp/there/linked: "} {
			if !strings.Contains(strings.Join(told, "\n"), "tmpfiles.d: "+want) {
				t.Errorf("no error %q in\n%s", want, strings.Join(told, "\n"))
			}
		}
		if len(errs) != 6 {
			t.Errorf("%d errors, want 6:\n%s", len(errs), strings.Join(told, "\n"))
		}
	})
}

// TestTmpfilesReadOnly: what is as it should be needs no writing, and what is not says what
// to do.
func TestTmpfilesReadOnly(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		nstest.Must(t, unix.Mount("tmpfs", "/tmp", "tmpfs", 0, "mode=0755"))
		nstest.Must(t, os.Mkdir("/tmp/lib", 0o755))
		nstest.Must(t, unix.Mount("", "/tmp", "", unix.MS_REMOUNT|unix.MS_RDONLY, ""))
		for _, c := range []struct {
			line tmpfiles.Line
			want string
		}{
			{tmpfiles.Line{Type: 'd', Path: "/tmp/lib", Mode: 0o755, User: "root"}, ""},
			{tmpfiles.Line{Type: 'd', Path: "/tmp/lib/", Mode: -1}, ""},
			{tmpfiles.Line{Type: 'r', Path: "/tmp/none", Mode: -1}, ""},
			{tmpfiles.Line{Type: 'd', Path: "/tmp/new", Mode: 0o755}, "tmpfiles.d: d /tmp/new: mkdir /tmp/new: read-only file system; want a [[mount]] there, or it in the image"},
			{tmpfiles.Line{Type: 'f', Path: "/tmp/lib/file", Mode: -1}, "tmpfiles.d: f /tmp/lib/file: write /tmp/lib/file: read-only file system; want"},
		} {
			errs := Tmpfiles([]tmpfiles.Line{c.line}, tmpOwners)
			if got := fmt.Sprint(errs); !strings.Contains(got, c.want) || len(errs) > 0 != (c.want != "") {
				t.Errorf("%v: got %s, want %q", c.line, got, c.want)
			}
		}
	})
}
