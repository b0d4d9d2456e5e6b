package cgroup

import (
	"slices"
	"strconv"
	"strings"

	"github.com/beaminit/beaminit/internal/files"
)

// Pressures is how much of the last ten seconds something of the machine waited for memory, for a
// CPU and for a disk, in percent (the kernel's Documentation/accounting/psi.rst); empty where the
// kernel does not count it.
func Pressures() string { return pressures("/proc/pressure/", "") }

func pressures(dir, suffix string) string {
	var list []string
	for _, what := range [...]string{"memory", "cpu", "io"} {
		text, err := files.ReadFile(dir + what + suffix)
		if some := average(string(text)); err == nil && some != "" {
			list = append(list, what+" "+some+"%")
		}
	}
	return strings.Join(list, ", ")
}

// average is the field avg10 of the line "some" of a file of PSI; empty where there is none.
func average(psi string) string {
	rest, ok := strings.CutPrefix(psi, "some avg10=")
	number, _, more := strings.Cut(rest, " ")
	if _, err := strconv.ParseFloat(number, 64); err != nil || !ok || !more {
		return ""
	}
	return number
}

// Usages say what each group takes of what it may: the release's, and those of services.
func Usages() (lines []string) { return usages(Root) }

func usages(root string) (lines []string) {
	names, _ := files.Names(root, 0)
	slices.Sort(names)
	for _, name := range names {
		if name == Release || strings.HasPrefix(name, Service) {
			if usage := usage(root + "/" + name + "/"); usage != "" {
				lines = append(lines, name+": "+usage)
			}
		}
	}
	return lines
}

func usage(dir string) string {
	var list []string
	for _, f := range [...]struct {
		current, most string
		shift         int
		unit          string
	}{{"memory.current", "memory.max", 20, " MiB"}, {"pids.current", "pids.max", 0, " tasks"}} {
		n, ok := number(dir + f.current)
		if !ok { // without its controller there is none
			continue
		}
		text := strconv.FormatUint(n>>f.shift, 10)
		if most, ok := number(dir + f.most); ok {
			text += " of " + strconv.FormatUint(most>>f.shift, 10)
		}
		list = append(list, text+f.unit)
	}
	if p := pressures(dir, ".pressure"); p != "" {
		list = append(list, "pressure "+p)
	}
	return strings.Join(list, ", ")
}

// IsFull says whether of its memory less than a hundredth is left.
func (g *Group) IsFull() bool { return isFull(g.Dir()) }

func isFull(dir string) bool {
	current, known := number(dir + "/memory.current")
	most, limited := number(dir + "/memory.max")
	return known && limited && current >= most-most/100
}

// number reads a file with a number; not ok: there is none, or the word max.
func number(path string) (n uint64, ok bool) {
	text, err := files.ReadFile(path)
	if err != nil {
		return 0, false
	}
	n, err = strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	return n, err == nil
}
