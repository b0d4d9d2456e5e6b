package config

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/beaminit/beaminit/config/lex"
)

// cgroup is a list of FILE=VALUE, each file once.
type cgroup []string

const wantCgroup = `files of the kernel's cgroup-v2.rst with a value, such as ["memory.max=256M", "cpu.weight=50", "pids.max=200"]`

// cgroupFiles are those that can be set, with what the kernel takes
// (Documentation/admin-guide/cgroup-v2.rst).
var cgroupFiles = [...]struct {
	name  string
	check func(string) bool
	want  string
}{
	{"memory.max", isCgroupSize, wantCgroupSize},
	{"memory.high", isCgroupSize, wantCgroupSize},
	{"memory.swap.max", isCgroupSize, wantCgroupSize},
	{"memory.oom.group", func(s string) bool { return s == "0" || s == "1" }, `0, or 1: the OOM killer ends all that is in the group`},
	{"cpu.weight", isWeight, wantWeight},
	{"cpu.max", isQuota, wantQuota},
	{"pids.max", func(s string) bool { return s == "max" || between(s, 1, math.MaxInt32) }, `a number of processes and threads, or "max"`},
	{"io.weight", func(s string) bool { return isWeight(strings.TrimPrefix(s, "default ")) }, wantWeight},
}

const (
	wantCgroupSize = `bytes, with K, M or G such as "256M", or "max"`
	wantQuota      = `"max", or of how many microseconds how many: "50000 100000" is half a CPU; ` +
		`1000 at least, and 1000000 for the second at most`
	wantWeight = "1 to 10000; 100 is the kernel's own"
)

// storeCgroup takes a list of FILE=VALUE, the good ones of it. Of one file the last counts.
func (k *key) storeCgroup(p *cgroup, v any, from Source) (bool, []fault) {
	list, ok := v.([]any)
	if !ok {
		return false, mistyped(v, from, "a list of strings")
	}
	good, faults := make(cgroup, 0, len(list)), []fault(nil)
	for _, item := range list {
		s, ok := item.(string)
		if !ok {
			return false, mistyped(item, from, "a string in a list of strings")
		}
		if f := cgroupFault(s); f.what != "" {
			faults = append(faults, f)
			continue
		}
		file, _, _ := strings.Cut(s, "=")
		good = slices.DeleteFunc(good, func(old string) bool { return strings.HasPrefix(old, file+"=") })
		good = append(good, s)
	}
	if faults != nil && len(good) == 0 {
		return false, faults
	}
	*p = good
	return true, faults
}

// cgroupFault says what is wrong with one FILE=VALUE; what is empty where nothing is.
func cgroupFault(s string) fault {
	name, value, found := strings.Cut(s, "=")
	if !found {
		return fault{what: lex.Quote(s) + " has no ="}
	}
	known := make([]string, 0, len(cgroupFiles))
	for i := range cgroupFiles {
		f := &cgroupFiles[i]
		if f.name == name {
			if f.check(value) {
				return fault{}
			}
			return fault{what: lex.Quote(value) + " is no value of " + name, want: f.want}
		}
		known = append(known, f.name)
	}
	what := lex.Quote(name) + " is no file of a cgroup that can be set"
	if meant := nearest(name, known); meant != "" {
		what += "; did you mean " + meant + "?"
	}
	return fault{what: what, want: "one of " + strings.Join(known, ", ")}
}

// isCgroupSize says whether the kernel's memparse reads all of it.
func isCgroupSize(s string) bool {
	digits := strings.TrimRight(s, "KMGkmg")
	return s == "max" || len(s)-len(digits) <= 1 && between(digits, 0, 1<<33)
}

func isWeight(s string) bool { return between(s, 1, 10000) }

// isQuota reads cpu.max: of each period, in microseconds, so many on the CPU.
func isQuota(s string) bool {
	quota, period, two := strings.Cut(s, " ")
	return (quota == "max" || between(quota, 1000, math.MaxInt32)) && (!two || between(period, 1000, 1e6))
}

func between(s string, low, high int64) bool {
	n, err := strconv.ParseInt(s, 10, 64)
	return err == nil && lex.IsDigits(s) && n >= low && n <= high
}
