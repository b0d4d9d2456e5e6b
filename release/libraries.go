package release

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	"github.com/beaminit/beaminit/internal/elf"
)

// loader looks for shared libraries as the dynamic linker of the image would
// (ld.so(8), musl's too). It is a little more generous: it looks in every directory
// that any of them looks in.
type loader struct {
	fsys   FS
	like   elf.File // programs and libraries have to be of one class and machine
	interp string
	dirs   []string
	seen   []string // paths of what has been looked into, and names that were not found
	errs   []error
}

// loader is one for what goes with the release's VM.
func (r *Release) loader(fsys FS) *loader {
	l := &loader{fsys: fsys}
	if p, f, err := openProgram(fsys, r.ERTSDir+"/bin/beam.smp"); err == nil {
		l.like, l.interp = *p, p.Interpreter()
		f.Close()
	}
	return l
}

// checkLibraries looks for the libraries of the programs of ERTS and of the native
// parts of the applications.
func (r *Release) checkLibraries(fsys FS, c *Command, apps []string) []error {
	l := r.loader(fsys)
	if l.interp == "" {
		return nil // static, and there can be no native parts
	}
	for _, dir := range strings.Split(valueOf(c.Env, "LD_LIBRARY_PATH"), ":") {
		if dir != "" {
			l.dirs = append(l.dirs, dir)
		}
	}
	l.usual()
	for _, program := range [...]string{"erlexec", "beam.smp", "erl_child_setup", "inet_gethost"} {
		l.need(r.ERTSDir + "/bin/" + program)
	}
	if c.Daemon {
		l.need(r.ERTSDir + "/bin/epmd")
	}
	for _, app := range apps {
		l.native(app+"/priv", 2)
	}
	return l.errs
}

// native looks into the shared objects of a directory and those below it.
func (l *loader) native(dir string, depth int) {
	names, _ := l.fsys.List(dir)
	slices.Sort(names)
	for _, name := range names {
		switch {
		case strings.HasSuffix(name, ".so"):
			l.need(dir + "/" + name)
		case depth > 0 && isDir(l.fsys, dir+"/"+name):
			l.native(dir+"/"+name, depth-1)
		}
	}
}

// need finds what a program or a library needs, and what that needs.
func (l *loader) need(file string) {
	if slices.Contains(l.seen, file) {
		return
	}
	l.seen = append(l.seen, file)
	names, dirs, ok := l.open(file)
	if !ok {
		return // Check says what of it matters
	}
	for _, dir := range dirs {
		origin := file[:strings.LastIndexByte(file, '/')]
		dir = strings.ReplaceAll(strings.ReplaceAll(dir, "$ORIGIN", origin), "${ORIGIN}", origin)
		if dir != "" && !slices.Contains(l.dirs, dir) {
			l.dirs = append(l.dirs, dir)
		}
	}
	for _, name := range names {
		if found := l.find(name); found != "" {
			l.need(found)
		} else if !l.given(name) && !slices.Contains(l.seen, name) {
			l.seen = append(l.seen, name)
			l.errs = append(l.errs, errors.New(file+": needs the library "+name+", which the image does not have; want the package with it"))
		}
	}
}

// given says whether a library is the dynamic linker itself, as all of musl is.
func (l *loader) given(name string) bool {
	return strings.HasSuffix(l.interp, "/"+name) || strings.Contains(l.interp, "ld-musl") && strings.HasPrefix(name, "libc.")
}

// find is the path of a library; empty: there is none that fits.
func (l *loader) find(name string) string {
	if strings.IndexByte(name, '/') >= 0 {
		if _, err := l.fsys.Mode(name); err != nil {
			return ""
		}
		return name
	}
	for _, dir := range l.dirs {
		if _, _, ok := l.open(dir + "/" + name); ok {
			return dir + "/" + name
		}
	}
	return ""
}

// open gives what a program or a library needs; ok is false where it is none, or one for
// another processor.
func (l *loader) open(file string) (names, dirs []string, ok bool) {
	p, f, err := openProgram(l.fsys, file)
	if err != nil {
		return nil, nil, false
	}
	defer f.Close()
	if p.Wide != l.like.Wide || p.Machine != l.like.Machine {
		return nil, nil, false
	}
	names, dirs = p.Libraries()
	return names, dirs, true
}

// usual adds the directories of ld.so.conf, the built-in ones of glibc and musl, and
// those of Debian's architectures.
func (l *loader) usual() {
	l.conf("/etc/ld.so.conf", 4)
	for _, dir := range [...]string{"/lib", "/usr/lib", "/lib64", "/usr/lib64", "/lib32", "/usr/lib32", "/usr/local/lib"} {
		l.dirs = append(l.dirs, dir)
		names, _ := l.fsys.List(dir)
		for _, name := range names {
			if strings.Contains(name, "-linux-") && isDir(l.fsys, dir+"/"+name) {
				l.dirs = append(l.dirs, dir+"/"+name)
			}
		}
	}
}

// conf reads a file of ldconfig(8): a directory a line, and others to include.
func (l *loader) conf(file string, depth int) {
	text, err := l.fsys.Read(file, maxFile)
	if err != nil || depth == 0 {
		return
	}
	for _, line := range bytes.Split(text, []byte{'\n'}) {
		line, _, _ = bytes.Cut(line, []byte{'#'})
		words := strings.Fields(string(line))
		switch {
		case len(words) == 1 && words[0][0] == '/':
			l.dirs = append(l.dirs, words[0])
		case len(words) == 2 && words[0] == "include":
			dir := words[1][:strings.LastIndexByte(words[1], '/')+1]
			names, _ := l.fsys.List(dir)
			for _, name := range names {
				if strings.HasSuffix(name, ".conf") { // as all of them include
					l.conf(dir+name, depth-1)
				}
			}
		}
	}
}
