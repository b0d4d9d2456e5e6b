package image

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// modules gives the entries of lib/modules/VERSION that an initramfs needs to load
// the modules named, with all that they depend on (modprobe.d(5), depmod(8)). lib is
// the host's /lib/modules/VERSION. A module that is built in needs no file; one that
// is neither there nor built in is an error.
func modules(lib fs.FS, version string, names []string) ([]entry, error) {
	dep, err := fs.ReadFile(lib, "modules.dep")
	if err != nil {
		return nil, fmt.Errorf("modules of %s: %w", version, err)
	}
	builtin, err := fs.ReadFile(lib, "modules.builtin")
	if err != nil {
		return nil, fmt.Errorf("modules of %s: %w", version, err)
	}
	lines := map[string][]string{} // module name → its file, then the files it depends on
	for _, line := range strings.Split(string(dep), "\n") {
		file, needs, ok := strings.Cut(line, ":")
		if ok {
			lines[moduleName(file)] = append([]string{file}, strings.Fields(needs)...)
		}
	}
	inKernel := map[string]bool{}
	for _, file := range strings.Fields(string(builtin)) {
		inKernel[moduleName(file)] = true
	}

	seen := map[string]bool{} // files that are needed
	for _, name := range names {
		files, ok := lines[moduleName(name)]
		if !ok && !inKernel[moduleName(name)] {
			return nil, fmt.Errorf("kernel %s has no module %s", version, name)
		}
		for _, f := range files {
			seen[f] = true
		}
	}

	dir := path.Join("lib/modules", version)
	var kept strings.Builder // modules.dep with the lines of these modules only
	var out []entry
	for _, line := range strings.Split(string(dep), "\n") {
		file, _, ok := strings.Cut(line, ":")
		if !ok || !seen[file] {
			continue
		}
		kept.WriteString(line + "\n")
		data, err := fs.ReadFile(lib, file)
		if err != nil {
			return nil, fmt.Errorf("modules of %s: %w", version, err)
		}
		out = append(out, entry{path.Join(dir, file), 0o644, data})
	}
	return append(out,
		entry{path.Join(dir, "modules.dep"), 0o644, []byte(kept.String())},
		entry{path.Join(dir, "modules.builtin"), 0o644, builtin}), nil
}

// aliases are the entries by which a node finds modules for its devices: of all modules of
// the kernel, of which it looks for those that it has.
func aliases(lib fs.FS, version string) (out []entry, err error) {
	for _, table := range []string{"modules.alias", "modules.softdep"} {
		data, err := fs.ReadFile(lib, table)
		if err != nil {
			return nil, fmt.Errorf("modules of %s: %w", version, err)
		}
		out = append(out, entry{path.Join("lib/modules", version, table), 0o644, data})
	}
	return out, nil
}

// moduleName is the name that the kernel gives a module file: "virtio-rng.ko.xz"
// and "virtio_rng" are the same.
func moduleName(file string) string {
	name, _, _ := strings.Cut(path.Base(file), ".ko")
	return strings.ReplaceAll(name, "-", "_")
}
