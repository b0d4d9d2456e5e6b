package boot

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/internal/files"
)

// ModuleDir is the directory of the running kernel's modules,
// /lib/modules/RELEASE (uname(2)).
func ModuleDir() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "/lib/modules"
	}
	return "/lib/modules/" + unix.ByteSliceToString(u.Release[:])
}

// LoadModules loads the named modules and first what they need, by the file
// modules.dep in dir. A module that is loaded or built in is fine; "-" and "_" in
// names are equal; parameters may follow a name after a blank ("loop max_loop=4"), and
// options has those of modules by their names with _ (modprobe.d, the kernel command line),
// which those that a module needs get too. Each failure is one error and stops no other module,
// nor does one that hangs. It is no work for PID 1, as that of Autoload is not.
//
// Soft dependencies are not followed, and neither is modules.alias, as Autoload does: name
// those modules too.
func LoadModules(dir string, names []string, options map[string]string) []error {
	if len(names) == 0 {
		return nil
	}
	dep, err := files.ReadLimit(dir+"/modules.dep", maxTable)
	if err != nil {
		return []error{fmt.Errorf("load %s: %w", strings.Join(names, " "), err)}
	}
	plan, unknown := planModules(dep, names)
	var errs []error
	for _, m := range plan {
		m.params = strings.TrimSpace(options[moduleName(m.path)] + " " + m.params)
		if err := loadWithin(dir, &m); err != nil {
			errs = append(errs, err)
		}
	}
	if len(unknown) == 0 {
		return errs
	}
	builtin, _ := files.ReadLimit(dir+"/modules.builtin", maxTable) // a kernel without modules built in may have none
	for _, name := range unknown {
		if !isBuiltin(builtin, name) {
			errs = append(errs, fmt.Errorf("load %s: kernel %s has no such module: it is neither in %s/modules.dep nor in modules.builtin",
				name, dir[strings.LastIndexByte(dir, '/')+1:], dir))
		}
	}
	return errs
}

// A module is a file to load, its path as modules.dep has it, and its parameters.
type module struct {
	path, params string
}

// planModules reads modules.dep (modules.dep(5)) once: "path: path…" where a line
// has all that the module needs, the innermost last, so that they are loaded from
// right to left, as kmod does. It gives the modules in the order to load them,
// each once, and the names that have no line.
func planModules(dep []byte, names []string) (plan []module, unknown []string) {
	bare := make([]string, len(names))
	for i := range names {
		bare[i] = bareName(names[i])
	}
	lines := depLines(dep, bare)
	for i, name := range names {
		if lines[i] == nil {
			unknown = append(unknown, bare[i])
			continue
		}
		_, params, _ := strings.Cut(name, " ")
		needed := needs(lines[i])
		for _, path := range needed[:len(needed)-1] {
			plan = addModule(plan, path, "")
		}
		plan = addModule(plan, needed[len(needed)-1], params)
	}
	return plan, unknown
}

// depLines gives the line of modules.dep of each module by its bare name; nil: it has none.
func depLines(dep []byte, bare []string) [][]byte {
	lines := make([][]byte, len(bare))
	for len(dep) > 0 {
		var line []byte
		line, dep, _ = bytes.Cut(dep, []byte{'\n'})
		colon := bytes.IndexByte(line, ':')
		if colon < 0 {
			continue
		}
		for i := range bare {
			if sameModule(line[:colon], bare[i]) {
				lines[i] = line
			}
		}
	}
	return lines
}

// needs are the files of a line in the order to load them; the last one is the module itself.
func needs(line []byte) (paths []string) {
	own, others, _ := strings.Cut(string(line), ":")
	for _, path := range strings.Split(others, " ") {
		if path != "" {
			paths = append(paths, path)
		}
	}
	slices.Reverse(paths)
	return append(paths, own)
}

func addModule(plan []module, path, params string) []module {
	for i := range plan {
		if plan[i].path == path {
			if plan[i].params == "" {
				plan[i].params = params
			}
			return plan
		}
	}
	return append(plan, module{path, params})
}

// bareName is the name of a module without its parameters and its ".ko".
func bareName(name string) string {
	name, _, _ = strings.Cut(name, " ")
	return strings.TrimSuffix(name, ".ko")
}

