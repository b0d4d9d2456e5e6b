package yoctolayer_test

import (
	"archive/zip"
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
)

// TestModules holds the pinned modules to those that the program is made of, and their
// checksums to the zips that Go itself verified with go.sum. A module more, of another's
// tests, would be in the product's SBOM, and Go does not unpack its licence.
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
	modules := goList(t, "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}{{end}}{{end}}", "./cmd/init")
	slices.Sort(modules)
	for _, m := range slices.Compact(modules) {
		f := strings.Fields(m)
		p, ok := pinned[f[0]]
		delete(pinned, f[0])
		if !ok || p.version != f[1] {
			t.Errorf("beaminit-go-mods.inc: %s is pinned at %q, the program has %s", f[0], p.version, f[1])
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
		t.Errorf("beaminit-go-mods.inc: %s is not in the program", name)
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
		want := want
		if f != recipe { // the layer's own, whose sources are in it: oe-core has the text
			want = "file://${COMMON_LICENSE_DIR}/Apache-2.0;md5=89aea4e17d99a7cacdbeed46a0096b10"
		}
		if got := fields(vars(t, f), "LIC_FILES_CHKSUM"); !slices.Contains(got, want) {
			t.Errorf("%s: LIC_FILES_CHKSUM %q, want %s", f, got, want)
		}
	}
	if got, want := sum(t, "COPYING", md5.New()), sum(t, "../LICENSE", md5.New()); got != want {
		t.Errorf("COPYING and ../LICENSE differ")
	}
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
