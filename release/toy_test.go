package release

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/internal/nstest"
)

// buildToy makes a release of testdata/toy with the Erlang of this machine, as
// systools lays it out, with its own ERTS, and gives the directory of it.
func buildToy(t *testing.T) string {
	t.Helper()
	for _, program := range []string{"erl", "erlc"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("needs Erlang (Debian: apt install erlang-base): %v", err)
		}
	}
	dir := t.TempDir()
	script := `
		V = fun(A) -> ok = case application:load(A) of ok -> ok; {error, {already_loaded, _}} -> ok end,
			{ok, Vsn} = application:get_key(A, vsn), {A, Vsn} end,
		Rel = {release, {"toy", "0.1.0"}, {erts, erlang:system_info(version)}, [V(A) || A <- [kernel, stdlib, toy]]},
		ok = file:write_file("toy.rel", io_lib:format("~p.~n", [Rel])),
		ok = systools:make_script("toy", [no_warn_sasl]),
		ok = systools:make_tar("toy", [no_warn_sasl, {erts, code:root_dir()}]),
		ok = erl_tar:extract("toy.tar.gz", [compressed, {cwd, "rel"}]),
		halt(0).`
	ebin := filepath.Join(dir, "ebin")
	for _, d := range []string{ebin, filepath.Join(dir, "rel")} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	copyFile(t, "testdata/toy/toy.app", filepath.Join(ebin, "toy.app"))
	copyFile(t, "testdata/toy/sys.config", filepath.Join(dir, "sys.config"))
	run(t, ".", "erlc", "-o", ebin, "testdata/toy/toy.erl")
	run(t, dir, "erl", "-noshell", "-sasl", "errlog_type", "error", "-pa", "ebin", "-eval", strings.ReplaceAll(script, "\n", " "))
	return filepath.Join(dir, "rel")
}

func run(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	write(t, to, string(b))
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	mode := os.FileMode(0o644)
	if strings.Contains(path, "/bin/") {
		mode = 0o755
	}
	if err := nstest.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}
