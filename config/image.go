package config

import (
	"slices"

	"github.com/beaminit/beaminit/config/brought"
	"github.com/beaminit/beaminit/config/image"
)

// addImage adds what the image has for other inits, and what the kernel command line adds to
// that, behind what [kernel] says.
func (l *loader) addImage() {
	k, s := &l.c.Kernel, l.image
	k.ModuleOptions, k.Blacklist, k.ModuleLines, k.Sysctl = s.Options, s.Barred, s.ModuleLines, s.Sysctl
	l.c.Tmpfiles, l.c.sysusers = s.Tmpfiles, s.Users
	for _, n := range s.Notes {
		l.noteOnce(n.Kind, n.Text)
	}
	l.addModules()
}

// addModules adds the modules of the image to those of kernel.modules, but for those that
// modprobe.d bars: systemd-modules-load(8) leaves them out too.
func (l *loader) addModules() {
	k := &l.c.Kernel
	for _, name := range l.image.Modules {
		same := func(have string) bool { return image.SameModule(have, name) }
		switch {
		case slices.ContainsFunc(k.Modules, same):
		case slices.ContainsFunc(k.Blacklist, same):
			l.noteOnce("modprobe.d", name+" is not loaded: blacklist, install or modprobe.blacklist= bars it; "+
				"want it in kernel.modules where it is wanted")
		default:
			if l.c.from("kernel.modules", "") == BuiltIn {
				l.mark("kernel.modules", "", Image)
			}
			k.Modules = append(slices.Clone(k.Modules), name)
		}
	}
}

// noteBrought names what the image brings for other inits that nothing in the configuration
// does in their place. It stands before the notes on what is configured.
func (l *loader) noteBrought(files *image.Files) {
	handled := brought.Handled{Network: len(l.c.Network) > 0}
	for _, program := range append(slices.Clone(l.c.Release.RunOnce), l.c.Release.PreRun) {
		handled.Words = append(handled.Words, program...)
	}
	for i := range l.c.Services {
		handled.Words = append(handled.Words, l.c.Services[i].Exec...)
	}
	var notes []Note
	for _, found := range brought.Find(files, handled) {
		notes = append(notes, Note{"image", found.String()})
	}
	l.c.Notes = append(notes, l.c.Notes...)
}

// MissingUsers names the users and groups of sysusers.d that the image does not have; empty:
// none. It is no part of Load, as PID 1 waits for no file of the image.
func (c *Config) MissingUsers(read func(path string) ([]byte, error)) string {
	found := brought.Missing(c.sysusers, read)
	if found == nil {
		return ""
	}
	return Note{"image", found.String()}.String()
}
