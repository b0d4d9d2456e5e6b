package yoctolayer_test

import (
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/yocto-layer/layerfile"
)

// TestImages: what the images ask for has to exist, and no shell among it.
func TestImages(t *testing.T) {
	image := vars(t, "recipes-core/images/beaminit-image.inc")
	if got := image["IMAGE_INSTALL"]; got != "packagegroup-beaminit ${BEAMINIT_RELEASE_PACKAGE}" {
		t.Errorf("IMAGE_INSTALL = %q: an image without a shell has nothing more", got)
	}
	group := vars(t, "recipes-core/packagegroups/packagegroup-beaminit.bb")
	for name, want := range map[string]string{
		"RDEPENDS:${PN}":    "base-files base-passwd beaminit netbase ${MACHINE_ESSENTIAL_EXTRA_RDEPENDS}",
		"RRECOMMENDS:${PN}": "tzdata-core ca-certificates ${MACHINE_ESSENTIAL_EXTRA_RRECOMMENDS}",
		"PACKAGE_ARCH":      "${MACHINE_ARCH}",
	} {
		if got := group[name]; got != want {
			t.Errorf("packagegroup-beaminit: %s = %q, want %q", name, got, want)
		}
	}
	if got, ok := image["NO_RECOMMENDATIONS"]; ok {
		t.Errorf("NO_RECOMMENDATIONS = %q: firmware and modules that the machine recommends would be left out", got)
	}
	if got := fields(image, "IMAGE_FEATURES"); !slices.Contains(got, "read-only-rootfs") {
		t.Errorf("IMAGE_FEATURES = %q, want read-only-rootfs", got)
	}
	minimal := vars(t, "recipes-core/images/beaminit-image-minimal.bb")
	if got := fields(minimal, "PACKAGE_EXCLUDE"); !slices.Contains(got, "busybox") {
		t.Errorf("PACKAGE_EXCLUDE = %q, want busybox", got)
	}
}

// imageConfig is the configuration that an image has, of these files of the layer, which has
// no problem.
func imageConfig(t *testing.T, files ...string) *config.Config {
	t.Helper()
	var text []byte
	for _, f := range files {
		data, err := os.ReadFile("recipes-core/images/files/" + f)
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, data...)
	}
	c := config.Load("hostname=image", func(name string) ([]byte, error) {
		if name == config.Path {
			return text, nil
		}
		return nil, fs.ErrNotExist
	})
	for _, p := range c.Problems {
		t.Errorf("%s: %s", files, p)
	}
	return c
}

// TestFullImage: its services are of packages that it installs, and its data lie on the
// partition that its .wks makes.
func TestFullImage(t *testing.T) {
	full := vars(t, "recipes-core/images/beaminit-image-full.bb")
	install := fields(full, "IMAGE_INSTALL")
	for _, name := range []string{"busybox", "dropbear", "e2fsprogs-e2fsck", "${BEAMINIT_CHRONY}"} {
		if !slices.Contains(install, name) {
			t.Errorf("IMAGE_INSTALL = %q, want %s in it", install, name)
		}
	}
	var names []string
	c := imageConfig(t, "beaminit-full.toml", "beaminit-chrony.toml")
	for _, s := range c.Services {
		names = append(names, s.Name)
	}
	if want := []string{"dropbear", "chrony", "chrony-sources"}; !slices.Equal(names, want) {
		t.Errorf("services %q, want %q", names, want)
	}
	wks, err := os.ReadFile(strings.Replace(full["WKS_FILE"], "${THISDIR}", "recipes-core/images", 1))
	if err != nil {
		t.Fatal(err)
	}
	if label := strings.TrimPrefix(c.Mounts[0].Source, "PARTLABEL="); !strings.Contains(string(wks), "--part-name "+label+" ") {
		t.Errorf("/data is on %s, which the .wks does not make", c.Mounts[0].Source)
	}
}

// TestInitramfs: what is asked for in a variable is loaded.
func TestInitramfs(t *testing.T) {
	r := newRootfs(t, nil, "sbin/beaminit")
	var err error
	if r.class, err = layerfile.Read("recipes-core/images/beaminit-initramfs.bb"); err != nil {
		t.Fatal(err)
	}
	maps.Copy(r.class.Vars, map[string]string{"IMAGE_ROOTFS": r.dir, "base_sbindir": "/sbin", "sysconfdir": "/etc", "BEAMINIT_INITRAMFS_MODULES": "virtio_blk ext4"})
	if said, ok := r.run(t, "beaminit_initramfs"); !ok {
		t.Fatal(said)
	}
	link, _ := os.Readlink(r.dir + "/init")
	text, err := os.ReadFile(r.dir + "/etc/beaminit.toml")
	if want := "[kernel]\nmodules = [\"virtio_blk\", \"ext4\"]\n"; link != "/sbin/beaminit" || err != nil || string(text) != want {
		t.Errorf("/init leads to %q; beaminit.toml is %q (%v), want %q", link, text, err, want)
	}
}

