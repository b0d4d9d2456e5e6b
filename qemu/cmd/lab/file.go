package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/beaminit/beaminit/qemu/arch"
	labpkg "github.com/beaminit/beaminit/qemu/lab"
	"github.com/beaminit/beaminit/qemu/watch/cli"
)

// fileNode is a node of a lab file, which says what the flags of lab run say, by their names, and each node by
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
// With several LANs, each node says on which it is, in the order of its network cards, eth0 first:
//
//	[[lan]]
//	name = "control"
//	address = "192.168.7.0/24"
//
//	[[lan]]
//	name = "field"
//	address = "10.20.0.0/24"
//
//	[[node]]
//	name = "till"
//	[[node.nic]]
//	lan = "control"
//	[[node.nic]]
//	lan = "field"
//	address = "10.20.0.20"
//
// Paths are from the directory of the file. A flag that was given wins.
type fileNode struct {
	Name    string     `toml:"name"`
	Address netip.Addr `toml:"address"` // not given: that of the node in this place of a lab without a file
	Node    string     `toml:"node"`    // the part of its node name before the @, where the release has another
	Append  string     `toml:"append"`
	Memory  int        `toml:"mem"`
	CPUs    int        `toml:"cpus"`
	Release string     `toml:"release"` // another than the others'
	Image   string     `toml:"image"`
	Kernel  string     `toml:"kernel"`
	Arch    string     `toml:"arch"`
	RTC     string     `toml:"rtc"`
	NICs    []fileNIC  `toml:"nic"`
}

// paths are the keys that name a file.
var paths = []string{"release", "image", "kernel", "init", "config", "health-key"}

// readFile takes over what a lab file says, if one is given.
func (s *setup) readFile(fs *flag.FlagSet, args []string) error {
	if len(args) == 0 {
		return nil
	}
	text, err := cli.ReadFile(args[0])
	if err != nil {
		return usageError("lab file: " + err.Error())
	}
	if err := s.takeFile(fs, args[0], string(text)); err != nil {
		return usageError(args[0] + ": " + err.Error())
	}
	return nil
}

func (s *setup) takeFile(fs *flag.FlagSet, path, text string) error {
	var keys map[string]toml.Primitive
	meta, err := toml.Decode(text, &keys)
	if err != nil {
		return plainly(err)
	}
	for key, to := range map[string]any{"node": &s.listed, "lan": &s.lans} {
		if value, ok := keys[key]; ok {
			if err := meta.PrimitiveDecode(value, to); err != nil {
				return plainly(err)
			}
		}
	}
	given := map[string]bool{}
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	var errs []error
	for _, key := range meta.Keys() {
		if len(key) == 1 && key[0] != "node" && key[0] != "lan" {
			errs = append(errs, setFlag(fs, path, key[0], meta, keys[key[0]], given[key[0]]))
		}
	}
	tables := map[string]reflect.Type{
		"node":     reflect.TypeFor[fileNode](),
		"node.nic": reflect.TypeFor[fileNIC](),
		"lan":      reflect.TypeFor[fileLAN](),
	}
	for _, key := range meta.Undecoded() {
		table := strings.Join(key[:len(key)-1], ".")
		if of, known := tables[table]; known {
			errs = append(errs, fmt.Errorf("there is no key %q of a [[%s]]; there are %s", key[len(key)-1], table, strings.Join(keysOf(of), ", ")))
		}
	}
	if len(s.lans) > 0 && len(s.listed) == 0 {
		errs = append(errs, errors.New("[[lan]] wants [[node]]s, each with a [[node.nic]] for each LAN that it is on"))
	}
	if _, too := keys["nodes"]; len(s.listed) > 0 && (too || given["nodes"] || s.auto) {
		errs = append(errs, errors.New("[[node]] goes without nodes and auto: each node is named there"))
	}
	s.file = path
	return errors.Join(errs...)
}

// beside is a path that is meant from the directory of the file.
func beside(file, path string) string {
	if path == "" || filepath.IsAbs(path) || strings.HasPrefix(path, "demo:") {
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
	var errs []error
	for i, n := range s.listed {
		if _, err := arch.Find(n.Arch); err != nil {
			errs = append(errs, fmt.Errorf("node %q: %w", n.Name, err))
		}
		spec, err := s.node(i, n, usual[i].Address)
		usual[i], errs = spec, append(errs, err)
	}
	if err := errors.Join(append(errs, labpkg.Check(s.lans.specs(), usual))...); err != nil {
		return nil, fmt.Errorf("%s: %w", s.file, err)
	}
	return usual, nil
}

// node is a node of the file, which has usual as its address where it says none.
func (s setup) node(i int, n fileNode, usual netip.Addr) (labpkg.NodeSpec, error) {
	spec := labpkg.NodeSpec{Name: n.Name, Address: n.Address, Node: n.Node, Append: n.Append, Memory: n.Memory, CPUs: n.CPUs, RTC: n.RTC}
	if len(n.NICs) > 0 {
		return spec, s.nics(&spec, i, n)
	}
	if !spec.Address.IsValid() {
		if spec.Address = usual; len(s.lans) > 0 && s.lans[0].Address.IsValid() {
			spec.Address = s.lans.specs()[0].Host(hostNumber(i))
		}
	}
	return spec, nil
}

// becomes makes it that of a node with a processor of its own, for which no kernel of others is.
func (s *setup) becomes(n fileNode, given string, say func(string)) (err error) {
	s.arch, s.kernel, s.init = n.Arch, beside(s.file, n.Kernel), given
	s.init, err = s.program(say)
	return err
}

// ownImages builds what nodes of the file boot that is not what the others boot. given is the init
// that was named; empty: it is built, for each processor.
func (s setup) ownImages(o *labpkg.Options, given string) error {
	for i, n := range s.listed {
		if n.Release == "" && n.Image == "" && n.Kernel == "" && (n.Arch == "" || n.Arch == s.arch) {
			continue
		}
		own := s
		own.release, own.image = beside(s.file, n.Release), beside(s.file, n.Image)
		if n.Release == "" && n.Image == "" {
			own.release, own.image = s.release, s.image
		}
		own.kernel = cmp.Or(beside(s.file, n.Kernel), s.kernel)
		if n.Arch != "" && n.Arch != s.arch {
			if err := own.becomes(n, given, o.Say); err != nil {
				return fmt.Errorf("node %q: %w", n.Name, err)
			}
		}
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
