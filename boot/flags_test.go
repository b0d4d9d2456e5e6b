package boot

import (
	"os"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/config/fstab"
	"github.com/beaminit/beaminit/internal/nstest"

	"golang.org/x/sys/unix"
)

// Each word of the table is mounted for real on a tmpfs and read back. want and
// not are words of the mount's or the super block's options. Some flags the
// kernel keeps to itself: of them only the acceptance is seen.
var flagCases = []struct {
	options string
	want    string
	not     string
}{
	{"defaults", "rw relatime", "nosuid nodev noexec sync dirsync"},
	{"ro", "ro", "rw"},
	{"ro,rw", "rw", "ro"},
	{"nosuid", "nosuid", "nodev noexec"},
	{"nosuid,suid", "rw", "nosuid"},
	{"nodev", "nodev", "nosuid noexec"},
	{"nodev,dev", "rw", "nodev"},
	{"noexec", "noexec", "nosuid nodev"},
	{"noexec,exec", "rw", "noexec"},
	{"nosymfollow", "nosymfollow", "nosuid"},
	{"nosymfollow,symfollow", "rw", "nosymfollow"},
	{"sync", "sync", "dirsync"},
	{"sync,async", "rw", "sync"},
	{"dirsync", "dirsync", "sync"},
	{"mand", "rw", ""},
	{"mand,nomand", "rw", "mand"},
	{"noatime", "noatime", "relatime"},
	{"noatime,atime", "relatime", "noatime"},
	{"nodiratime", "nodiratime relatime", "noatime"},
	{"nodiratime,diratime", "relatime", "nodiratime"},
	{"relatime", "relatime", "noatime"},
	{"noatime,relatime", "relatime", "noatime"},
	{"strictatime,relatime", "relatime", ""},
	{"relatime,norelatime", "relatime", ""}, // the kernel's default
	{"strictatime", "rw", "relatime noatime"},
	{"noatime,strictatime", "rw", "relatime noatime"},
	{"strictatime,noatime", "noatime", "relatime"},
	{"strictatime,nostrictatime", "relatime", "noatime"},
	{"lazytime", "lazytime", ""},
	{"lazytime,nolazytime", "rw", "lazytime"},
	{"iversion", "rw", ""},
	{"iversion,noiversion", "rw", ""},
	{"silent", "rw", ""},
	{"silent,loud", "rw", ""},
	{"user", "nosuid nodev noexec", ""},
	{"users,exec", "nosuid nodev", "noexec"},
	{"owner", "nosuid nodev", "noexec"},
	{"group", "nosuid nodev", "noexec"},
	{"user,nouser,noowner,nogroup", "rw", ""},
	{"_netdev,auto,nofail", "rw", ""},
	{"ro,nosuid,nodev,noexec,noatime,size=64k", "ro nosuid nodev noexec noatime size=64k", "rw"},
	{"x-systemd.automount,X-mount.mkdir,comment=data,size=128k", "size=128k", ""},
}

// Words whose effect is not in the options of a tmpfs: see the tests below.
const elsewhere = "bind rbind remount shared rshared private rprivate slave rslave unbindable runbindable noauto"

func TestFlagsReallyMounted(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		dir := t.TempDir()
		for _, c := range flagCases {
			plan, problems := UserMounts([]config.Mount{{Source: "tmpfs", Target: dir, Type: "tmpfs", Options: strings.Split(c.options, ",")}})
			nstest.None(t, problems)
			nstest.None(t, MountAll(plan))
			on := mounted(t, dir)
			if len(on) != 1 {
				t.Fatalf("%s: %d mounts on %s, want 1", c.options, len(on), dir)
			}
			// ro and rw of the super block are another matter than the mount's.
			super := strings.TrimPrefix(strings.TrimPrefix(on[0].Super, "rw"), "ro")
			all := on[0].Options + super
			for _, w := range strings.Fields(c.want) {
				if !hasWord(all, w) {
					t.Errorf("%s: got %q, want %q in it", c.options, all, w)
				}
			}
			for _, w := range strings.Fields(c.not) {
				if hasWord(all, w) {
					t.Errorf("%s: got %q, want no %q in it", c.options, all, w)
				}
			}
			nstest.Must(t, unix.Unmount(dir, 0))
		}
	})
}

func TestEveryWordHasACase(t *testing.T) {
	tested := strings.Fields(elsewhere)
	for _, c := range flagCases {
		tested = append(tested, strings.Split(c.options, ",")...)
	}
	for _, w := range optionWords {
		if !hasWord(strings.Join(tested, ","), w.name) {
			t.Errorf("the word %q of the flag table is never mounted", w.name)
		}
	}
}

func TestPropagationReallyMounted(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		dir := t.TempDir()
		sub := dir + "/sub"
		for _, c := range []struct{ options, top, below string }{
			{"defaults", "", ""},
			{"shared", "shared:", ""},
			{"rshared", "shared:", "shared:"},
			{"shared,private", "", ""},
			{"rshared,rprivate", "", ""},
			{"unbindable", "unbindable", ""},
			{"runbindable", "unbindable", "unbindable"},
			{"rslave", "", ""}, // of no one
			{"slave", "", ""},
		} {
			nstest.Must(t, unix.Mount("tmpfs", dir, "tmpfs", 0, ""))
			nstest.Must(t, os.Mkdir(sub, 0o755))
			nstest.Must(t, unix.Mount("tmpfs", sub, "tmpfs", 0, ""))
			plan, problems := UserMounts([]config.Mount{{Target: dir, Options: []string{c.options}}})
			if c.options != "defaults" {
				nstest.None(t, problems)
			}
			nstest.None(t, MountAll(plan))
			for _, at := range []struct{ target, want string }{{dir, c.top}, {sub, c.below}} {
				if got := mounted(t, at.target)[0].Tags; !strings.HasPrefix(got, at.want) || at.want == "" && got != "" {
					t.Errorf("%s: propagation of %s is %q, want %q", c.options, at.target, got, at.want)
				}
			}
			nstest.Must(t, unix.Unmount(dir, unix.MNT_DETACH))
		}
	})
}

