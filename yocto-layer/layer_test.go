// Package yoctolayer_test checks of the layer what needs no BitBake.
package yoctolayer_test

import (
	"archive/zip"
	"bufio"
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/yocto-layer/layerfile"
)

const recipe = "recipes-core/beaminit/beaminit_git.bb"

// vars are the plain assignments of a BitBake file: name (with its overrides and
// operator suffix as written, "DISTRO_FEATURES:append") to value. Values of += and
// repeated names are joined; functions and inherits are left out.
func vars(t *testing.T, file string) map[string]string {
	t.Helper()
	f, err := layerfile.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	return f.Vars
}

func fields(v map[string]string, name string) []string { return strings.Fields(v[name]) }

func TestLayerConf(t *testing.T) {
	v := vars(t, "conf/layer.conf")
	for _, c := range []struct{ name, has string }{
		{"BBFILE_COLLECTIONS", "beaminit"},
		{"LAYERSERIES_COMPAT_beaminit", "scarthgap"},
		{"LAYERSERIES_COMPAT_beaminit", "wrynose"},
		{"LAYERDEPENDS_beaminit", "core"},
		{"LAYERRECOMMENDS_beaminit", "erlang-layer"},
	} {
		if !slices.Contains(fields(v, c.name), c.has) {
			t.Errorf("conf/layer.conf: %s is %q, want it to have %s", c.name, v[c.name], c.has)
		}
	}
	for _, f := range []string{"README.md", "SECURITY.md", "COPYING", "lib/oeqa/controllers/__init__.py"} {
		if _, err := os.Stat(f); err != nil {
			t.Errorf("%v", err)
		}
	}
}

func TestInitManager(t *testing.T) {
	v := vars(t, "conf/distro/include/init-manager-beaminit.inc")
	if v["DISTRO_FEATURES:append"] != "beaminit" || v["VIRTUAL-RUNTIME_init_manager"] != "beaminit" {
		t.Errorf("DISTRO_FEATURES:append %q, VIRTUAL-RUNTIME_init_manager %q: want beaminit", v["DISTRO_FEATURES:append"], v["VIRTUAL-RUNTIME_init_manager"])
	}
	for _, name := range []string{"initscripts", "login_manager", "dev_manager", "keymaps", "update-alternatives"} {
		if got, ok := v["VIRTUAL-RUNTIME_"+name]; !ok || got != "" {
			t.Errorf("VIRTUAL-RUNTIME_%s is %q (set: %v), want it set to nothing", name, got, ok)
		}
	}
}

func TestRecipeIsStatic(t *testing.T) {
	v := vars(t, recipe)
	for name, want := range map[string]string{
		"CGO_ENABLED": "0", "GO_LINKSHARED": "", "GO_LINUXLOADER": "", "GOBUILDFLAGS:remove": "-buildmode=pie",
	} {
		if got, ok := v[name]; !ok || got != want {
			t.Errorf("%s is %q (set: %v), want %q", name, got, ok, want)
		}
	}
	if f := fields(v, "GO_LDFLAGS"); slices.Contains(f, "-s") || slices.Contains(f, "-w") {
		t.Errorf("GO_LDFLAGS %q strips, which is for packaging to do", v["GO_LDFLAGS"])
	}
}

// TestTree holds the recipe's list of sources to the packages of the program.
func TestTree(t *testing.T) {
	tree := fields(vars(t, recipe), "BEAMINIT_TREE")
	for _, f := range tree {
		if _, err := os.Stat(filepath.Join("..", f)); err != nil {
			t.Errorf("BEAMINIT_TREE: %v", err)
		}
	}
	const module = "github.com/beaminit/beaminit/"
	for _, dep := range goList(t, "list", "-deps", module+"cmd/init") {
		dir, ours := strings.CutPrefix(dep, module)
		if top, _, _ := strings.Cut(dir, "/"); ours && !slices.Contains(tree, top) {
			t.Errorf("BEAMINIT_TREE lacks %s: %s is part of the program", top, dep)
		}
	}
}

