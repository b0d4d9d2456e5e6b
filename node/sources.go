package node

import (
	"bytes"
	"errors"
	"io/fs"
	"net/netip"

	"github.com/beaminit/beaminit/cluster/discovery"
	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/netcfg"
)

// sources is what the configuration of a boot was made of, as it was read then: from it a
// child of PID 1 makes the same one, whatever became of the files since.
type sources struct {
	Cmdline    string
	Args       []string
	Environ    []string // of a container, in place of Cmdline; nil: it is none
	Hostname   string   // and its name
	Files      map[string][]byte
	Unreadable map[string]string // what could not be read, and why; of programs only that they are there, so they count as that
	Names      map[string][]string
	ID         []byte // what the id program said; nil: none was asked
}

// load reads the configuration of this node, and keeps what it was made of.
func (s *sources) load(im *Image) *config.Config {
	s.Files, s.Unreadable, s.Names = map[string][]byte{}, map[string]string{}, map[string][]string{}
	read := func(path string) ([]byte, error) {
		text, err := im.Read(path)
		switch {
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			s.Unreadable[path] = err.Error()
		case bytes.HasPrefix(text, []byte("\x7fELF")), bytes.HasPrefix(text, []byte("#!")):
			s.Unreadable[path] = "it is a program"
		case err == nil:
			s.Files[path] = text
		}
		return text, err
	}
	list := func(dir string) []string {
		names := im.List(dir)
		if len(names) > 0 {
			s.Names[dir] = names
		}
		return names
	}
	run := func(argv []string) ([]byte, error) {
		id, err := askID(argv)
		if err == nil {
			s.ID = id
		}
		return id, err
	}
	return s.loadFrom(read, list, run)
}

// loadFrom is the configuration that files, directories and the id program give.
func (s *sources) loadFrom(read func(path string) ([]byte, error), list func(dir string) []string,
	run func(argv []string) ([]byte, error)) *config.Config {
	return config.Sources{
		Cmdline: s.Cmdline, Args: s.Args, Environment: s.Environ, Hostname: s.Hostname,
		Read: read, List: list, Run: run,
	}.Load()
}

// reload is the same configuration.
func (s *sources) reload() *config.Config {
	read := func(path string) ([]byte, error) {
		if text, ok := s.Files[path]; ok {
			return text, nil
		}
		if why, ok := s.Unreadable[path]; ok {
			return nil, errors.New(why)
		}
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	list := func(dir string) []string { return s.Names[dir] }
	run := func([]string) ([]byte, error) { return s.ID, nil }
	return s.loadFrom(read, list, run)
}

// releaseQuery is what a child has to know to find out how the release is started: what a Setup
// on this node has, and can be told.
type releaseQuery struct {
	Sources    *sources
	Hostname   string
	Address    netip.Addr // that the network gave
	Peers      []discovery.Peer
	StateDir   string
	Boot       uint32
	TTY        bool
	Uncuttable bool
	Run        int  // the number of the start in this boot
	Start      bool // make everything ready for it
}

// setup is the Setup of a query.
func (o *releaseQuery) setup() *Setup {
	s := &Setup{
		Image: Running(), Config: o.Sources.reload(), StateDir: o.StateDir, Boot: o.Boot, TTY: o.TTY, Uncuttable: o.Uncuttable,
	}
	s.Config.Node.Hostname, s.network.address, s.Found.Peers = o.Hostname, o.Address, o.Peers
	s.Net = netcfg.Make(o.Hostname, s.Config.Network)
	return s
}
