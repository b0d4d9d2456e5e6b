package boot

import (
	"errors"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/internal/files"
)

// Autoload loads the modules for devices, by what these call themselves (MODALIAS). Of that
// nothing is used but to look it up: which file is loaded stands in modules.dep. It is no
// work for PID 1: a driver may hang.
type Autoload struct {
	Options map[string]string // as for LoadModules
	Barred  []string          // modules that are not loaded
	Lines   []string          // "alias …" and "softdep …" of modprobe.d
	Words   []string          // that are looked up as if a device called itself so
	Seen    map[string]bool   // words that are done with
	Said    []string          // and lines
}

// NewAutoload is for what a configuration says; file systems that it names have modules too,
// which the kernel itself could only have from modprobe(8).
func NewAutoload(c *config.Config) *Autoload {
	a := &Autoload{Options: c.Kernel.ModuleOptions, Barred: c.Kernel.Blacklist, Lines: c.Kernel.ModuleLines}
	types := strings.Split(c.Root.Type, ",")
	if c.Root.HasOverlay() {
		types = append(types, "overlay")
	}
	for i := range c.Mounts {
		types = append(types, c.Mounts[i].Type)
	}
	for _, t := range types {
		if t != "" {
			a.Words = append(a.Words, "fs-"+t)
		}
	}
	return a
}

const maxSeen = 4096 // words; more are looked up again

// Present loads what the devices want that are there, and those that come with that, and gives
// what went wrong and was not said yet, a line for each.
func (a *Autoload) Present() (lines []string) {
	for range 20 { // a bus, its devices, their interfaces, …
		more, any := a.load(append(presentWords(), a.Words...))
		lines = append(lines, more...)
		if !any {
			break
		}
	}
	return lines
}

// Come does the same for one device that has come.
func (a *Autoload) Come(words string) (lines []string) {
	lines, _ = a.load(strings.Fields(words))
	return lines
}

// presentWords are what the devices of this machine call themselves.
func presentWords() (words []string) {
	for _, kind := range [...]string{"/sys/bus/", "/sys/class/"} {
		for _, name := range readDir(kind) {
			dir := kind + name
			if kind == "/sys/bus/" {
				dir += "/devices"
			}
			for _, device := range readDir(dir) {
				if text, err := files.ReadFile(dir + "/" + device + "/modalias"); err == nil {
					words = append(words, strings.Fields(string(text))...)
				}
			}
		}
	}
	return words
}

// load is for words of which some may be new; any: one was.
func (a *Autoload) load(words []string) (lines []string, any bool) {
	words = slices.DeleteFunc(words, func(w string) bool { return a.Seen[w] })
	if len(words) == 0 {
		return nil, false
	}
	if a.Seen == nil || len(a.Seen) > maxSeen {
		a.Seen = map[string]bool{}
	}
	for _, w := range words {
		a.Seen[w] = true
	}
	say := func(line string) {
		if line = "kernel.autoload: " + line; !slices.Contains(a.Said, line) {
			a.Said, lines = append(a.Said, line), append(lines, line)
		}
	}
	dir := ModuleDir()
	t, err := readTables(dir)
	if err != nil {
		say(err.Error() + "; want what depmod(8) makes in the image")
		return lines, true
	}
	t.own = []byte(strings.Join(a.Lines, "\n"))
	paths, held := planAliases(t, words, a.isBarred)
	for _, what := range held {
		say(what + ", which modprobe.d or modprobe.blacklist= bars: it is not loaded")
	}
	for _, path := range paths {
		if err := a.loadFile(dir, path); err != nil && !errors.Is(err, unix.ENODEV) { // it looked, and none is its own
			say(err.Error())
		}
	}
	return lines, true
}

func (a *Autoload) isBarred(name string) bool {
	return slices.ContainsFunc(a.Barred, func(b string) bool { return moduleName(b) == name })
}

// loadFile loads a module that is not there yet, or on its way.
func (a *Autoload) loadFile(dir, path string) error {
	name := moduleName(path)
	if unix.Access("/sys/module/"+name+"/initstate", unix.F_OK) == nil {
		return nil
	}
	return loadWithin(dir, &module{path, a.Options[name]})
}

func readTables(dir string) (t *moduleTables, err error) {
	t = &moduleTables{}
	if t.dep, err = files.ReadLimit(dir+"/modules.dep", maxTable); err == nil {
		t.alias, err = files.ReadLimit(dir+"/modules.alias", maxTable)
	}
	t.softdep, _ = files.ReadLimit(dir+"/modules.softdep", maxTable) // there may be none
	return t, err
}
