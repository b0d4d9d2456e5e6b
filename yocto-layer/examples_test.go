package yoctolayer_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestExamples builds the sources of the example recipes by the commands that meta-erlang's
// classes run, with this machine's ERTS for the target's. In an image they are found, and
// nothing speaks against starting them but the cookie that only a node has, and the libraries
// of this machine.
func TestExamples(t *testing.T) {
	const examples = "dynamic-layers/erlang-layer/recipes-examples/"
	for class, build := range map[string]string{
		"rebar3": `rebar3 as default tar --system_libs /usr/lib/erlang/lib --include-erts /usr/lib/erlang -n "$RELEASE"
			mkdir -p "$OUT"; tar -zxf "$REBAR_BASE_DIR/default/rel/$RELEASE/$RELEASE-1.0.0.tar.gz" -C "$OUT"`,
		"mix": `mix deps.compile --force; mix compile --force; mix release --overwrite --path "$OUT"`,
	} {
		t.Run(class, func(t *testing.T) {
			pn := "beaminit-hello-" + class
			recipe, err := os.ReadFile(examples + pn + "/" + pn + "_1.0.0.bb")
			if err != nil || !strings.Contains(string(recipe), "\ninherit "+class+"\n") {
				t.Fatalf("the recipe inherits no class %s: %v", class, err)
			}
			if got := fields(vars(t, examples+pn+"/"+pn+"_1.0.0.bb"), "SRC_URI"); len(got) != 1 || got[0] != "file://"+pn {
				t.Errorf("SRC_URI is %q, want the directory that this test builds", got)
			}
			r := newRootfs(t, map[string]string{"BEAMINIT_RELEASE_PACKAGE": pn}, "etc/hosts", "lib64/ld-linux-x86-64.so.2", "lib/ld-linux-aarch64.so.1")
			work := t.TempDir()
			if out, err := exec.Command("cp", "-R", examples+pn+"/files/"+pn, work).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			cmd := exec.Command("sh", "-e", "-c", build)
			cmd.Dir = filepath.Join(work, pn)
			cmd.Env = append(os.Environ(), "RELEASE="+strings.ReplaceAll(pn, "-", "_"), "OUT="+r.dir+"/usr/lib/"+pn, "REBAR_BASE_DIR="+work+"/build",
				"REBAR_CACHE_DIR="+work+"/cache", "MIX_HOME="+work+"/mix", "MIX_ENV=prod", "HOME="+work, "LC_ALL=C.UTF-8")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%s: %v: %s", class, err, out)
			}
			if said, ok := r.run(t, "beaminit_link_release"); !ok {
				t.Fatal(said)
			}
			out, _ := exec.Command(r.tools+"/beaminit", "check", "--root", r.dir, "--cmdline", "hostname=node").Output()
			for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
				if line != "" && !strings.HasPrefix(line, "no cookie:") && !strings.Contains(line, ": needs the library ") {
					t.Errorf("check: %s", line)
				}
			}
		})
	}
}
