package main

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/beaminit/beaminit/qemu/arch"
)

// usualMemory is that of a virtual machine, MiB.
const usualMemory = 256

// namespaces checks, before anything is built, what is asked of nodes that are namespaces.
func (s setup) namespaces(say func(string)) error {
	var errs []error
	if s.memory != 0 && s.memory != usualMemory || slices.ContainsFunc(s.listed, func(n fileNode) bool { return n.Memory != 0 }) {
		say("mem is a virtual machine's: a node as a namespace takes what it needs of this machine's memory")
	}
	for _, no := range []struct {
		what string
		set  bool
		why  string
	}{
		{"-kernel", s.kernel != "", "the kernel is this machine's"},
		{"-image", s.image != "", "an image is of a machine with a kernel and disks of its own"},
		{"-tcg", s.tcg, "nothing is emulated"},
		{"-arch " + s.arch, s.arch != "" && s.arch != arch.Default, "the processor is this machine's"},
	} {
		if no.set {
			errs = append(errs, fmt.Errorf("%s goes without -as ns: %s", no.what, no.why))
		}
	}
	for _, n := range s.listed {
		for _, no := range []struct{ key, value string }{{"arch", n.Arch}, {"image", n.Image}, {"kernel", n.Kernel}, {"rtc", n.RTC}} {
			if no.value != "" {
				errs = append(errs, fmt.Errorf("node %q: %s is a virtual machine's, and goes without -as ns", n.Name, no.key))
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return usageError(err.Error())
	}
	if os.Geteuid() != 0 {
		return errors.New("nodes as namespaces (-as ns) need root: sudo, or virtual machines (-as vm)")
	}
	return nil
}
