package config

import (
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beaminit/beaminit/config/fstab"
	"github.com/beaminit/beaminit/config/lex"
)

// entryAt is where an entry of a list stands: the line of a file, or of the TOML which
// of the tables it is, from 0.
type entryAt struct {
	from Source
	n    int
}

// WhereMount is where the ith mount came from.
func (c *Config) WhereMount(i int) string {
	at := c.mountAt[i]
	line := at.n
	if at.from == TOML {
		line = lineOf(c.text, []string{"mount"}, at.n)
	}
	if line == 0 {
		return at.from.String()
	}
	return at.from.String() + ":" + strconv.Itoa(line)
}

// checkMount says what is wrong with a mount as a whole.
func checkMount(m *Mount) (f fault) {
	options := fstab.SplitOptions(m.Options)
	bind := slices.Contains(options, "bind") || slices.Contains(options, "rbind")
	change := slices.Contains(options, "remount")
	if trimmed := strings.TrimRight(m.Target, "/"); trimmed != "" {
		m.Target = trimmed // "/data/" is what people write
	}
	switch {
	case m.Type == "swap" && (m.Target == "none" || m.Target == "swap"):
		return f
	case m.Source == "" && !change:
		f.key, f.what = "source", "no source"
	case m.Type == "" && !bind && !change:
		f.key, f.what = "type", "no type"
	case m.Target == "/" && !change:
		f.key, f.what = "target", "/ is the root, which is mounted already"
		f.want = `options = ["remount", "ro"] to change how`
		return f
	case !isAbs(m.Target) || path.Clean(m.Target) != m.Target:
		f.key, f.what = "target", lex.Quote(m.Target)+" is no place to mount on"
	case m.Format != "" && m.Format != m.Type:
		return fault{
			key:  "format",
			what: "a " + m.Format + " cannot be mounted as " + lex.Quote(m.Type),
			want: "type and format the same, and a [[mount]] each where there are several",
		}
	case m.Grow != "" && (bind || change):
		return fault{key: "grow", what: "a directory that is mounted again does not grow", want: "it at the [[mount]] of its device"}
	case m.Grow != "" && !isGrowable(m.Type):
		return fault{key: "grow", what: "a " + m.Type + " cannot grow", want: wantGrowable}
	default:
		return f
	}
	f.want = find("mount", f.key, false).want
	return f
}

const wantGrowable = "ext4, f2fs, btrfs or xfs"

// isGrowable says that there are programs that make a file system of that type larger.
func isGrowable(fs string) bool {
	return slices.Contains([]string{"ext4", "ext3", "ext2", "f2fs", "btrfs", "xfs", "auto"}, fs)
}

// storeGrowth is store for mount.grow.
func storeGrowth(p *growth, v any, from Source) (ok bool, faults []fault) {
	switch v {
	case false:
		*p = ""
	case true:
		*p = GrowPartition
	case GrowFileSystem:
		*p = GrowFileSystem
	default:
		return false, mistyped(v, from, "a boolean")
	}
	return true, nil
}

// checkMounts looks at the mounts of all sources, once they are all there. What it finds
// leaves the mount as it is: the kernel may know an option that is not known here.
func (l *loader) checkMounts() {
	for i := range l.c.Mounts {
		m := &l.c.Mounts[i]
		l.noteHelped(m)
		for _, option := range fstab.SplitOptions(m.Options) {
			if len(l.c.Problems) > maxProblems {
				break
			}
			fs := m.Type
			if fs == "" && slices.Contains(m.Options, "remount") {
				fs = "auto" // which one is not known here
			}
			if f, ok := fstab.CheckOption(fs, option); !ok && fs != "auto" && fs != "swap" {
				l.mountProblem(i, "options", fault{what: f.What, want: f.Want, used: "it as it stands: the kernel says whether it takes it"})
			}
			l.mountOption(i, option)
		}
		l.checkFound(i)
		if len(l.c.Problems) > maxProblems {
			return // what is wrong so often is wrong as a whole
		}
		below := m.Target + "/"
		for _, before := range l.c.Mounts[:i] {
			if strings.HasPrefix(before.Target, below) && m.Target != "/" {
				l.mountProblem(i, "target", fault{
					what: m.Target + " hides " + before.Target + ", which is mounted before it",
					want: "it before " + before.Target,
					used: "the order as it stands",
				})
			}
		}
	}
}

