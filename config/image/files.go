// Package image reads what an image has for other inits and their tools, and a node does
// too: modules to load (modules-load.d(5)), their options (modprobe.d(5)), settings of the
// kernel (sysctl.d(5)), directories and files to make (tmpfiles.d(5)) and users that the
// image is to have (sysusers.d(5)). It reads; what comes of it is the configuration's.
package image

import (
	"slices"
	"strings"

	"github.com/beaminit/beaminit/config/lex"
)

// Files are those of an image.
type Files struct {
	read func(path string) ([]byte, error)
	list func(dir string) []string
	etc  []string // the names in /etc; empty: not known
}

// NewFiles has read give the content of a file, and list the names in a directory. Where
// list is nil nobody can tell them, and no directory has any.
func NewFiles(read func(path string) ([]byte, error), list func(dir string) []string) *Files {
	f := &Files{read: read, list: list}
	f.etc = f.Names("/etc")
	return f
}

// Of what an image has no more is read than this: names in a directory, and bytes of a file.
const (
	maxNames = 256
	maxBytes = 64 << 10
)

// Names is the names in a directory of the image that end as one of suffixes, and all
// without any; hidden ones are left out then.
func (f *Files) Names(dir string, suffixes ...string) (names []string) {
	if f.list == nil || !f.MayHave(dir) {
		return nil
	}
	if len(suffixes) == 0 {
		return f.list(dir)
	}
	for _, name := range f.list(dir) {
		ends := func(suffix string) bool { return strings.HasSuffix(name, suffix) }
		if name[0] != '.' && slices.ContainsFunc(suffixes, ends) {
			names = append(names, name)
		}
	}
	return names
}

// Exists says whether a file can be read.
func (f *Files) Exists(path string) bool {
	_, err := f.read(path)
	return err == nil
}

// Lines are the lines of a file that are no comments, with blanks for tabs. One that
// continues with a backslash at its end is one line. A file that cannot be read has none.
func (f *Files) Lines(path string) (lines []string) {
	if !f.MayHave(path) {
		return nil
	}
	data, err := f.read(path)
	if err != nil || len(data) > maxBytes {
		return nil
	}
	text := strings.ReplaceAll(string(data), "\\\n", " ")
	for _, line := range strings.Split(text, "\n") {
		line = strings.ReplaceAll(strings.TrimSpace(line), "\t", " ")
		if line != "" && line[0] != '#' && line[0] != ';' && lex.IsPrintable(line) {
			lines = append(lines, line)
		}
	}
	return lines
}

// dropInDirs are where configuration files of a kind lie, the strongest first: a file
// hides those of its name in the directories behind (systemd's sysctl.d(5) and the like).
var dropInDirs = [...]string{"/etc/", "/run/", "/usr/lib/", "/lib/"}

// DropIns are the paths of the *.conf files of a kind ("sysctl.d"), in the order of their
// names.
func (f *Files) DropIns(kind string) (paths []string) {
	path := map[string]string{}
	var names []string
	for _, dir := range dropInDirs {
		for _, name := range f.Names(dir + kind) {
			if _, hidden := path[name]; !hidden && strings.HasSuffix(name, ".conf") && len(names) < maxNames {
				path[name] = dir + kind + "/" + name
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	for _, name := range names {
		paths = append(paths, path[name])
	}
	return paths
}

// MayHave is false for what is known not to be in /etc: of the two dozen places that are looked
// at there, most images have few.
func (f *Files) MayHave(path string) bool {
	rest, ok := strings.CutPrefix(path, "/etc/")
	name, _, _ := strings.Cut(rest, "/")
	return !ok || len(f.etc) == 0 || len(f.etc) >= maxNames || slices.Contains(f.etc, name)
}
