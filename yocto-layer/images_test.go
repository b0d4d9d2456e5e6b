package yoctolayer_test

import (
	"bufio"
	"io/fs"
	"os"
	"os/exec"
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
	group := fields(vars(t, "recipes-core/packagegroups/packagegroup-beaminit.bb"), "RDEPENDS:${PN}")
	if want := []string{"base-files", "base-passwd", "beaminit"}; !slices.Equal(group, want) {
		t.Errorf("packagegroup-beaminit: %q, want %q", group, want)
	}
	if got := fields(image, "IMAGE_FEATURES"); !slices.Contains(got, "read-only-rootfs") {
		t.Errorf("IMAGE_FEATURES = %q, want read-only-rootfs", got)
	}
	minimal := vars(t, "recipes-core/images/beaminit-image-minimal.bb")
	if got := fields(minimal, "PACKAGE_EXCLUDE"); !slices.Contains(got, "busybox") {
		t.Errorf("PACKAGE_EXCLUDE = %q, want busybox", got)
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
	toml := strings.Replace(dev["BEAMINIT_TOML"], "${THISDIR}", "recipes-core/images", 1)
	c := config.Load("hostname=dev", func(name string) ([]byte, error) {
		if name == config.Path {
			return os.ReadFile(toml)
		}
		return nil, fs.ErrNotExist
	})
	for _, p := range c.Problems {
		t.Errorf("%s: %s", toml, p)
	}
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

// TestKernelFragment: each line is a comment or a symbol, each symbol there once.
func TestKernelFragment(t *testing.T) {
	f, err := os.Open("recipes-kernel/linux/files/beaminit.cfg")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	have := map[string]bool{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := lines.Text()
		if line == "" || strings.HasPrefix(line, "# ") {
			continue
		}
		name, value, _ := strings.Cut(line, "=")
		if !strings.HasPrefix(name, "CONFIG_") || value != "y" || have[name] {
			t.Errorf("beaminit.cfg: %q, want CONFIG_NAME=y once", line)
		}
		have[name] = true
	}
	for _, name := range []string{"SQUASHFS", "OVERLAY_FS", "VIRTIO_BLK", "VIRTIO_NET", "DEVTMPFS", "INET_DIAG", "INET_TCP_DIAG", "INET_DIAG_DESTROY", "WATCHDOG", "PSTORE_RAM", "PSTORE_PMSG"} {
		if !have["CONFIG_"+name] {
			t.Errorf("beaminit.cfg lacks CONFIG_%s=y", name)
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