// TestModules holds the pinned modules to go.mod, and their checksums to the zips that
// Go itself verified with go.sum.
func TestModules(t *testing.T) {
	type pin struct{ version, sum string }
	pinned := map[string]pin{}
	for _, uri := range fields(vars(t, "recipes-core/beaminit/beaminit-go-mods.inc"), "SRC_URI") {
		var p pin
		name, rest, _ := strings.Cut(strings.TrimPrefix(uri, "gomod://"), ";")
		for _, kv := range strings.Split(rest, ";") {
			switch k, v, _ := strings.Cut(kv, "="); k {
			case "version":
				p.version = v
			case "sha256sum":
				p.sum = v
			}
		}
		pinned[name] = p
	}
	modules := goList(t, "list", "-m", "-f", "{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}", "all")
	for _, m := range modules {
		f := strings.Fields(m)
		p, ok := pinned[f[0]]
		delete(pinned, f[0])
		if !ok || p.version != f[1] {
			t.Errorf("beaminit-go-mods.inc: %s is pinned at %q, go.mod has %s", f[0], p.version, f[1])
			continue
		}
		zip := goList(t, "mod", "download", "-json", f[0]+"@"+f[1])
		file := ""
		for _, l := range zip {
			if k, v, _ := strings.Cut(strings.TrimSpace(l), ": "); k == `"Zip"` {
				file = strings.Trim(v, `",`)
			}
		}
		if got := sum(t, file, sha256.New()); got != p.sum {
			t.Errorf("beaminit-go-mods.inc: sha256sum of %s is %s, want %s", f[0], p.sum, got)
		}
		checkLicence(t, f[0], f[1], file)
	}
	for name := range pinned {
		t.Errorf("beaminit-go-mods.inc: %s is not in go.mod", name)
	}
}

// checkLicence compares the checksum of the licence in the module's zip.
func checkLicence(t *testing.T, module, version, zipFile string) {
	t.Helper()
	escaped := regexp.MustCompile("[A-Z]").ReplaceAllStringFunc(module, func(s string) string { return "!" + strings.ToLower(s) })
	prefix := "file://pkg/mod/" + escaped + "@" + version + "/"
	for _, uri := range fields(vars(t, "recipes-core/beaminit/beaminit-licenses.inc"), "LIC_FILES_CHKSUM") {
		rest, ok := strings.CutPrefix(uri, prefix)
		if !ok {
			continue
		}
		name, params, _ := strings.Cut(rest, ";")
		z, err := zip.OpenReader(zipFile)
		if err != nil {
			t.Fatal(err)
		}
		defer z.Close()
		text, err := z.Open(module + "@" + version + "/" + name)
		if err != nil {
			t.Errorf("licence of %s: %v", module, err)
			return
		}
		defer text.Close()
		h := md5.New()
		if _, err := io.Copy(h, text); err != nil {
			t.Fatal(err)
		}
		if want := "md5=" + hex.EncodeToString(h.Sum(nil)); !strings.Contains(params, want) {
			t.Errorf("licence of %s: %s, want %s", module, params, want)
		}
		return
	}
	t.Errorf("beaminit-licenses.inc has no licence of %s %s", module, version)
}

func TestOwnLicence(t *testing.T) {
	want := "file://LICENSE;md5=" + sum(t, "../LICENSE", md5.New())
	files, err := filepath.Glob("recipes-core/*/beaminit*_*.bb")
	more, err2 := filepath.Glob("dynamic-layers/*/*/*/*.bb")
	if err := errors.Join(err, err2); err != nil || len(files) < 2 || len(more) == 0 {
		t.Fatalf("recipes: %q, in dynamic-layers %q: %v", files, more, err)
	}
	for _, f := range append(files, more...) {
		if got := fields(vars(t, f), "LIC_FILES_CHKSUM"); !slices.Contains(got, want) {
			t.Errorf("%s: LIC_FILES_CHKSUM %q, want %s", f, got, want)
		}
	}
	if got, want := sum(t, "COPYING", md5.New()), sum(t, "../LICENSE", md5.New()); got != want {
		t.Errorf("COPYING and ../LICENSE differ")
	}
}

// TestQAStatic runs the recipe's check on programs of each kind.
func TestQAStatic(t *testing.T) {
	for _, c := range []struct {
		name   string
		env    []string
		args   []string
		status int
	}{
		{"static", []string{"CGO_ENABLED=0"}, nil, 0},
		{"static, 32 bit", []string{"CGO_ENABLED=0", "GOARCH=386"}, nil, 0},
		{"PIE", []string{"CGO_ENABLED=0"}, []string{"-buildmode=pie"}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			program := filepath.Join(t.TempDir(), "beaminit")
			build := exec.Command("go", append(append([]string{"build"}, c.args...), "-o", program, "../cmd/init")...)
			build.Env = append(os.Environ(), c.env...)
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			qa(t, program, c.status)
		})
	}
	t.Run("no program", func(t *testing.T) { qa(t, "COPYING", 2) })
}

