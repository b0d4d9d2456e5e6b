package brought

import (
	"path"
	"slices"
	"strings"

	"github.com/beaminit/beaminit/config/image"
)

// unitTypes end the names of units that systemd would start.
var unitTypes = []string{".service", ".timer", ".mount", ".socket", ".path", ".swap", ".automount"}

// units are those that systemd would start: of /etc/systemd/system, and of the packages' those
// that a target wants.
func units(f *image.Files) []string {
	const system = "/etc/systemd/system"
	found := append(in(f, system, unitTypes...), wanted(f, system)...)
	for _, dir := range vendorDirs(f) {
		found = append(found, wanted(f, dir+"/system")...)
	}
	return withoutOwn(found) // those of systemd itself are enabled in /etc too
}

// wanted are the units that any target wants.
func wanted(f *image.Files, system string) (units []string) {
	for _, dir := range in(f, system, ".wants", ".requires") {
		units = append(units, in(f, dir, unitTypes...)...)
	}
	return units
}

// networkd is what systemd-networkd would make.
func networkd(f *image.Files) []string {
	found := in(f, "/etc/systemd/network", ".network", ".netdev", ".link")
	for _, dir := range vendorDirs(f) {
		found = append(found, withoutOwn(in(f, dir+"/network", ".network", ".netdev"))...)
	}
	return found
}

// vendorDirs are where packages put what is systemd's, in an image that has it.
func vendorDirs(f *image.Files) []string {
	if !f.MayHave("/etc/systemd") {
		return nil
	}
	return []string{"/usr/lib/systemd", "/lib/systemd"}
}

// own begin the names of what systemd itself brings.
var own = [...]string{
	"systemd-", "serial-getty", "container-getty", "console-getty", "getty", "autovt", "dbus", "kmod-", "ldconfig",
	"tmp.mount", "sys-", "dev-", "proc-",
	"73-", "80-6rd", "80-auto-", "80-container", "80-ipv4ll", "80-iwd", "80-namespace-", "80-vm-", "80-wifi-", "89-", "99-default",
}

// withoutOwn leaves out what systemd itself brings, but for its client of NTP, in whose place
// nothing else sets the clock.
func withoutOwn(paths []string) []string {
	return slices.DeleteFunc(paths, func(p string) bool {
		name := path.Base(p)
		begins := func(prefix string) bool { return strings.HasPrefix(name, prefix) }
		return slices.ContainsFunc(own[:], begins) && !begins("systemd-timesyncd")
	})
}
