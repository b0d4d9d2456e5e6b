package scenario

import (
	"fmt"
	"os/exec"

	"github.com/beaminit/beaminit/qemu/lab"
)

// Check tells the first step that makes no sense on a lab of these nodes and LANs: before they are booted, which
// is before anything else would tell it.
func (f *File) Check(nodes []lab.NodeSpec, lans []lab.LANSpec) error {
	for _, s := range f.Steps {
		if err := s.check(nodes, lans); err != nil {
			return fmt.Errorf("%s:%d: %w", f.Path, s.Line, err)
		}
	}
	return nil
}

func (s Step) check(nodes []lab.NodeSpec, lans []lab.LANSpec) error {
	switch s.Verb {
	case "do":
		return lab.CheckWords(nodes, lans, s.Words...)
	case "host":
		for _, n := range nodes {
			if n.Address.String() == s.Words[0] {
				return fmt.Errorf("host %s: this address is that of %s", s.Words[0], n.Name)
			}
		}
		if _, err := exec.LookPath(s.Words[1]); err != nil {
			return fmt.Errorf("host: there is no program %s on this machine: install it", s.Words[1])
		}
	}
	for _, name := range s.Nodes {
		if err := lab.CheckName(nodes, name); err != nil {
			return err
		}
	}
	return nil
}