func qa(t *testing.T, program string, want int) {
	t.Helper()
	const check = "recipes-core/beaminit/files/qa-static"
	dependsOn(t, check)
	out, err := exec.Command("sh", check, program).CombinedOutput()
	status := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		status = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	if status != want {
		t.Errorf("qa-static: exit status %d, want %d: %s", status, want, out)
	}
}

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

func goList(t *testing.T, args ...string) []string {
	t.Helper()
	cmd := exec.Command("go", args...)
	var stderr bytes.Buffer
	cmd.Dir, cmd.Stderr = "..", &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v: %s", strings.Join(args, " "), err, &stderr)
	}
	return strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' })
}

func sum(t *testing.T, file string, h interface {
	io.Writer
	Sum([]byte) []byte
}) string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := io.Copy(h, f); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// TestLicences: the recipe names what the generated file does.
func TestLicences(t *testing.T) {
	named := vars(t, recipe)["LICENSE"]
	for _, l := range fields(vars(t, "recipes-core/beaminit/beaminit-licenses.inc"), "LICENSE") {
		if l != "&" && !strings.Contains(named, l) {
			t.Errorf("LICENSE of the recipe is %q, without %s of beaminit-licenses.inc", named, l)
		}
	}
}

// TestHeart: what a release with a heart finds, and only where it is asked for.
func TestHeart(t *testing.T) {
	v := vars(t, recipe)
	if got := fields(v, "ALTERNATIVE:${PN}"); !slices.Contains(got, "heart") {
		t.Errorf("ALTERNATIVE of beaminit is %q, want heart in it", got)
	}
	if got := v["FILES:${PN}-sh"]; got != "${base_bindir}/sh" {
		t.Errorf("FILES of beaminit-sh is %q, want ${base_bindir}/sh", got)
	}
	if slices.Contains(fields(v, "FILES:${PN}"), "${base_bindir}/sh") {
		t.Error("/bin/sh is in the package that every image has")
	}
}

// TestFlags holds the recipe's flags for the linker to the Makefile's, but for the
// stripping, and proves by a build that they fit this tree.
func TestFlags(t *testing.T) {
	text, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	joined := strings.ReplaceAll(string(text), "\\\n", " ")
	value := func(name string) []string {
		m := regexp.MustCompile(`(?m)^` + name + ` *:?= *(.*)$`).FindStringSubmatch(joined)
		if m == nil {
			t.Fatalf("no %s in the Makefile", name)
		}
		return strings.Fields(m[1])
	}
	// do_compile asks the linker whether it knows that flag.
	flags := strings.Replace(vars(t, recipe)["GO_LDFLAGS"], "$nocheck", "-checklinkname=0", 1)
	before, inner, ok := strings.Cut(flags, `-ldflags="`)
	if !ok {
		t.Fatalf("GO_LDFLAGS = %q: no -ldflags in it", flags)
	}
	inner = strings.TrimSuffix(inner, `"`)
	got := strings.Fields(inner)
	for _, f := range value("LDFLAGS") {
		name, _, _ := strings.Cut(f, "=$")
		if f != "-s" && f != "-w" && !slices.ContainsFunc(got, func(g string) bool { return g == f || strings.HasPrefix(g, name+"=") }) {
			t.Errorf("GO_LDFLAGS lacks the Makefile's %s: %s", f, flags)
		}
	}
	if small := vars(t, recipe)["BEAMINIT_SMALL"]; small != strings.Join(value("SMALL"), " ") {
		t.Errorf("BEAMINIT_SMALL is %q, the Makefile's SMALL %q", small, value("SMALL"))
	}
	if !regexp.MustCompile(`go build .*-tags 'entry `).MatchString(joined) || !slices.Contains(strings.Fields(before), "-tags=entry") {
		t.Errorf("GO_LDFLAGS and the Makefile are to have the tag entry: %s", flags)
	}
	before = strings.ReplaceAll(before, "${BEAMINIT_GCFLAGS}", "")
	inner = strings.NewReplacer("${PV}", "0", "$SOURCE_DATE_EPOCH", "1").Replace(inner)
	args := append([]string{"build", "-trimpath", "-o", filepath.Join(t.TempDir(), "beaminit"), "-ldflags", inner}, strings.Fields(before)...)
	cmd := exec.Command("go", append(args, "../cmd/init")...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("go build with the recipe's flags: %v\n%s", err, out)
	}
}
