package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	labpkg "github.com/beaminit/beaminit/qemu/lab"
)

// labFile is a file that says what the flags of lab run say, by their names, and each node by
// itself:
//
//	release = "_build/prod/rel/shop"
//	mem = 512
//
//	[[node]]
//	name = "till"
//	address = "192.168.7.20"
//	append = "beaminit.release.env.SHELF=7"
//
//	[[node]]
//	name = "store"
//	release = "_build/prod/rel/store"
//	cpus = 2
//
// Paths are from the directory of the file. A flag that was given wins.
type labFile struct {
	Node []fileNode `toml:"node"`
}

type fileNode struct {
	Name    string
	Address netip.Addr // not given: that of the node in this place of a lab without a file
	Node    string     // the part of its node name before the @, where the release has another
	Append  string
	Memory  int    `toml:"mem"`
	CPUs    int    `toml:"cpus"`
	Release string // another than the others'
	Image   string
	Kernel  string
	RTC     string `toml:"rtc"`
}

// paths are the keys that name a file.
var paths = []string{"release", "image", "kernel", "init", "config", "health-key"}

// readFile takes over what a lab file says, if one is given.
func (s *setup) readFile(fs *flag.FlagSet, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if err := s.takeFile(fs, args[0]); err != nil {
		return usageError(args[0] + ": " + err.Error())
	}
	return nil
}

func (s *setup) takeFile(fs *flag.FlagSet, path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var f labFile
	if _, err := toml.Decode(string(text), &f); err != nil {
		return err
	}
	var keys map[string]any
	meta, err := toml.Decode(string(text), &keys)
	if err != nil {
		return err
	}
	known := fileFlags()
	given := map[string]bool{}
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	var errs []error
	for _, key := range meta.Keys() {
		switch {
		case len(key) == 2 && key[0] == "node":
			if !slices.Contains(nodeKeys, key[1]) {
				errs = append(errs, fmt.Errorf("there is no key %q of a [[node]]; there are %s", key[1], strings.Join(nodeKeys, ", ")))
			}
		case len(key) > 1 || key[0] == "node":
		case !slices.Contains(known, key[0]):
			errs = append(errs, fmt.Errorf("there is no key %q; there are [[node]] and %s", key[0], strings.Join(known, ", ")))
		case !given[key[0]] && fs.Lookup(key[0]) != nil: // lab image has not all of them
			if err := fs.Set(key[0], flagText(path, key[0], keys[key[0]])); err != nil {
				errs = append(errs, fmt.Errorf("%s = %v: %w", key[0], keys[key[0]], err))
			}
		}
	}
	if len(f.Node) > 0 && (given["nodes"] || keys["nodes"] != nil || s.auto) {
		errs = append(errs, errors.New("[[node]] goes without nodes and auto: each node is named there"))
	}
	s.file, s.listed = path, f.Node
	return errors.Join(errs...)
}

var nodeKeys = []string{"name", "address", "node", "append", "mem", "cpus", "release", "image", "kernel", "rtc"}

// fileFlags are the flags that a file can have as keys: those of lab run but -dir.
func fileFlags() (list []string) {
	var e env
	fs := flag.NewFlagSet("lab run", flag.ContinueOnError)
	e.flags(fs, "run")
	fs.VisitAll(func(f *flag.Flag) {
		if f.Name != "dir" {
			list = append(list, f.Name)
		}
	})
	return list
}

// flagText is a value of the file as a flag has it.
func flagText(file, key string, value any) string {
	text := fmt.Sprint(value)
	if slices.Contains(paths, key) {
		return beside(file, text)
	}
	return text
}

// beside is a path that is meant from the directory of the file.
func beside(file, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(file), path)
}

// specs are the nodes that the flags or the file have.
func (s setup) specs() ([]labpkg.NodeSpec, error) {
	if s.auto {
		return labpkg.AutoSpecs(s.nodes)
	}
	if len(s.listed) == 0 {
		return labpkg.NodeSpecs(s.nodes)
	}
	usual, err := labpkg.NodeSpecs(len(s.listed))
	if err != nil {
		return nil, err
	}
	for i, n := range s.listed {
		address := n.Address
		if !address.IsValid() {
			address = usual[i].Address
		}
		usual[i] = labpkg.NodeSpec{Name: n.Name, Address: address, Node: n.Node, Append: n.Append, Memory: n.Memory, CPUs: n.CPUs, RTC: n.RTC}
	}
	if err := labpkg.CheckNodes(usual); err != nil {
		return nil, fmt.Errorf("%s: %w", s.file, err)
	}
	return usual, nil
}

// ownImages builds what nodes of the file boot that is not what the others boot.
func (s setup) ownImages(o *labpkg.Options) error {
	for i, n := range s.listed {
		if n.Release == "" && n.Image == "" && n.Kernel == "" {
			continue
		}
		own := s
		own.release, own.image = beside(s.file, n.Release), beside(s.file, n.Image)
		if n.Release == "" && n.Image == "" {
			own.release, own.image = s.release, s.image
		}
		own.kernel = cmp.Or(beside(s.file, n.Kernel), s.kernel)
		set, err := own.images(filepath.Join(o.Dir, "images", n.Name), o.Nodes, o.Say)
		if err != nil {
			return fmt.Errorf("node %q: %w", n.Name, err)
		}
		o.Nodes[i].Image = &set
		if own.image != "" && s.image == "" { // made without regard to the lab
			o.Nodes[i].Append = strings.TrimSpace(labpkg.Words(o.Nodes, s.interval) + " " + n.Append)
		}
	}
	return nil
}
