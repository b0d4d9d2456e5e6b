package lab

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Cut takes the node off all its LANs, or puts it back.
func (n *Node) Cut(cut bool) {
	for _, name := range n.lans() {
		n.lab.Switch.Cut(name, n.Spec.Name, cut)
		n.notes(name, cut)
	}
	if cut {
		n.note("lab: cut off the LAN")
	} else {
		n.note("lab: back on the LAN")
	}
}

// cutOn takes the node off one LAN, or puts it back.
func (n *Node) cutOn(name string, cut bool) {
	n.lab.Switch.Cut(name, n.Spec.Name, cut)
	n.notes(name, cut)
	if cut {
		n.note("lab: cut off the LAN " + name)
	} else {
		n.note("lab: back on the LAN " + name)
	}
}

// notes remembers the LANs that it is off.
func (n *Node) notes(name string, cut bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cut = slices.DeleteFunc(n.cut, func(c string) bool { return c == name })
	if cut {
		n.cut = append(n.cut, name)
	}
}

// isCut tells whether it is off a LAN; n.mu is held.
func (n *Node) isCut(name string) bool { return slices.Contains(n.cut, name) }

// lans are the LANs that it is on, each once.
func (n *Node) lans() (names []string) {
	for _, c := range n.cards {
		if !slices.Contains(names, c.on.Name) {
			names = append(names, c.on.Name)
		}
	}
	return names
}

// freeze stops the node's processor, or lets it go on.
func (n *Node) freeze(frozen bool) error {
	command, text := "cont", "lab: goes on"
	if frozen {
		command, text = "stop", "lab: frozen"
	}
	if err := n.Monitor(command); err != nil {
		return err
	}
	n.fault("frozen", frozen)
	n.note(text)
	return nil
}

// unplug pulls the node's cables of some LANs, or puts them back: the node sees its carrier go
// and come.
func (n *Node) unplug(out bool, from []string) error {
	text := "lab: cable plugged in"
	if out {
		text = "lab: cable unplugged"
	}
	found := false
	for i, c := range n.cards {
		if !slices.Contains(from, c.on.Name) {
			continue
		}
		found = true
		if err := n.execute("set_link", map[string]any{"name": nicID(i), "up": !out}); err != nil {
			return err
		}
		n.fault(unpluggedOf(c.on.Name), out)
	}
	if !found {
		return fmt.Errorf("%s has no network card there", n.Spec.Name)
	}
	n.note(text)
	return nil
}

// unpluggedOf is the fault of a cable that is pulled, by its LAN.
func unpluggedOf(name string) string {
	return strings.TrimSuffix("unplugged "+onWord+" "+name, " "+onWord+" ")
}

// fault notes what is wrong with the machine, or that it is not any more.
func (n *Node) fault(what string, wrong bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.faults = slices.DeleteFunc(n.faults, func(f string) bool { return f == what })
	if wrong {
		n.faults = append(n.faults, what)
	}
}

// Heal takes back what was done to the node while it runs.
func (n *Node) Heal() error {
	return n.healOn(n.lans(), true)
}

// healOn is Heal of what is of some LANs, and of the machine where it is wanted.
func (n *Node) healOn(names []string, machine bool) error {
	n.mu.Lock()
	cut, faults := slices.Clone(n.cut), slices.Clone(n.faults)
	n.mu.Unlock()
	if len(cut) > 0 && len(cut) == len(n.lans()) && len(names) == len(cut) {
		n.Cut(false)
		cut = nil
	}
	for _, name := range cut {
		if slices.Contains(names, name) {
			n.cutOn(name, false)
		}
	}
	back := map[string]func(bool) error{}
	for _, name := range names {
		back[unpluggedOf(name)] = func(out bool) error { return n.unplug(out, []string{name}) }
	}
	if machine {
		back["frozen"], back["disk slow"], back["disk readonly"] = n.freeze, n.slowDisk, n.readOnlyDisk
	}
	var errs []error
	for _, f := range faults {
		if do := back[f]; do != nil {
			errs = append(errs, do(false))
		}
	}
	return errors.Join(errs...)
}
