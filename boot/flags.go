package boot

import (
	"strings"

	"golang.org/x/sys/unix"
)

// The bits of one group exclude each other: a word first clears its group, so
// that the last word wins.
const (
	atimeBits       = unix.MS_NOATIME | unix.MS_RELATIME | unix.MS_STRICTATIME
	propagationBits = unix.MS_SHARED | unix.MS_PRIVATE | unix.MS_SLAVE | unix.MS_UNBINDABLE
	userBits        = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	bindBits        = unix.MS_BIND | unix.MS_REC
)

// An optionWord is one word of the fourth field of fstab(5) and what it does to
// the flags of mount(2): first clear, then set.
type optionWord struct {
	name       string
	clear, set uintptr
}

// optionWords has the words of mount(8), "FILESYSTEM-INDEPENDENT MOUNT OPTIONS"
// and "BIND MOUNT OPERATION", that are flags of mount(2). The order of those
// that set a bit is the order in which Mount.String prints them.
//
// Traps: "norelatime" alone still gives relatime, because that is the kernel's
// default since 2.6.30 (as with mount(8); "strictatime" is the word that turns
// it off). "mand" has no effect since Linux 5.15. "nosymfollow" needs 5.10;
// older kernels ignore it.
var optionWords = [...]optionWord{
	{"ro", 0, unix.MS_RDONLY},
	{"rw", unix.MS_RDONLY, 0},
	{"nosuid", 0, unix.MS_NOSUID},
	{"suid", unix.MS_NOSUID, 0},
	{"nodev", 0, unix.MS_NODEV},
	{"dev", unix.MS_NODEV, 0},
	{"noexec", 0, unix.MS_NOEXEC},
	{"exec", unix.MS_NOEXEC, 0},
	{"nosymfollow", 0, unix.MS_NOSYMFOLLOW},
	{"symfollow", unix.MS_NOSYMFOLLOW, 0},
	{"sync", 0, unix.MS_SYNCHRONOUS},
	{"async", unix.MS_SYNCHRONOUS, 0},
	{"dirsync", 0, unix.MS_DIRSYNC},
	{"mand", 0, unix.MS_MANDLOCK},
	{"nomand", unix.MS_MANDLOCK, 0},
	{"noatime", atimeBits, unix.MS_NOATIME},
	{"atime", unix.MS_NOATIME, 0},
	{"nodiratime", 0, unix.MS_NODIRATIME},
	{"diratime", unix.MS_NODIRATIME, 0},
	{"relatime", atimeBits, unix.MS_RELATIME},
	{"norelatime", unix.MS_RELATIME, 0},
	{"strictatime", atimeBits, unix.MS_STRICTATIME},
	{"nostrictatime", unix.MS_STRICTATIME, 0},
	{"lazytime", 0, unix.MS_LAZYTIME},
	{"nolazytime", unix.MS_LAZYTIME, 0},
	{"iversion", 0, unix.MS_I_VERSION},
	{"noiversion", unix.MS_I_VERSION, 0},
	{"silent", 0, unix.MS_SILENT},
	{"loud", unix.MS_SILENT, 0},
	{"remount", 0, unix.MS_REMOUNT},
	{"rbind", 0, unix.MS_BIND | unix.MS_REC},
	{"bind", bindBits, unix.MS_BIND},
	{"rshared", 0, unix.MS_SHARED | unix.MS_REC},
	{"shared", 0, unix.MS_SHARED},
	{"rprivate", 0, unix.MS_PRIVATE | unix.MS_REC},
	{"private", 0, unix.MS_PRIVATE},
	{"rslave", 0, unix.MS_SLAVE | unix.MS_REC},
	{"slave", 0, unix.MS_SLAVE},
	{"runbindable", 0, unix.MS_UNBINDABLE | unix.MS_REC},
	{"unbindable", 0, unix.MS_UNBINDABLE},
	{"defaults", 0, 0},
	// These let ordinary users mount, of whom there are none here; what they
	// take away by the way is kept.
	{"user", 0, userBits},
	{"users", 0, userBits},
	{"owner", 0, unix.MS_NOSUID | unix.MS_NODEV},
	{"group", 0, unix.MS_NOSUID | unix.MS_NODEV},
	{"nouser", 0, 0},
	{"noowner", 0, 0},
	{"nogroup", 0, 0},
	// For other programs that read an fstab.
	{"_netdev", 0, 0},
	{"auto", 0, 0},
	{"noauto", 0, 0},
	{"nofail", 0, 0},
}

// options is what a list of fstab(5) words comes to.
type options struct {
	flags  uintptr
	spread uintptr  // propagation
	data   []string // the words for the file system itself, in their order
	noauto bool
	nofail bool
	loop   bool
}

// add takes one element of a list, which may itself be several words with commas.
func (o *options) add(list string) {
	for list != "" {
		var word string
		word, list = cutWord(list)
		o.word(word)
	}
}

func (o *options) word(word string) {
	switch word {
	case "":
		return
	case "noauto", "auto":
		o.noauto = word == "noauto"
	case "nofail":
		o.nofail = true
	case "loop":
		o.loop = true
		return
	}
	for i := range optionWords {
		w := &optionWords[i]
		switch {
		case w.name != word:
			continue
		case w.set&propagationBits != 0:
			o.spread = w.set
		default:
			o.flags = o.flags&^w.clear | w.set
		}
		return
	}
	switch {
	case strings.HasPrefix(word, "x-"), strings.HasPrefix(word, "X-"), strings.HasPrefix(word, "comment="):
	case strings.HasPrefix(word, "loop="):
		o.loop = true
	default:
		o.data = append(o.data, word)
	}
}

// cutWord cuts at the first comma outside of double quotes: mount(8) has
// context="system_u:object_r:tmp_t:s0:c127,c456".
func cutWord(list string) (word, rest string) {
	quoted := false
	for i := 0; i < len(list); i++ {
		switch {
		case list[i] == '"':
			quoted = !quoted
		case list[i] == ',' && !quoted:
			return list[:i], list[i+1:]
		}
	}
	return list, ""
}

// flagWords appends the words for flags and propagation, with commas, as mount(8)
// prints them. A word of several bits needs all of them; the words from "user" on
// are short for others and never printed.
func flagWords(text []byte, flags, spread uintptr) []byte {
	if flags&unix.MS_RDONLY == 0 {
		text = append(text, "rw,"...)
	}
	for i := range optionWords {
		w := &optionWords[i]
		if w.name == "user" {
			break
		}
		if from := &flags; w.set != 0 {
			if w.set&propagationBits != 0 {
				from = &spread
			}
			if *from&w.set == w.set {
				text = append(append(text, w.name...), ',')
				*from &^= w.set
			}
		}
	}
	return text[:len(text)-1]
}
