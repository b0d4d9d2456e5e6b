package boot

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/config"
)

// UserMounts makes the plan of the [[mount]] tables, whose words are those of
// fstab(5) and mount(8). What cannot be is a problem and is left out of the plan;
// words that are no flag go to the file system as data.
//
// A mount of the same type on a place of Early or Late (a larger tmpfs on /tmp,
// say) becomes a remount that starts from their flags and data: only
// what is said is changed.
func UserMounts(ms []config.Mount) (plan []Mount, problems []error) {
	for i := range ms {
		m, use, err := userMount(&ms[i])
		if err == nil && use && m.Flags&unix.MS_REMOUNT == 0 {
			for j := range plan {
				if plan[j].Target == m.Target && plan[j].Flags&unix.MS_REMOUNT == 0 && m.Type != "swap" {
					m.Instead, m.Turns, plan[j].Turns = true, true, true
				}
			}
		}
		switch {
		case err != nil:
			problems = append(problems, err)
		case use:
			plan = append(plan, m)
		}
	}
	return plan, problems
}

func userMount(c *config.Mount) (m Mount, use bool, err error) {
	m = Mount{Source: c.Source, Target: c.Target, Type: c.Type}
	var o options
	for _, e := range append(Early(), Late()...) {
		switch {
		case c.Target != e.Target:
		case c.Type == e.Type:
			o.flags = e.Flags | unix.MS_REMOUNT
			o.add(e.Data)
		case stacks(c.Type): // as Nerves has a tmpfs on /sys/fs/cgroup
			return m, false, fmt.Errorf("[[mount]] target %q: there is the %s that PID 1 mounts, "+
				"and what is mounted below it has its place in that; want none here; this mount is left out", c.Target, e.Type)
		}
	}
	for _, list := range c.Options {
		o.add(list)
	}
	m.Flags, m.Propagation, m.NoFail, m.Wait = o.flags, o.spread, o.nofail, c.Wait
	m.Format, m.Check, m.Grow = c.Format, c.Check, c.Grow
	m.Data = strings.Join(o.data, ",")
	if o.noauto {
		return m, false, nil
	}
	err = userProblem(c, &m, o.loop)
	if m.Source == "" {
		m.Source = m.Type
	}
	return m, true, err
}

// imageTypes are file systems that people have in files.
var imageTypes = [...]string{"squashfs", "erofs", "ext4", "ext3", "ext2", "vfat", "iso9660"}

func userProblem(c *config.Mount, m *Mount, loop bool) error {
	const done = "; this mount is left out"
	mounts := m.Flags&(unix.MS_BIND|unix.MS_REMOUNT) == 0 // not a change of what is there
	switch {
	case c.Type == "swap":
		return nil
	case !strings.HasPrefix(c.Target, "/") || path.Clean(c.Target) != c.Target:
		return fmt.Errorf("[[mount]] target %q: it must be an absolute path, such as /data"+done, c.Target)
	case c.Target == "/" && mounts && !m.onlyPropagates():
		return fmt.Errorf(`[[mount]] target "/": it is the root; options = ["remount", …] can change it` + done)
	case loop, mounts && strings.HasPrefix(c.Source, "/") && !isDevice(c.Source) && slices.Contains(imageTypes[:], c.Type):
		return fmt.Errorf("[[mount]] target %q: a file as a device (the option loop) is not supported yet; "+
			"want a partition, or a program of release.run_once that mounts it"+done, c.Target)
	case m.Flags&unix.MS_BIND != 0 && !strings.HasPrefix(c.Source, "/"):
		return fmt.Errorf("[[mount]] target %q, source %q: a bind mount needs an absolute path as its source"+done, c.Target, c.Source)
	case mounts && c.Source == "" && c.Type == "" && !m.onlyPropagates():
		return fmt.Errorf(`[[mount]] target %q: it needs a source (such as /dev/vdb) or a type (such as "tmpfs")`+done, c.Target)
	case mounts && isDevice(c.Source):
		if err := knownForm(c.Source); err != nil {
			return fmt.Errorf("[[mount]] target %q: %w"+done, c.Target, err)
		}
	}
	return nil
}
