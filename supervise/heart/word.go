package heart

import (
	"strconv"
	"strings"
	"time"
)

// words are those of nerves_heart 2.5 that heart:set_cmd/1 can bring here.
//
//	guarded_reboot, guarded_poweroff, guarded_halt
//	                     the node goes down in order; the watchdog sees to it that it does
//	guarded_immediate_reboot, guarded_immediate_poweroff
//	                     reboot(2) at once: nothing is written or unmounted, so that the data
//	                     partition that somebody wiped below its file system stays wiped
//	init_handshake       the release says that it has begun its work (HEART_INIT_TIMEOUT)
//	snooze               nothing is killed or reset for 15 minutes
//	disable_hw, disable  the watchdog is not petted any more: it resets the machine
//	disable_vm           as if the beats had stopped
//
// What else it brings is a command for the shell of other systems, which is not run:
// a node has none, and what follows the end of a release is said in [supervise].
const words = "guarded_reboot, guarded_poweroff, guarded_halt, guarded_immediate_reboot, guarded_immediate_poweroff, " +
	"init_handshake, snooze, disable_hw, disable_vm"

// word deals with the text of a SetCommand.
func (h *Heart) word(text string, now time.Duration) Do {
	if action := strings.TrimPrefix(text, "guarded_"); action != text {
		if do, ok := h.guarded(action); ok {
			return do
		}
	}
	switch text {
	case "init_handshake":
		h.shaken = true
		return Do{Say: "init_handshake came"}
	case "snooze":
		return h.Snooze(now)
	case "disable", "disable_hw":
		return Do{Tell: h.message(Unpetted), Say: text + ": the watchdog is not petted any more"}
	case "disable_vm":
		return h.declareHung(Told, 0)
	}
	return Do{Say: "set_cmd " + quote(text) + " is not done: a node has no shell, and PID 1 starts the release again by [supervise]; " +
		"want one of " + words}
}

func (h *Heart) guarded(action string) (Do, bool) {
	m := h.message(DownAsked)
	plain := strings.TrimPrefix(action, "immediate_")
	m.Now = plain != action
	switch plain {
	case "reboot":
		m.Action = Reboot
	case "poweroff":
		m.Action = PowerOff
	case "halt":
		m.Action = Halt
	}
	if m.Action == 0 || m.Action == Halt && m.Now {
		return Do{}, false
	}
	return Do{Tell: m}, true
}

// quote makes a text fit for a line of a console, and cuts a long one.
func quote(text string) string {
	const longest = 200
	if len(text) > longest {
		text = text[:longest] + "…"
	}
	return strconv.QuoteToASCII(text)
}
