package image

import (
	"slices"

	"github.com/beaminit/beaminit/config/tmpfiles"
)

// Settings is what of the files of an image a node does. The kernel command line may add to
// it (AddOptions, AddSysctl).
type Settings struct {
	Modules     []string          // to be loaded, in this order; what bars them is not looked at
	Barred      []string          // modules that are not loaded because somebody else wants it
	Options     map[string]string // parameters of modules, by their names with _
	ModuleLines []string          // "alias …" and "softdep …" of modprobe.d
	Sysctl      []string          // PATH=VALUE below /proc/sys, with - in front where a failure is fine; -PATH: no pattern counts for it
	Tmpfiles    []tmpfiles.Line
	Users       []User
	Notes       []Note

	undone []string // lines of tmpfiles.d that have no effect
	aged   []string // and paths in it whose files would be removed when they are old
}

// User is a user or a group that the image is to have.
type User struct {
	File string // that it would stand in: /etc/passwd, /etc/group
	Name string
}

// Note is what is without effect.
type Note struct {
	Kind string // of the file: "sysctl.d"
	Text string
}

// maxNotes is how many there are at most: what is wrong more often is wrong as a whole.
const maxNotes = 64

// note keeps a note, once. (Inlined: 4 KB more.)
//
//go:noinline
func (s *Settings) note(kind, text string) {
	if n := (Note{kind, text}); !slices.Contains(s.Notes, n) && len(s.Notes) < maxNotes {
		s.Notes = append(s.Notes, n)
	}
}

// Read reads the settings of an image.
func Read(f *Files) *Settings {
	s := &Settings{}
	s.readModules(f)
	s.readSysctl(f)
	s.readTmpfiles(f)
	s.readUsers(f)
	return s
}
