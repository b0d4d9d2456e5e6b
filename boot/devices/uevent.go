package devices

import (
	"bytes"
	"path"
	"strings"
)

// maxEvent bounds a uevent, in bytes: the kernel's own limit is 2048 (UEVENT_BUFFER_SIZE) and
// its first line.
const maxEvent = 8 << 10

// event is what a uevent says, as far as it is used.
type event struct {
	action string // add, change, remove, …
	dir    string // of the device in sysfs
	name   string // of its node below /dev; empty: it has none
	words  string // by which its modules are found, with blanks between
}

// parse reads a uevent: "add@/devices/…", and KEY=value for each that is to be known, all
// ended by a zero byte (lib/kobject_uevent.c). ok: it is about a device with a node, or
// one that has words.
func parse(text []byte) (e event, ok bool) {
	for i, word := range bytes.Split(text, []byte{0}) {
		key, value, found := strings.Cut(string(word), "=")
		if i == 0 || !found {
			continue
		}
		switch key {
		case "ACTION":
			e.action = value
		case "DEVPATH":
			e.dir = value
		case "DEVNAME":
			e.name = value
		case "MODALIAS":
			e.words += " " + value
		}
	}
	switch {
	case !strings.HasPrefix(e.dir, "/devices/") || path.Clean(e.dir) != e.dir,
		e.name != "" && path.Clean("/"+e.name) != "/"+e.name,
		e.name+e.words == "": // neither a node nor a driver is wanted
		return event{}, false
	}
	e.dir = sys + e.dir
	return e, e.action != ""
}
