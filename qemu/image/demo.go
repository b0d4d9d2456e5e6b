package image

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/beaminit/beaminit/qemu/demo"
)

// demoRelease builds a demo of package demo and a release of it in a directory of dir, with
// the Erlang of this machine, and gives its path.
func demoRelease(name, dir string, say func(string)) (string, error) {
	if known := demo.Names(); !slices.Contains(known, name) {
		return "", asInput(fmt.Errorf("release: there is no demo:%s; there are %s", name, strings.Join(known, ", ")))
	}
	erlang, err := erlangRoot()
	if err != nil {
		return "", err
	}
	sources, err := demoSources(name)
	if err != nil {
		return "", err
	}
	_, mix := sources[name+"/mix.exs"]
	sum, err := demoSum(erlang, sources, mix)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", erlang, err)
	}
	out, err := filepath.Abs(filepath.Join(dir, "release-"+name))
	if err != nil {
		return "", err
	}
	err = makeOnce(out, sum, "building the demo release "+name+" with the Erlang in "+erlang, say, func(tmp string) error {
		src := tmp + ".src"
		defer os.RemoveAll(src)
		if err := writeSources(src, sources); err != nil {
			return err
		}
		if mix {
			return mixRelease(filepath.Join(src, name), tmp)
		}
		if err := os.MkdirAll(tmp, 0o755); err != nil {
			return err
		}
		return run("escript", filepath.Join(src, "build.escript"), filepath.Join(src, name), tmp)
	})
	return out, err
}

// demoSources are the files that a demo is made from, by their paths in package demo.
func demoSources(name string) (map[string][]byte, error) {
	sources := map[string][]byte{}
	for _, root := range []string{"build.escript", name} {
		err := fs.WalkDir(demo.Files, root, func(path string, e fs.DirEntry, err error) error {
			if err == nil && !e.IsDir() {
				sources[path], err = fs.ReadFile(demo.Files, path)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return sources, nil
}

// demoSum is a sum over what the release is made from: its sources, and what an Erlang puts
// into it.
func demoSum(erlang string, sources map[string][]byte, mix bool) (string, error) {
	d := newDigest()
	for _, path := range slices.Sorted(maps.Keys(sources)) {
		d.text(path)
		d.text(string(sources[path]))
	}
	parts, _ := filepath.Glob(filepath.Join(erlang, "erts-*/bin"))
	for _, lib := range []string{"kernel", "stdlib", "compiler"} {
		found, _ := filepath.Glob(filepath.Join(erlang, "lib", lib+"-*/ebin"))
		parts = append(parts, found...)
	}
	for _, part := range parts {
		d.tree(part)
	}
	if mix {
		version, err := exec.Command("mix", "--version").Output()
		if err != nil {
			return "", fmt.Errorf("mix: %w: install elixir", err)
		}
		d.text(string(version))
	}
	return d.sum()
}

func writeSources(dir string, sources map[string][]byte) error {
	for path, data := range sources {
		file := filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// mixRelease has mix make a release of a project that depends on nothing else.
func mixRelease(project, out string) error {
	cmd := exec.Command("mix", "release", "--quiet", "--path", out)
	cmd.Dir = project
	cmd.Env = append(os.Environ(), "MIX_ENV=prod", "HOME="+project, "HEX_OFFLINE=1", "LANG=C.UTF-8")
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("mix release: %w\n%s", err, strings.TrimSpace(string(text)))
	}
	return nil
}
