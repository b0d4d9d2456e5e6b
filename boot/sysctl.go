package boot

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/internal/files"
)

// maxSettings is how many names below /proc/sys a * stands for at most.
const maxSettings = 1024

// SetSysctls writes settings of the kernel, PATH=VALUE below /proc/sys, in their order. A
// * in a path stands for any name (net/ipv4/conf/*/rp_filter), but for those of which there is a
// -PATH. Each failure is one error and stops no other setting; that of -PATH=VALUE is none.
func SetSysctls(settings []string) []error {
	const top = "/proc/sys"
	var errs []error
	for _, s := range settings {
		name, value, is := strings.Cut(s, "=")
		name, quiet := strings.CutPrefix(name, "-")
		if !is {
			continue
		}
		for _, p := range globSysctl(top, name) {
			if p != top+"/"+name && slices.Contains(settings, "-"+strings.TrimPrefix(p, top+"/")) {
				continue
			}
			err := files.WriteKernel(p, value)
			switch {
			case quiet:
			case errors.Is(err, unix.ENOENT):
				errs = append(errs, fmt.Errorf("sysctl %s: this kernel has no such setting, or its module is not loaded", name))
			case err != nil:
				errs = append(errs, fmt.Errorf("sysctl %s = %s: %w", name, value, err))
			}
		}
	}
	return errs
}

// globSysctl gives the paths that a name with * stands for; one without is itself.
func globSysctl(dir, name string) []string {
	first, rest, deeper := strings.Cut(name, "/")
	names := []string{first}
	if strings.ContainsAny(first, "*?[") {
		all, _ := files.Names(dir, maxSettings)
		names = nil
		for _, n := range all {
			if ok, err := path.Match(first, n); ok && err == nil {
				names = append(names, n)
			}
		}
	}
	var found []string
	for _, n := range names {
		switch p := dir + "/" + n; {
		case n == "" || n == "." || n == "..":
		case deeper:
			found = append(found, globSysctl(p, rest)...)
		default:
			found = append(found, p)
		}
	}
	return found
}