// sameModule reports whether the file path ("kernel/fs/ext4/ext4.ko.xz") is the
// module with the bare name ("ext4").
func sameModule(path []byte, name string) bool {
	file := path[bytes.LastIndexByte(path, '/')+1:]
	if len(file) < len(name)+3 || file[len(name)] != '.' || string(file[len(name):len(name)+3]) != ".ko" {
		return false
	}
	for i := 0; i < len(name); i++ {
		a, b := file[i], name[i]
		if a == '-' {
			a = '_'
		}
		if b == '-' {
			b = '_'
		}
		if a != b {
			return false
		}
	}
	return true
}

// moduleName is the name of a module in the kernel, by the path of its file.
func moduleName(path string) string {
	name, _, _ := strings.Cut(path[strings.LastIndexByte(path, '/')+1:], ".ko")
	return strings.ReplaceAll(name, "-", "_")
}

func isBuiltin(builtin []byte, name string) bool {
	for _, line := range bytes.Split(builtin, []byte{'\n'}) {
		if sameModule(line, name) {
			return true
		}
	}
	return false
}

// ModuleLimit is how long a driver may look at its devices; it goes on meanwhile.
const ModuleLimit = 10 * time.Second

// loadWithin is loadModule for ModuleLimit. What hangs in the kernel nobody can end: its
// thread of this process stays there.
func loadWithin(dir string, m *module) error {
	done := make(chan error, 1)
	go func() { done <- loadModule(dir, m) }()
	select {
	case err := <-done:
		return err
	case <-time.After(ModuleLimit):
		return fmt.Errorf("module %s: not loaded within %v (its driver hangs?); going on without it", moduleName(m.path), ModuleLimit)
	}
}

// loadModule gives one file to finit_module(2).
func loadModule(dir string, m *module) error {
	path := m.path
	if path[0] != '/' {
		path = dir + "/" + path
	}
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("load module %s: %w", path, err)
	}
	defer unix.Close(fd)
	flags := 0
	if !strings.HasSuffix(path, ".ko") {
		flags = unix.MODULE_INIT_COMPRESSED_FILE
	}
	err = unix.FinitModule(fd, m.params, flags)
	if err == nil || err == unix.EEXIST {
		return nil
	}
	return fmt.Errorf("load module %s: %w%s", path, err, moduleHelp(err, flags))
}

func moduleHelp(err error, flags int) string {
	switch {
	case flags != 0 && (err == unix.EOPNOTSUPP || err == unix.EINVAL || err == unix.ENOEXEC):
		return ": this kernel cannot unpack it (CONFIG_MODULE_DECOMPRESS, Linux 5.17): unpack the modules in the image"
	case err == unix.ENOEXEC:
		return ": it is of another kernel or no module at all"
	case err == unix.ENOENT:
		return ": a symbol that it needs is missing: is modules.dep of this kernel?"
	case err == unix.EINVAL:
		return ": it does not take its parameters (the kernel's log has more)"
	case err == unix.ENODEV:
		return ": its hardware is not there"
	case err == unix.EKEYREJECTED || err == unix.EPERM:
		return ": its signature is refused, or loading is forbidden"
	}
	return ""
}

// CheckModules is for a plan: what LoadModules would say of the names with a kernel whose
// modules lie in dir of an image, of which read gives the files. A module whose file the
// image lacks, as where only a part of the kernel's packages is in it, is one of them.
func CheckModules(dir string, names []string, read func(path string, limit int) ([]byte, error),
	has func(path string) bool) (missing []string) {
	dep, err := read(dir+"/modules.dep", maxTable)
	if err != nil {
		return []string{dir + "/modules.dep: " + err.Error()}
	}
	plan, unknown := planModules(dep, names)
	for _, m := range plan {
		path := m.path
		if path[0] != '/' {
			path = dir + "/" + path
		}
		if !has(path) {
			missing = append(missing, "modules.dep has "+path+", and the image has not")
		}
	}
	builtin, _ := read(dir+"/modules.builtin", maxTable)
	for _, name := range unknown {
		if !isBuiltin(builtin, name) {
			missing = append(missing, "no module "+name+" in "+dir+": it is neither in modules.dep nor in modules.builtin")
		}
	}
	return missing
}
