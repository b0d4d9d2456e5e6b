package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/beaminit/beaminit/qemu/arch"
	"github.com/beaminit/beaminit/qemu/image"
	labpkg "github.com/beaminit/beaminit/qemu/lab"
	"github.com/beaminit/beaminit/qemu/namespace"
	"github.com/beaminit/beaminit/qemu/watch/cli"
	"github.com/beaminit/beaminit/qemu/web"
)

// setup is what the flags say about the lab to build and start.
type setup struct {
	dir       string
	nodes     int
	release   string
	image     string
	kernel    string
	arch      string
	init      string
	config    string
	append    string
	healthKey string
	memory    int
	interval  time.Duration
	wait      time.Duration
	tcg       bool
	pcap      bool
	auto      bool
	as        string
	words     []string // the command line, as it came

	file   string     // a lab file; empty: none
	listed []fileNode // its nodes
	lans   fileLANs   // its LANs, where it names them
}

// flags declares the flags that a command has.
func (e *env) flags(fs *flag.FlagSet, name string) {
	s := &e.setup
	fs.StringVar(&s.dir, "dir", "", "directory of the lab (default build/lab in the repository)")
	switch name {
	case "run", "up", "serve", "image", "play":
		fs.IntVar(&s.nodes, "nodes", 3, "number of nodes")
		fs.StringVar(&s.release, "release", "", "release to boot: a directory (_build/prod/rel/NAME), a tar.gz, "+
			"or one of the lab's own, demo:NAME (default demo:eclero)")
		fs.StringVar(&s.image, "image", "", "image to boot that BitBake built: its tmp/deploy/images/MACHINE, or a root file system in it")
		fs.StringVar(&s.kernel, "kernel", "", "kernel to boot, a bzImage (default: Debian's cloud kernel)")
		fs.StringVar(&s.arch, "arch", arch.Default, "processor of the nodes: "+strings.Join(arch.Names(), ", ")+
			"; what another than this machine's boots is fetched from Debian")
		fs.StringVar(&s.init, "init", "", "beaminit binary to boot (default: built from the repository)")
		fs.BoolVar(&s.auto, "auto", false, "tell no node its name, its address or its peers: they find each other")
		fs.StringVar(&s.as, "as", labpkg.AsVM, "what nodes are: vm, virtual machines, or ns, namespaces of this machine, "+
			"which needs root (docs/lab.md)")
		fs.StringVar(&s.config, "config", "", "beaminit.toml for the image (default: made for these nodes)")
		fs.DurationVar(&s.interval, "interval", 2*time.Second, "between two health records")
	}
	switch name {
	case "run", "up", "serve", "play":
		fs.StringVar(&s.append, "append", "", "words added to the kernel command line")
		fs.StringVar(&s.healthKey, "health-key", "", "key file: the nodes sign their records with it (health.key_file), "+
			"and the lab believes no others")
		fs.IntVar(&s.memory, "mem", usualMemory, "memory of a node, MiB")
		fs.BoolVar(&s.tcg, "tcg", false, "never use KVM")
		fs.BoolVar(&s.pcap, "pcap", false, "write every frame of the LAN to run/lan.pcapng")
	}
	switch name {
	case "run", "play", "watch":
		fs.Var(&e.web, "web", web.FlagHelp)
	}
	switch name {
	case "cut", "loss", "delay", "rate", "duplicate", "reorder":
		fs.BoolVar(&e.oneWay, "one-way", false, "only from the first to the second")
	case "play":
		fs.StringVar(&e.junit, "junit", "", "write the result to this file, as JUnit XML")
		fs.IntVar(&e.slow, "slow", 1, "what is expected may take so many times as long: for a machine that is slow or busy")
		fs.StringVar(&e.svg, "svg", "", "draw the time line of each node into this file")
	case "sniff":
		fs.StringVar(&e.to, "to", "", "write a capture (pcapng) to this file instead; -: to the standard output")
	case "watch":
		e.watch.Flags(fs)
	case "up":
		fs.DurationVar(&s.wait, "wait", 3*time.Minute, "how long to wait until all nodes are up")
	case "status":
		fs.BoolVar(&e.json, "json", false, "as JSON")
	case "join", "joined", "remsh":
		fs.StringVar(&e.address, "address", "", "address of its own, such as 192.168.7.3, which says on what LAN it is "+
			"(default: the first of the first LAN)")
		if name == "joined" {
			fs.StringVar(&e.hosts, "hosts", "", "text of /etc/hosts")
		}
	case "console", "log":
		fs.IntVar(&e.lines, "n", 40, "lines of the past to show")
	}
}

// repository finds the root of the repository, from here upwards.
func repository() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(mod), "module github.com/beaminit/beaminit\n") {
			return dir, nil
		}
		if dir == "/" {
			return "", errors.New("this is not in the repository of beaminit: cd there, or name -dir and -init")
		}
	}
}

// labDir gives the lab's directory.
func (s setup) labDir() (string, error) {
	if s.dir != "" {
		return filepath.Abs(s.dir)
	}
	root, err := repository()
	return filepath.Join(root, "build", "lab"), err
}

// isProgram tells that a file is no program.
func isProgram(path string) error {
	head := make([]byte, 4)
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err == nil {
		defer f.Close()
		_, err = io.ReadFull(f, head)
	}
	if err == io.EOF || err == io.ErrUnexpectedEOF || err == nil && string(head) != "\x7fELF" {
		err = errors.New("it is no program: want one that make init builds")
	}
	if err != nil {
		return usageError("init " + path + ": " + err.Error())
	}
	return nil
}

