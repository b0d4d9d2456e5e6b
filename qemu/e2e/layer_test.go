package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/beaminit/beaminit/qemu/image"
	"github.com/beaminit/beaminit/yocto-layer/layerfile"
)

const (
	layerDir = "../../yocto-layer"
	machine  = "qemux86-64"
)

// rootfs is a root file system that was put together as BitBake would, by what the
// layer's own files say: its functions are run, its variables followed. What comes from
// openembedded-core (base-files, base-passwd, update-alternatives, the C library) is
// stood in for.
type rootfs struct {
	t     *testing.T
	work  string         // everything below it
	dir   string         // the root
	image layerfile.File // the image with the class that it inherits
}

// layerFile reads a file of the layer, with the variables of bitbake.conf that it uses.
func layerFile(t *testing.T, name string, more map[string]string) layerfile.File {
	t.Helper()
	f, err := layerfile.Read(filepath.Join(layerDir, name))
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(f.Vars, map[string]string{
		"base_sbindir": "/sbin", "base_bindir": "/bin", "bindir": "/usr/bin", "libdir": "/usr/lib", "sbindir": "/usr/sbin", "sysconfdir": "/etc", "mandir": "/usr/share/man",
		"MACHINE": machine, "MACHINE_ESSENTIAL_EXTRA_RDEPENDS": "",
	})
	maps.Copy(f.Vars, more)
	return f
}

// value gives a variable of a file that must have it.
func value(t *testing.T, f layerfile.File, name string) string {
	t.Helper()
	v, err := f.Value(name)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// call runs one of a file's shell functions as BitBake does, as root or as its own
// user namespace's, and gives what it said.
func (r rootfs) call(f layerfile.File, name string) (string, error) {
	script, err := f.Script(name)
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(r.t.Context(), "sh", "-e", "-c", script)
	cmd.Env = append(os.Environ(), "PATH="+r.work+"/native/usr/bin:"+os.Getenv("PATH")+":/usr/sbin:/sbin")
	if os.Geteuid() != 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER,
			UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
		}
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s: %w: %s", name, err, bytes.TrimSpace(out))
	}
	return string(out), err
}

func (r rootfs) must(f layerfile.File, name string) {
	r.t.Helper()
	if _, err := r.call(f, name); err != nil {
		r.t.Fatal(err)
	}
}

// write puts a file that the layer does not bring into the root.
func (r rootfs) write(name, text string) {
	r.t.Helper()
	file := filepath.Join(r.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
		r.t.Fatal(err)
	}
}