// TestDevImage: its beaminit.toml has no problem, and names the shell where its package
// brings it.
func TestDevImage(t *testing.T) {
	dev := vars(t, "recipes-core/images/beaminit-image-dev.bb")
	for _, name := range []string{"busybox", "beaminit-serial-shell", "strace"} {
		if !slices.Contains(fields(dev, "IMAGE_INSTALL"), name) {
			t.Errorf("IMAGE_INSTALL = %q, want %s in it", dev["IMAGE_INSTALL"], name)
		}
	}
	toml := filepath.Base(dev["BEAMINIT_TOML"])
	c := imageConfig(t, toml)
	recipe, err := layerfile.Read("recipes-core/beaminit-serial-shell/beaminit-serial-shell_1.0.bb")
	if err != nil {
		t.Fatal(err)
	}
	recipe.Vars["sbindir"] = "/usr/sbin"
	install, err := recipe.Func("do_install")
	if err != nil {
		t.Fatal(err)
	}
	for _, program := range [][]string{c.Release.PreRun, c.Supervise.FallbackExec} {
		if len(program) == 0 || !strings.Contains(install, "${D}"+program[0]+"\n") {
			t.Errorf("%s names %q, do_install of the shell is\n%s", toml, program, install)
		}
	}
	// Give-up without a STATUS would be a reboot: the shell would be gone again.
	if got := c.Supervise.FallbackExec; len(got) != 2 || got[1] == "0" {
		t.Errorf("fallback_exec = %q, want a status that leaves the node in rescue", got)
	}
	const script = "recipes-core/beaminit-serial-shell/files/beaminit-serial-shell"
	dependsOn(t, script)
	if out, err := exec.Command("sh", "-n", script).CombinedOutput(); err != nil {
		t.Errorf("%s: %v: %s", script, err, out)
	}
}

// TestKernelFragment: each line is a comment or a symbol, each symbol there once, and of those
// that docs/boot.md names none is missing.
func TestKernelFragment(t *testing.T) {
	have := map[string]bool{}
	for _, file := range []string{"beaminit.cfg", "beaminit-hardware.cfg"} {
		text, err := os.ReadFile("recipes-kernel/linux/files/" + file)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(string(text), "\n") {
			if line == "" || strings.HasPrefix(line, "# ") {
				continue
			}
			name, value, _ := strings.Cut(line, "=")
			if !strings.HasPrefix(name, "CONFIG_") || value != "y" || have[name] {
				t.Errorf("%s: %q, want CONFIG_NAME=y once", file, line)
			}
			have[name] = true
		}
		scc, err := os.ReadFile("recipes-kernel/linux/files/beaminit.scc")
		if src := vars(t, "recipes-kernel/linux/beaminit-kernel.inc")["SRC_URI"]; err != nil || !strings.Contains(string(scc), " "+file+"\n") || !strings.Contains(src, "file://"+file) {
			t.Errorf("%s is not in beaminit.scc and SRC_URI: %v", file, err)
		}
	}
	docs, err := os.ReadFile("../docs/boot.md")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`(CONFIG_[A-Z0-9_]+)`").FindAllStringSubmatch(string(docs), -1)
	if len(named) < 10 {
		t.Fatalf("docs/boot.md names %q only", named)
	}
	for _, m := range named {
		if !have[m[1]] {
			t.Errorf("the fragment lacks %s=y, which docs/boot.md names", m[1])
		}
	}
	for _, name := range []string{"SQUASHFS", "OVERLAY_FS", "VIRTIO_BLK", "VIRTIO_NET", "INET_DIAG_DESTROY", "MAGIC_SYSRQ_SERIAL"} {
		if !have["CONFIG_"+name] {
			t.Errorf("the fragment lacks CONFIG_%s=y", name)
		}
	}
	knownByKernel(t, have)
	appends, err := filepath.Glob("recipes-kernel/linux/*.bbappend")
	if err != nil || len(appends) < 3 {
		t.Errorf("kernels that get the fragment: %q, %v", appends, err)
	}
}

// knownByKernel holds the fragment to a kernel's own list: what a distribution's configuration
// does not say, set or not, is no symbol of that kernel, or one whose condition it does not meet.
func knownByKernel(t *testing.T, have map[string]bool) {
	t.Helper()
	configs, err := filepath.Glob("/boot/config-*")
	if err != nil || len(configs) == 0 {
		t.Fatalf("no /boot/config-*: %v; want the package of a kernel", err)
	}
	said := ""
	for _, file := range configs {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		said += string(text)
	}
	// The condition that Debian's kernels do not meet.
	unmet := map[string]string{
		"CONFIG_DM_INIT":       "CONFIG_BLK_DEV_DM=y",
		"CONFIG_KEYBOARD_GPIO": "CONFIG_GPIOLIB=y",
	}
	for name := range have {
		known := strings.Contains(said, "\n"+name+"=") || strings.Contains(said, "\n# "+name+" is not set\n")
		switch condition, ok := unmet[name]; {
		case !known && !ok:
			t.Errorf("%s is in none of %q: no symbol of that kernel, or not by this fragment alone", name, configs)
		case !known && !have[strings.TrimSuffix(condition, "=y")]:
			t.Errorf("%s has no effect without %s, which the fragment lacks", name, condition)
		}
	}
}

// TestRefusedImage: without this an image that was refused is what the next build takes
// for the good one of before.
func TestRefusedImage(t *testing.T) {
	const class = "classes/beaminit-release.bbclass"
	text, err := os.ReadFile(class)
	if err != nil {
		t.Fatal(err)
	}
	name := vars(t, class)["do_rootfs[prefuncs]"]
	if name == "" || !strings.Contains(string(text), "python "+name+"() {\n    bb.build.clean_stamp('do_rootfs', d)\n}\n") {
		t.Errorf("%s: the function %q, to be run before do_rootfs, does not remove do_rootfs's stamps", class, name)
	}
}
