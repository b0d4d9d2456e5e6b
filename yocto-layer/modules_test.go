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