// program is the init: one that is given, or that of this repository, built anew.
func (s setup) program(say func(string)) (string, error) {
	if s.init != "" {
		return s.init, isProgram(s.init)
	}
	root, err := repository()
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(image.InitFile(root, s.arch)); err != nil {
		say("building the init")
	}
	return image.BuildInit(root, s.arch)
}

// options builds what is missing and gives what a lab is started with.
func (s setup) options(say func(string)) (labpkg.Options, error) {
	var o labpkg.Options
	nodes, err := s.specs()
	if err != nil {
		return o, usageError(err.Error())
	}
	if s.as != labpkg.AsVM && s.as != labpkg.AsNS {
		return o, usageError(fmt.Sprintf("as %q: nodes are virtual machines (vm) or namespaces (ns)", s.as))
	}
	if err := s.qemu(); err != nil {
		return o, err
	}
	dir, err := s.labDir()
	if err != nil {
		return o, err
	}
	key, err := cli.Key(s.healthKey)
	if err != nil {
		return o, err
	}
	if err := s.fits(); err != nil {
		return o, err
	}
	if s.as == labpkg.AsNS {
		if err := s.namespaces(say); err != nil {
			return o, err
		}
	}
	// What is built would take the place of what the nodes of a running lab have.
	if s.words[0] != "image" || s.as == labpkg.AsNS {
		if err := labpkg.Tidy(dir, say); err != nil {
			return o, explain(err)
		}
	}
	given := s.init
	if s.init, err = s.program(say); err != nil {
		return o, err
	}
	set, err := s.images(dir, nodes, say)
	if err != nil {
		return o, full(dir, err)
	}
	o = labpkg.Options{
		Dir: dir, Nodes: nodes, LANs: s.lans.specs(), As: s.as, Image: set, TCG: s.tcg, Memory: s.memory, HealthKey: key,
		Interval: s.interval, Append: s.append, Pcap: s.pcap, Say: say,
	}
	if s.as == labpkg.AsNS {
		o.Nice = namespace.Prefer()
	}
	if s.image != "" {
		o.Append = strings.TrimSpace(labpkg.Words(nodes, s.interval) + " " + s.append)
	}
	return o, s.ownImages(&o, given)
}

// fits checks the figures of the flags.
func (s setup) fits() error {
	switch {
	case s.interval < minInterval || s.interval > maxInterval:
		return usageError(fmt.Sprintf("interval %v: want %v to %v", s.interval, minInterval, maxInterval))
	case s.memory != 0 && (s.memory < labpkg.MinMemory || s.memory > labpkg.MaxMemory):
		return usageError(fmt.Sprintf("mem %d: a node boots with %d MiB and more, %d at most", s.memory, labpkg.MinMemory, labpkg.MaxMemory))
	case s.wait < 0:
		return usageError(fmt.Sprintf("wait %v: want a time such as 3m", s.wait))
	}
	return nil
}

// Between two health records (health.interval).
const (
	minInterval = 100 * time.Millisecond
	maxInterval = 24 * time.Hour
)

// qemu tells of a processor whose QEMU is not on this machine, before anything is built.
func (s setup) qemu() error {
	if s.as == labpkg.AsNS || s.words[0] == "image" {
		return nil
	}
	names := []string{s.arch}
	for _, n := range s.listed {
		names = append(names, cmp.Or(n.Arch, s.arch))
	}
	for _, name := range names {
		a, err := arch.Find(name)
		if err != nil {
			return usageError(err.Error())
		}
		if _, err := exec.LookPath(a.QEMU); err != nil {
			return fmt.Errorf("%s, for nodes of %s, is not on this machine: install %s", a.QEMU, a.Name, a.Package)
		}
	}
	return nil
}

// images are what nodes boot: what BitBake built, or a release and the configuration that is
// for these nodes.
func (s setup) images(dir string, nodes []labpkg.NodeSpec, say func(string)) (image.Set, error) {
	if s.image != "" {
		if s.release != "" || s.config != "" || s.auto {
			return image.Set{}, usageError("an image has its own release and configuration: -image goes without -release, -config and -auto")
		}
		return wrongInput(image.Deployed(s.image, image.Spec{Dir: dir, Arch: s.arch, Init: s.init, Kernel: s.kernel}, say))
	}
	config := labpkg.Config(nodes, s.interval)
	if s.auto {
		config = labpkg.AutoConfig(s.interval)
	}
	if s.config != "" {
		var err error
		if config, err = cli.ReadFile(s.config); err != nil {
			return image.Set{}, usageError("config: " + err.Error())
		}
	}
	top, err := s.labDir()
	if err != nil {
		return image.Set{}, err
	}
	spec := image.Spec{Dir: dir, Debian: top, Arch: s.arch, Init: s.init, Release: s.release, Kernel: s.kernel, Config: config}
	if s.as == labpkg.AsNS {
		spec.Config = labpkg.AsNamespaces(config)
		return wrongInput(image.Directory(spec, say))
	}
	return wrongInput(image.Build(spec, say))
}

// full says first that a disk is full, where that is the error of whatever program.
func full(dir string, err error) error {
	text := strings.ToLower(err.Error())
	if strings.Contains(text, "enospc") || strings.Contains(text, "no space left") {
		return fmt.Errorf("there is no space left for %s: free some, or name another directory by -dir\n%w", dir, err)
	}
	return err
}

// wrongInput makes an error of what was named to be built from one of the command line.
func wrongInput(set image.Set, err error) (image.Set, error) {
	var wrong image.InputError
	if errors.As(err, &wrong) {
		err = usageError(err.Error())
	}
	return set, err
}

// saying tells steps on w.
func (e env) saying() func(string) {
	return func(text string) { fmt.Fprintln(e.err, "lab:", text) }
}