// noteHelped says of a mount what no call of mount(2) does in time: a file system that is a
// program's, or one of the network.
func (l *loader) noteHelped(m *Mount) {
	what := lex.Quote(m.Type) + " of " + m.Target
	switch {
	case isProgramType(m.Type):
		l.noteOnce("mount", what+" is mounted by a program, which is not run here; want a [[service]] that runs it")
	case isNetworkType(m.Type):
		l.noteOnce("mount", what+" is mounted with the others, before the network is there, "+
			"and without the program that mount(8) has for it; want a [[service]] that mounts it")
	}
}

// isProgramType says that a file system is a program.
func isProgramType(fs string) bool {
	return slices.Contains([]string{"fuse", "fuseblk", "ntfs-3g", "davfs"}, fs) || strings.HasPrefix(fs, "fuse.")
}

// isNetworkType says that a file system is one of a server.
func isNetworkType(fs string) bool {
	return slices.Contains([]string{"nfs", "nfs4", "cifs", "smb3", "ceph", "glusterfs", "afs", "ncpfs"}, fs)
}

// mountOption takes the options of fstab(5) that say what a key of [[mount]] says too.
func (l *loader) mountOption(i int, option string) {
	m := &l.c.Mounts[i]
	name, value, _ := strings.Cut(option, "=")
	switch name {
	case "x-systemd.device-timeout":
		if lex.IsDigits(value) {
			value += "s" // of systemd.time(7)
		}
		d, err := time.ParseDuration(strings.NewReplacer(" ", "", "min", "m", "sec", "s").Replace(value))
		if err != nil || d < 0 || d > time.Hour {
			l.mountProblem(i, "options", fault{what: lex.Quote(option) + " is no duration", want: find("mount", "wait", false).want, used: "the usual time"})
		} else if m.Wait == 0 {
			m.Wait = d
		}
	case "x-systemd.makefs":
		if m.Format == "" && isFormat(m.Type) {
			m.Format = m.Type
		}
	case "x-systemd.growfs":
		if !isGrowable(m.Type) {
			l.mountProblem(i, "options", fault{what: lex.Quote(option) + ": a " + m.Type + " cannot grow", want: wantGrowable, used: "it as it is"})
		} else if m.Grow == "" {
			m.Grow = GrowFileSystem
		}
	case "X-mount.mode", "X-mount.owner", "X-mount.group", "X-mount.idmap", "X-mount.subdir":
		l.noteOnce("mount", option+" of "+m.Target+" is without effect: it is for mount(8); "+
			"want a line of tmpfiles.d for mode and owner, such as z "+m.Target+" 0700 app app")
	case "_netdev":
		if isNetworkType(m.Type) || isProgramType(m.Type) {
			return // told of
		}
		l.noteOnce("mount", "_netdev of "+m.Target+" is without effect yet: it is mounted with the others, before the network is there")
	}
}

// checkFound says where a file system could never be made: what is found by its label is not found
// where there is none, nor ever again after a factory reset.
func (l *loader) checkFound(i int) {
	m := &l.c.Mounts[i]
	source := strings.TrimPrefix(m.Source, "/dev/disk/by-")
	name, _, _ := strings.Cut(strings.ToUpper(source), "=")
	if m.Source != source {
		name, _, _ = strings.Cut(strings.ToUpper(source), "/")
	}
	if m.Format == "" || name != "LABEL" && name != "UUID" {
		return
	}
	m.Format = ""
	l.mountProblem(i, "format", fault{
		what: m.Source + " is found by the file system that is on it, and an empty device has none",
		want: "PARTLABEL=, PARTUUID= or /dev/NAME",
		used: "the mount without format",
	})
}

// mountProblem is about the ith mount, wherever it was said.
func (l *loader) mountProblem(i int, key string, f fault) {
	at := l.c.mountAt[i]
	switch at.from {
	case TOML:
		f.nth = at.n
		l.problem(TOML, []string{"mount", key}, f)
		return
	case Erlinit, ErlinitArgs:
		l.option = "--mount"
	}
	l.line = at.n
	l.problem(at.from, []string{"mount", key}, f)
	l.line, l.option = 0, ""
}
