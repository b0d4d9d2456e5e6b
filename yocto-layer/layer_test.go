// Package yoctolayer_test checks of the layer what needs no BitBake.
package yoctolayer_test

import (
	"errors"
	"fmt"
	"io/fs"
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

// TestInitManager: what the layer chooses is a default, as of oe-core's init managers: what
// a configuration says stands.
func TestInitManager(t *testing.T) {
	const file = "conf/distro/include/init-manager-beaminit.inc"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]string{}
	for _, line := range strings.Split(string(text), "\n") {
		if f := strings.Fields(line); len(f) > 2 && f[0] != "#" {
			have[f[0]] = strings.Join(f[1:], " ")
		}
	}
	want := map[string]string{"DISTRO_FEATURES:append": `= " beaminit"`, "VIRTUAL-RUNTIME_init_manager": `??= "beaminit"`}
	for _, name := range []string{"initscripts", "login_manager", "dev_manager"} {
		want["VIRTUAL-RUNTIME_"+name] = `??= ""`
	}
	// What default-providers.inc of openembedded-core has set by then: ?= and ??= come too late.
	for name, theirs := range map[string]string{"update-alternatives": "update-alternatives-opkg", "base-utils-syslog": "busybox-syslog", "keymaps": "keymaps"} {
		name = "VIRTUAL-RUNTIME_" + name
		want[name] = fmt.Sprintf(`:= "${@bb.utils.contains('%s', '%s', '', d.getVar('%[1]s') or '', d)}"`, name, theirs)
	}
	for name, value := range want {
		if have[name] != value {
			t.Errorf("%s: %s %s, want %s", file, name, have[name], value)
		}
	}
	for name := range have {
		if strings.HasSuffix(name, ":remove") {
			t.Errorf("%s: %s takes away what a configuration has chosen", file, name)
		}
	}
	for series, name := range map[string]string{"backfill-considered": "DISTRO_FEATURES_BACKFILL_CONSIDERED:append", "opted-out": "DISTRO_FEATURES_OPTED_OUT:append"} {
		if got := vars(t, "conf/distro/include/beaminit-"+series+".inc")[name]; got != "systemd sysvinit" {
			t.Errorf("%s = %q, want systemd and sysvinit", name, got)
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

// TestShellOfOthers: in a build for another init a recipe that wants /bin/sh gets the shell that
// it got before.
func TestShellOfOthers(t *testing.T) {
	for name, value := range vars(t, recipe) {
		if strings.HasPrefix(name, "RPROVIDES") && strings.Contains(value, "/bin/sh") {
			t.Errorf("%s = %q: want it with the distro feature beaminit only", name, value)
		}
	}
	if got := vars(t, recipe)["BEAMINIT_SHELL"]; got != "${@bb.utils.contains('DISTRO_FEATURES', 'beaminit', '/bin/sh', '', d)}" {
		t.Errorf("BEAMINIT_SHELL = %q", got)
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
	flags := vars(t, recipe)["GO_LDFLAGS"]
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
	if before != "" {
		t.Errorf("GO_LDFLAGS has %s, the Makefile no such flags", before)
	}
	inner = strings.NewReplacer("$BEAMINIT_VERSION", "0", "$SOURCE_DATE_EPOCH", "1").Replace(inner)
	cmd := exec.Command("go", "build", "-trimpath", "-o", filepath.Join(t.TempDir(), "beaminit"), "-ldflags", inner, "../cmd/init")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("go build with the recipe's flags: %v\n%s", err, out)
	}
}

// TestParseIsPure: what a recipe is must not hang on when, where and by whom it is read,
// or it gets another signature with every parse ("the basehash value changed", "Basehash
// mismatch"). Of Python that BitBake runs while parsing, only calls that give the same
// for the same files are let through.
func TestParseIsPure(t *testing.T) {
	impure := regexp.MustCompile(`\b(DATE|TIME|DATETIME|TOPDIR|BB_ORIGENV|METADATA_REVISION|AUTOREV|glob|time|datetime|random|uuid|subprocess|os\.(environ|getenv|listdir|walk|getcwd|stat|getpid|popen))\b`)
	inline := regexp.MustCompile(`(?ms)\$\{@.*?\}|^python *\(\) *\{.*?^\}|^def .*?(?:^$|\z)`)
	checked := 0
	err := filepath.WalkDir(".", func(file string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !slices.Contains([]string{".bb", ".bbappend", ".bbclass", ".inc", ".conf"}, filepath.Ext(file)) {
			return err
		}
		text, err := os.ReadFile(file)
		for _, python := range inline.FindAllString(string(text), -1) {
			checked++
			if bad := impure.FindString(python); bad != "" {
				t.Errorf("%s: %s in what is run at each parse: %s", file, bad, python)
			}
		}
		return err
	})
	if err != nil || checked == 0 {
		t.Errorf("%d pieces of Python checked: %v", checked, err)
	}
}