func TestBindReallyMounted(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		dir := t.TempDir()
		nstest.Must(t, os.MkdirAll(dir+"/from/below", 0o755))
		nstest.Must(t, os.WriteFile(dir+"/hosts", []byte("x\n"), 0o644))
		nstest.Must(t, unix.Mount("tmpfs", dir+"/from/below", "tmpfs", 0, ""))
		nstest.Must(t, os.WriteFile(dir+"/from/below/file", nil, 0o644))
		ms := []config.Mount{
			{Source: dir + "/from", Target: dir + "/bind", Options: []string{"bind", "ro", "nosuid", "nodev", "noexec", "noatime", "rprivate"}},
			{Source: dir + "/from", Target: dir + "/rbind", Options: []string{"rbind"}},
			{Source: dir + "/hosts", Target: dir + "/deep/er/hosts", Options: []string{"bind", "ro"}},
		}
		plan, problems := UserMounts(ms)
		nstest.None(t, problems)
		for range 2 { // the second time nothing is left to do
			nstest.None(t, MountAll(plan))
		}
		for target, want := range map[string]string{"/bind": "ro,nosuid,nodev,noexec,noatime", "/rbind": "rw,relatime", "/deep/er/hosts": "ro,relatime"} {
			on := mounted(t, dir+target)
			if len(on) != 1 || on[0].Options != want {
				t.Errorf("%s: got %+v, want one mount with %s", target, on, want)
			}
		}
		if _, err := os.Stat(dir + "/bind/below/file"); err == nil {
			t.Error("bind took the mount below along")
		}
		if _, err := os.Stat(dir + "/rbind/below/file"); err != nil {
			t.Errorf("rbind did not take the mount below along: %v", err)
		}
		nstest.Must(t, unix.Unmount(dir+"/rbind", unix.MNT_DETACH))
		nstest.Must(t, unix.Unmount(dir+"/bind", 0))
		nstest.Must(t, unix.Unmount(dir+"/deep/er/hosts", 0))
		nstest.Must(t, unix.Unmount(dir+"/from/below", 0))
	})
}

func TestFlagWords(t *testing.T) {
	for _, c := range []struct {
		m    Mount
		want string
	}{
		{Mount{Source: "tmpfs", Target: "/run", Type: "tmpfs", Flags: unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC, Data: "mode=0755"},
			"tmpfs on /run type tmpfs (rw,nosuid,nodev,noexec,mode=0755)"},
		{Mount{Source: "/dev/vdb", Target: "/data", Type: "ext4", Flags: unix.MS_RDONLY | unix.MS_NOATIME}, "/dev/vdb on /data type ext4 (ro,noatime)"},
		{Mount{Source: "/a", Target: "/b", Flags: unix.MS_BIND}, "/a on /b (rw,bind)"},
		{Mount{Source: "/a", Target: "/b", Flags: unix.MS_BIND | unix.MS_REC, Propagation: unix.MS_PRIVATE}, "/a on /b (rw,rbind,private)"},
		{Mount{Source: "/a", Target: "/b", Flags: unix.MS_BIND, Propagation: unix.MS_PRIVATE | unix.MS_REC}, "/a on /b (rw,bind,rprivate)"},
		{Mount{Source: "tmpfs", Target: "/tmp", Type: "tmpfs", Flags: unix.MS_REMOUNT}, "tmpfs on /tmp type tmpfs (rw,remount)"},
	} {
		if got := c.m.String(); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

// What String prints is understood again as the same flags.
func TestFlagWordsRoundTrip(t *testing.T) {
	for _, w := range optionWords {
		var o, back options
		o.word(w.name)
		back.add(string(flagWords(nil, o.flags, o.spread)))
		if back.flags != o.flags || back.spread != o.spread || len(back.data) != 0 {
			t.Errorf("%s: flags %#x %#x print as %q, which is %#x %#x %v", w.name, o.flags, o.spread,
				flagWords(nil, o.flags, o.spread), back.flags, back.spread, back.data)
		}
	}
}

func FuzzOptions(f *testing.F) {
	for _, c := range flagCases {
		f.Add(c.options)
	}
	f.Add(`context="system_u:object_r:tmp_t:s0:c127,c456",noexec`)
	f.Add(`",`)
	f.Fuzz(func(t *testing.T, list string) {
		var o options
		o.add(list)
		var again options
		again.add(string(flagWords(nil, o.flags, o.spread)))
		if again.flags != o.flags || again.spread != o.spread {
			t.Errorf("%q: flags %#x %#x do not survive printing: %#x %#x", list, o.flags, o.spread, again.flags, again.spread)
		}
		for _, word := range o.data {
			if word == "" {
				t.Errorf("%q: empty word in data %q", list, o.data)
			}
		}
	})
}

// What is a flag here is no unknown option there.
func TestOptionWordsAreKnown(t *testing.T) {
	for _, w := range optionWords {
		if _, ok := fstab.CheckOption("ext4", w.name); !ok {
			t.Errorf("config: %s is no option", w.name)
		}
	}
}