// layRootfs makes the root of an image of a user's own: the layer's beaminit-image.inc
// with the demo release as a tar.gz and this configuration.
func layRootfs(t *testing.T, init string, toml []byte) rootfs {
	t.Helper()
	work := t.TempDir()
	r := rootfs{t: t, work: work, dir: filepath.Join(work, "rootfs")}
	for _, dir := range []string{"build", "T", "demo"} {
		if err := os.Mkdir(filepath.Join(work, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	demo, tar, config := work+"/demo/release", work+"/demo.tar.gz", work+"/beaminit.toml"
	building.Lock()
	defer building.Unlock()
	if err := errors.Join(image.Demo(buildDir, demo, func(s string) { t.Log(s) }), os.WriteFile(config, toml, 0o644)); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("tar", "-C", demo, "-czf", tar, ".").CombinedOutput(); err != nil {
		t.Fatalf("tar: %v: %s", err, out)
	}
	r.image = layerFile(t, "classes/beaminit-release.bbclass", nil)
	inc := layerFile(t, "recipes-core/images/beaminit-image.inc", nil)
	if !slices.Contains(strings.Fields(inheritedBy(t, "recipes-core/images/beaminit-image.inc")), "beaminit-release") {
		t.Fatal("beaminit-image.inc does not inherit beaminit-release")
	}
	maps.Copy(r.image.Vars, inc.Vars)
	maps.Copy(r.image.Vars, map[string]string{
		"BEAMINIT_RELEASE_PACKAGE": "", "BEAMINIT_RELEASE": tar, "BEAMINIT_TOML": config,
		"BEAMINIT_CHECK_CMDLINE": strings.Replace(r.image.Vars["BEAMINIT_CHECK_CMDLINE"], "${@d.getVar('MACHINE').replace('_', '-')}", machine, 1),
		"IMAGE_ROOTFS":           r.dir, "T": work + "/T", "IMGDEPLOYDIR": work + "/deploy", "IMAGE_NAME": "image-" + machine, "IMAGE_LINK_NAME": "",
	})
	recipe := layerFile(t, "recipes-core/beaminit/beaminit_git.bb", map[string]string{
		"PN": "beaminit", "B": work + "/build", "READELF": "readelf", "BEAMINIT_SRC": "tree",
		"BEAMINIT_UNPACKED": layerDir + "/recipes-core/beaminit/files", "S": layerDir + "/..",
	})
	copied(t, init, work+"/build/beaminit")
	r.installs(recipe)
	resize := filepath.Join(r.dir, "usr/sbin/resize2fs") // of e2fsprogs-resize2fs, for grow
	if err := os.MkdirAll(filepath.Dir(resize), 0o755); err != nil {
		t.Fatal(err)
	}
	copied(t, "/usr/sbin/resize2fs", resize)
	copied(t, resize, work+"/demo/resize2fs")
	if err := image.AddLibraries(r.dir, work+"/demo"); err != nil {
		t.Fatal(err)
	}
	// In this order, by image.bbclass.
	steps := value(t, r.image, "ROOTFS_POSTPROCESS_COMMAND:prepend") + " " + value(t, r.image, "ROOTFS_POSTPROCESS_COMMAND:append")
	for _, name := range strings.Fields(steps + " " + value(t, r.image, "do_rootfs[postfuncs]")) {
		r.must(r.image, name)
	}
	return r
}

func copied(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, data, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// installs puts the packages of IMAGE_INSTALL into the root.
func (r rootfs) installs(recipe layerfile.File) {
	t := r.t
	t.Helper()
	group := layerFile(t, "recipes-core/packagegroups/packagegroup-beaminit.bb", nil)
	for _, name := range strings.Fields(value(t, r.image, "IMAGE_INSTALL")) {
		if name != "packagegroup-beaminit" {
			t.Fatalf("IMAGE_INSTALL has %s, which this test does not know", name)
		}
		for _, pkg := range strings.Fields(value(t, group, "RDEPENDS:${PN}")) {
			switch pkg {
			case "base-files":
				for _, dir := range []string{"boot", "dev", "home", "mnt", "proc", "root", "run", "sys", "tmp", "var"} {
					if err := os.MkdirAll(filepath.Join(r.dir, dir), 0o755); err != nil {
						t.Fatal(err)
					}
				}
				r.write("etc/hostname", machine+"\n")
				r.write("etc/hosts", "127.0.0.1 localhost.localdomain localhost\n127.0.1.1 "+machine+"\n")
			case "base-passwd":
				r.write("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/sh\n")
				r.write("etc/group", "root:x:0:\nnogroup:x:65534:\n")
			case "netbase":
				r.write("etc/services", "ssh 22/tcp\n")
			case "beaminit":
				r.beaminit(recipe)
			default:
				t.Fatalf("packagegroup-beaminit wants %s, which this test does not know", pkg)
			}
		}
	}
}

// beaminit installs the recipe's package beaminit, and beaminit-native for the build.
func (r rootfs) beaminit(recipe layerfile.File) {
	t := r.t
	t.Helper()
	recipe.Vars["D"] = r.work + "/native"
	r.must(recipe, "do_install:class-native")
	recipe.Vars["D"] = r.work + "/image"
	r.must(recipe, "do_install")
	for _, name := range strings.Fields(value(t, recipe, "do_install[postfuncs]")) {
		r.must(recipe, name)
	}
	mine, others := strings.Fields(value(t, recipe, "FILES:${PN}")), strings.Fields(value(t, recipe, "FILES:${PN}-sh"))
	err := filepath.WalkDir(recipe.Vars["D"], func(file string, e fs.DirEntry, err error) error {
		name := strings.TrimPrefix(file, recipe.Vars["D"])
		if err != nil || e.IsDir() || slices.Contains(others, name) {
			return err
		}
		if strings.HasPrefix(name, "/usr/share/man/") {
			return nil // of the package beaminit-doc, which is in no image by itself
		}
		if !slices.Contains(mine, name) {
			return fmt.Errorf("do_install makes %s, which is in FILES of no package", name)
		}
		to := filepath.Join(r.dir, name)
		if target, err := os.Readlink(file); err == nil {
			return errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.Symlink(target, to))
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		r.write(name, string(data))
		st, err := e.Info()
		if err != nil {
			return err
		}
		return os.Chmod(to, st.Mode().Perm())
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range strings.Fields(value(t, recipe, "ALTERNATIVE:${PN}")) {
		link := filepath.Join(r.dir, value(t, recipe, "ALTERNATIVE_LINK_NAME["+name+"]"))
		if err := os.Symlink(value(t, recipe, "ALTERNATIVE_TARGET"), link); err != nil {
			t.Fatal(err)
		}
	}
}
