package yoctolayer_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/beaminit/beaminit/yocto-layer/layerfile"
)

// rootfs is a root file system with these files, each "PATH", "PATH=TEXT" or "PATH -> LINK",
// and the class that works on it.
type rootfs struct {
	dir   string
	tools string // where beaminit-native is
	class layerfile.File
}

// native is the directory of beaminit-native, which TestMain removes.
var native = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("go", "build", "-o", nativeDir+"/beaminit", "../cmd/init").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w: %s", err, out)
	}
	return nativeDir, nil
})

var nativeDir string

func TestMain(m *testing.M) {
	var err error
	if nativeDir, err = os.MkdirTemp("", "beaminit-native"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	status := m.Run()
	os.RemoveAll(nativeDir)
	os.Exit(status)
}

func newRootfs(t *testing.T, vars map[string]string, files ...string) rootfs {
	t.Helper()
	work := t.TempDir()
	r := rootfs{dir: work + "/rootfs"}
	var err error
	if r.class, err = layerfile.Read("classes/beaminit-release.bbclass"); err != nil {
		t.Fatal(err)
	}
	if r.tools, err = native(); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{r.dir, work + "/T"} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	maps.Copy(r.class.Vars, map[string]string{
		"IMAGE_ROOTFS": r.dir, "T": work + "/T", "sysconfdir": "/etc", "sbindir": "/usr/sbin", "libdir": "/usr/lib", "base_sbindir": "/sbin", "nonarch_base_libdir": "/lib", "IMGDEPLOYDIR": work + "/deploy",
		"IMAGE_NAME": "image", "IMAGE_LINK_NAME": "link", "BEAMINIT_CHECK_CMDLINE": "hostname=node",
	})
	maps.Copy(r.class.Vars, vars)
	for _, f := range files {
		name, text, _ := strings.Cut(f, "=")
		name, link, isLink := strings.Cut(name, " -> ")
		path := filepath.Join(r.dir, name)
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		switch {
		case isLink:
			err = errors.Join(err, os.Symlink(link, path))
		case strings.HasSuffix(name, "/"):
			err = errors.Join(err, os.MkdirAll(path, 0o755))
		default:
			err = errors.Join(err, os.WriteFile(path, []byte(text), 0o644))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// run runs a function of the class, and gives what it says and whether it ended well.
func (r rootfs) run(t *testing.T, name string) (said string, ok bool) {
	t.Helper()
	script, err := r.class.Script(name)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-e", "-c", script)
	cmd.Env = append(os.Environ(), "PATH="+r.tools+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	return string(out), err == nil
}

// TestWeakDefaults: an image says what it has with ?=, and after the class was inherited: what
// the class gives has to be weaker.
func TestWeakDefaults(t *testing.T) {
	text, err := os.ReadFile("classes/beaminit-release.bbclass")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"BEAMINIT_RELEASE", "BEAMINIT_TOML", "BEAMINIT_ERLINIT_CONFIG", "BEAMINIT_RELEASE_PACKAGE"} {
		if !strings.Contains(string(text), "\n"+name+" ??= \"\"\n") {
			t.Errorf("%s has no weak default (??=)", name)
		}
	}
}

// TestHosts: a link of an image leads, on the build host, to the host's own file or nowhere.
func TestHosts(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(outside, []byte("127.0.1.1 mine\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	nowhere := filepath.Join(t.TempDir(), "resolv.conf")
	for _, c := range []struct {
		name  string
		files []string
		hosts string // of the image
	}{
		{"files", []string{"etc/hosts=127.0.0.1 localhost\n127.0.1.1 machine\n", "etc/resolv.conf=nameserver 8.8.8.8\n"}, "127.0.0.1 localhost\n"},
		{"nothing", []string{"etc/"}, ""},
		{"links", []string{"etc/hosts -> " + outside, "etc/resolv.conf -> " + nowhere}, "127.0.1.1 mine\n"},
		{"relative links", []string{"etc/hosts -> ../run/hosts", "etc/resolv.conf -> ../run/resolv.conf"}, "-"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRootfs(t, nil, c.files...)
			if said, ok := r.run(t, "beaminit_hosts"); !ok || said != "" {
				t.Errorf("beaminit_hosts: %q", said)
			}
			text, err := os.ReadFile(r.dir + "/etc/hosts")
			if err != nil && c.hosts != "-" || string(text) != strings.TrimPrefix(c.hosts, "-") {
				t.Errorf("/etc/hosts is %q (%v), want %q", text, err, c.hosts)
			}
			for _, f := range c.files {
				name, link, isLink := strings.Cut(f, " -> ")
				if got, _ := os.Readlink(filepath.Join(r.dir, name)); isLink && got != link {
					t.Errorf("%s leads to %q, want %q as before", name, got, link)
				}
			}
			if _, err := os.Lstat(nowhere); err == nil {
				t.Error("the build host has a resolv.conf more")
			}
		})
	}
}

// TestMountpoints: the places come from the plan, in whatever way and file they are written.
func TestMountpoints(t *testing.T) {
	outside := t.TempDir()
	wks := filepath.Join(t.TempDir(), "board.wks.in")
	const parts = "# part /nothing\npart /boot --source bootimg-partition\npart / --source rootfs\n  partition /media/data --fstype=ext4 --label ${LABEL}\npart swap --fstype=swap\npart --fstype=ext4\n"
	if err := os.WriteFile(wks, []byte(parts), 0o644); err != nil {
		t.Fatal(err)
	}
	r := newRootfs(t, map[string]string{"WKS_TEMPLATE_PATH": wks, "WKS_FULL_PATH": "/nowhere"},
		"etc/beaminit.toml=[[mount]]\nsource='/dev/vdb'\ntarget = '/data'\ntype=\"ext4\"\n[[mount]]\nsource=\"tmpfs\"\ntype=\"tmpfs\"\n  \"target\"=\"/var/lib/app\"\n"+
			"[[mount]]\nsource=\"/dev/vdc\"\ntype=\"ext4\"\ntarget=\"/mnt/log\"\n",
		"etc/fstab=/dev/vdd /srv/media ext4 defaults 0 0\n",
		"mnt -> "+outside)
	said, ok := r.run(t, "beaminit_mountpoints")
	if !ok || !strings.Contains(said, "WARNING: mount on /mnt/log: /mnt is a link") || strings.Count(said, "\n") != 1 {
		t.Errorf("beaminit_mountpoints: %v, %q", ok, said)
	}
	for _, dir := range []string{"/data", "/var/lib/app", "/srv/media", "/boot", "/media/data"} {
		if st, err := os.Stat(r.dir + dir); err != nil || !st.IsDir() {
			t.Errorf("%s was not made: %v", dir, err)
		}
	}
	if names, err := os.ReadDir(outside); err != nil || len(names) > 0 {
		t.Errorf("outside of the image there is %v (%v) now", names, err)
	}
}

// TestLinkRelease: where meta-erlang's classes install a release, it is found.
func TestLinkRelease(t *testing.T) {
	const hello = "usr/lib/hello/releases/1.0/start.boot"
	for _, c := range []struct {
		name, packages string
		files          []string
		link, says     string
	}{
		{"a package's", "hello", []string{hello, "usr/lib/erlang/releases/27/start.boot"}, "/usr/lib/hello", ""},
		{"there already", "hello", []string{hello, "srv/erlang/releases/1/start.boot"}, "", ""},
		{"of none", "beaminit-demo", []string{hello}, "", ""},
		{"two", "hello other", []string{hello, "usr/lib/other/releases/2/start.boot"}, "", "more than one release in BEAMINIT_RELEASE_PACKAGE: /usr/lib/hello /usr/lib/other; want one\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRootfs(t, map[string]string{"BEAMINIT_RELEASE_PACKAGE": c.packages}, c.files...)
			said, ok := r.run(t, "beaminit_link_release")
			if said != c.says || ok == (c.says != "") {
				t.Errorf("says %q, want %q", said, c.says)
			}
			if link, _ := os.Readlink(r.dir + "/srv/erlang"); link != c.link {
				t.Errorf("/srv/erlang leads to %q, want %q", link, c.link)
			}
		})
	}
}

// TestCheckOfImage: what has no effect is a warning with a list, what does not boot ends the
// build.
func TestCheckOfImage(t *testing.T) {
	const release = "^no.release.to.start" // this image has none
	for _, c := range []struct {
		name, allow string
		files       []string
		says        []string
		ok          bool
	}{
		{"nothing", release, nil, nil, true},
		{"brought for others", release, []string{"etc/systemd/system/app.service", "etc/rc5.d/S20app", "etc/inittab=1:5:respawn:/bin/getty\n"},
			[]string{"WARNING: a node boots", "units of systemd brought by the image, without effect here: app.service; want [[service]]", "init scripts", "/etc/inittab"}, true},
		{"meant", release + " ^note:.image:.units", []string{"etc/systemd/system/app.service"}, nil, true},
		{"a wrong key", release, []string{"etc/beaminit.toml=[supervise]\natempts=3\n"}, []string{"no node would boot from this image:\n/etc/beaminit.toml:2:"}, false},
		{"a module that is not there", release, []string{"etc/beaminit.toml=[kernel]\nmodules=[\"nvme\", \"virtio_net\"]\n", "lib/modules/6.6/modules.dep=kernel/virtio_net.ko:\n", "lib/modules/6.6/modules.builtin=kernel/nvme.ko\n"},
			[]string{"no node would boot", "modules.dep has /lib/modules/6.6/kernel/virtio_net.ko, and the image has not"}, false},
		{"a service that is not there", release, []string{"etc/beaminit.toml=[[service]]\nname=\"sshd\"\nexec=[\"/usr/sbin/dropbear\"]\n"},
			[]string{"no node would boot", "/usr/sbin/dropbear: no such file"}, false},
		{"no release", "", nil, []string{"no node would boot", "no release to start"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRootfs(t, map[string]string{"BEAMINIT_CHECK_ALLOW": c.allow}, append(c.files, "etc/hosts")...)
			said, ok := r.run(t, "beaminit_check")
			if ok != c.ok || len(c.says) == 0 && said != "" {
				t.Errorf("ended well: %v, want %v; says %s", ok, c.ok, said)
			}
			for _, want := range c.says {
				if !strings.Contains(said, want) {
					t.Errorf("says %s\nwant in it %q", said, want)
				}
			}
		})
	}
}

// TestPostinsts: what a package wants done at a first boot is done, or the build says what to
// write.
func TestPostinsts(t *testing.T) {
	const service = "etc/beaminit.toml=[[service]]\nname=\"postinsts\"\nexec=[\"/usr/sbin/run-postinsts\"]\nstart=\"before\"\nrestart=\"once\"\n"
	for _, c := range []struct {
		name  string
		files []string
		says  string
	}{
		{"none", nil, ""},
		{"forgotten", []string{"etc/deb-postinsts/100-ca-certificates", "etc/ipk-postinsts/101-app", "etc/beaminit.toml=# no run-postinsts\n"}, "nothing does it: app ca-certificates ; want in beaminit.toml\n[[service]]\n"},
		{"run", []string{"etc/rpm-postinsts/100-app", service}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRootfs(t, nil, append(c.files, "etc/hosts")...)
			said, ok := r.run(t, "beaminit_postinsts")
			if !strings.Contains(said, c.says) || c.says == "" && said != "" || ok == (c.says != "") {
				t.Errorf("says %q, want %q", said, c.says)
			}
			if _, wanted, found := strings.Cut(said, "want in beaminit.toml\n"); found { // it is a good one
				if _, written, _ := strings.Cut(service, "="); strings.ReplaceAll(wanted, " = ", "=") != written {
					t.Errorf("want to write %q, and that is %q", wanted, written)
				}
			}
		})
	}
}

// TestManifest: what a release is made of is said, wherever it lies.
func TestManifest(t *testing.T) {
	for name, files := range map[string][]string{
		"in place":     {"srv/erlang/erts-15.2/bin/", "srv/erlang/lib/kernel-10.2/ebin/", "srv/erlang/lib/my_app-1.0.0-rc.1/ebin/", "srv/erlang/releases/1/"},
		"in a package": {"srv/erlang -> /usr/lib/app", "usr/lib/app/erts-15.2/bin/", "usr/lib/app/lib/kernel-10.2/ebin/", "usr/lib/app/lib/my_app-1.0.0-rc.1/ebin/"},
	} {
		r := newRootfs(t, nil, files...)
		if said, ok := r.run(t, "beaminit_manifest"); !ok {
			t.Fatalf("%s: %s", name, said)
		}
		text, err := os.ReadFile(filepath.Join(filepath.Dir(r.dir), "deploy/link.release-manifest"))
		if want := "erts 15.2\nkernel 10.2\nmy_app 1.0.0-rc.1\n"; err != nil || string(text) != want {
			t.Errorf("%s: the manifest is %q (%v), want %q", name, text, err, want)
		}
	}
}
