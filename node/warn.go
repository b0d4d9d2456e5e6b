package node

import (
	"os"

	"github.com/beaminit/beaminit/boot"
	"golang.org/x/sys/unix"
)

// warnings are the words of warn= in the health records: what is wrong now with what
// stands in the configuration and does not stop the node. It is asked for each record and
// reads /proc only, so a word goes when its reason does, and a PID 1 that fell knows them.
func (n *node) warnings() (words []string) {
	if mounts, err := os.ReadFile("/proc/self/mountinfo"); err == nil {
		if len(n.Config.Mounts) > 0 {
			plan, _ := boot.UserMounts(n.Config.Mounts)
			if missingMount(plan, mounts) {
				words = append(words, "data")
			}
			if n.StateDir == "" {
				words = append(words, "state")
			}
		}
		if n.overlayWarning(mounts) {
			words = append(words, "overlay")
		}
	}
	if n.state.clockFrom == "floor" && !synchronised() {
		words = append(words, "clock")
	}
	if n.Found.Alarms {
		words = append(words, "discovery")
	}
	return words
}

// lasting are those that are found while the node boots, and that the next boot may be without:
// a device that could not be set, or has no driver.
func (n *node) lasting() (words []string) {
	if n.resumes() {
		return n.resume.Lasting
	}
	if len(n.devicesSaid) > 0 {
		words = append(words, "devices")
	}
	if len(n.modulesSaid) > 0 {
		words = append(words, "modules")
	}
	return words
}

// missingMount says whether one of the mounts is not there.
func missingMount(plan []boot.Mount, mountinfo []byte) bool {
	list, _ := boot.ParseMountInfo(mountinfo)
	there := map[string]bool{}
	for _, m := range list {
		there[m.Target] = true
	}
	for _, m := range plan {
		if m.Type != "swap" && !there[m.Target] {
			return true
		}
	}
	return false
}

// synchronised says whether somebody keeps the clock right (adjtimex(2), STA_UNSYNC).
func synchronised() bool {
	var now unix.Timex
	_, err := unix.Adjtimex(&now)
	return err == nil && now.Status&unix.STA_UNSYNC == 0
}
