package config

import (
	"bytes"
	"errors"
	"io/fs"

	"github.com/beaminit/beaminit/config/cmdline"
	"github.com/beaminit/beaminit/config/image"
)

// loader is the state of one Load.
type loader struct {
	c    *Config
	read func(path string) ([]byte, error)
	run  func(argv []string) ([]byte, error)

	// What waits until all sources have been read.
	hosts       [Cmdline + 1]wantedHost // by each source
	image       *image.Settings         // what the image has for other inits
	fromFstab   []fstabMount
	rootOptions []string // of / in fstab

	// Where the words stand that are taken over now, for a problem with them.
	line   int    // of ErlinitPath or fstabPath; 0: another source is
	option string // of erlinit, as it was written

	given []given   // options of erlinit that count once
	peers peerIndex // of the table of peers that grows
}

// wantedHost is a host name or a pattern for one, and the line of ErlinitPath that it stands in.
type wantedHost struct {
	pattern string
	line    int
}

// Sources is what a Config is made of.
type Sources struct {
	Cmdline string                              // the text of /proc/cmdline
	Args    []string                            // what the kernel gave its init, without the program's name (see InitArgs)
	Read    func(path string) ([]byte, error)   // the content of a file; the error is fs.ErrNotExist where there is none
	List    func(dir string) []string           // the names in a directory; nil: nobody can tell
	Run     func(argv []string) ([]byte, error) // what a program writes to its standard output; nil: none can be run here

	// Of a container: it has variables, "NAME=value", in place of a kernel command line, and
	// a name; what its image has for machines is left alone. nil: it is none.
	Environment []string
	Hostname    string
}

// Load is Sources.Load where no program can be run, with the words for init that the
// kernel would take from its command line.
func Load(line string, read func(path string) ([]byte, error)) *Config {
	return Sources{Cmdline: line, Args: cmdline.InitArgs(line), Read: read}.Load()
}

// Load merges all sources of the configuration. /sys should be mounted, for the MAC
// that may have to name the node. It never fails: what is wrong becomes a Problem, and
// a default stands in its place.
func (s Sources) Load() *Config {
	l := &loader{c: defaults(), read: withoutBOM(s.Read), run: s.Run, image: &image.Settings{}}
	files := image.NewFiles(l.read, s.List)
	isContainer := s.Environment != nil
	if !isContainer {
		l.image = image.Read(files)
		l.fstab()
	}
	l.erlinitFile()
	l.tomlFile()
	if isContainer {
		l.environment(s.Environment, s.Args)
	} else {
		l.kernelCmdline(s.Cmdline, s.Args)
	}
	l.hostname(s)
	l.notes()
	if isContainer {
		l.relabel()
	} else {
		l.noteBrought(files)
	}
	return l.c
}

// tomlFile takes over beaminit.toml, where there is one.
func (l *loader) tomlFile() {
	data, err := l.read(Path)
	switch {
	case err == nil:
		l.toml(string(data))
	case !errors.Is(err, fs.ErrNotExist):
		l.problem(TOML, nil, fault{what: "cannot be read: " + err.Error(), used: "the defaults"})
	}
}

// withoutBOM reads files without the mark that editors of other systems put at the beginning
// (U+FEFF in UTF-8).
func withoutBOM(read func(path string) ([]byte, error)) func(path string) ([]byte, error) {
	return func(path string) ([]byte, error) {
		data, err := read(path)
		return bytes.TrimPrefix(data, []byte("\uFEFF")), err
	}
}
