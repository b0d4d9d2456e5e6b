package history

import (
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/internal/files"
)

// Pmsg is memory that a restart does not clear, where the board has some (kernel
// Documentation/admin-guide/ramoops.rst): what is written to Device is in a file of Store
// after the next start, and gone after the one that follows.
type Pmsg struct {
	Device string // /dev/pmsg0 (kernel Documentation/ABI/testing/pstore, CONFIG_PSTORE_PMSG)
	Store  string // where pstore is mounted
}

// maxPmsg is how large such a file is at most that is read, in bytes.
const maxPmsg = 1 << 20

// Write adds entries, without those texts that are long. What fails here has no remedy
// and is not said: hardly a board has that memory.
func (p Pmsg) Write(entries []Entry) {
	if len(entries) == 0 || p.Device == "" {
		return
	}
	device, err := os.OpenFile(p.Device, os.O_WRONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return
	}
	defer device.Close()
	var b [maxEntry + 1]byte
	for i := range entries {
		e := entries[i]
		e.Tail, e.Dump = "", ""
		device.Write(append(e.Append(b[:0]), '\n')) // one write(2) is one message
	}
}

// Read gives what was written before the last restart.
func (p Pmsg) Read() (entries []Entry) {
	for _, name := range p.names("pmsg-") {
		if b, err := files.ReadLimit(p.Store+"/"+name, maxPmsg); err == nil {
			entries = append(entries, Parse(b)...)
		}
	}
	return entries
}

// panics says, in a line for people, that the kernel has left what it said last before it
// died. Such records stay until somebody removes them.
func (p Pmsg) panics() string {
	names := p.names("dmesg-")
	if len(names) == 0 {
		return ""
	}
	var newest int64
	for _, name := range names {
		var st unix.Stat_t
		if unix.Stat(p.Store+"/"+name, &st) == nil {
			newest = max(newest, int64(st.Mtim.Sec))
		}
	}
	s, them := "", "it"
	if len(names) > 1 {
		s, them = "s", "them"
	}
	return "the kernel left " + strconv.Itoa(len(names)) + " record" + s + " of a panic or an oops in " + p.Store +
		", the newest of " + date(newest) + ": read and remove " + them
}

// names are those in Store that begin so.
func (p Pmsg) names(prefix string) (names []string) {
	if p.Store == "" {
		return nil
	}
	all, _ := files.Names(p.Store, 0)
	for _, name := range all {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	return names
}

// worthKeeping is what of the entries is written to the memory once more at each start,
// where nothing else keeps them: the last boots, and the last ends of the release.
func worthKeeping(entries []Entry) (kept []Entry) {
	const most, ends = 24, 4
	from, left, others := len(entries), most, ends
	take := make([]bool, len(entries))
	for from > 0 && left > 0 {
		from--
		switch entries[from].Kind {
		case Boot, Up, Down:
		default:
			if others == 0 {
				continue
			}
			others--
		}
		take[from] = true
		left--
	}
	for i := from; i < len(entries); i++ {
		if take[i] {
			kept = append(kept, entries[i])
		}
	}
	return kept
}

// Lost gives those of others, which are of the same node, that came after all that are
// in entries too: what the file that entries are of did not take.
func Lost(entries, others []Entry) []Entry {
	for i := len(others); i > 0; i-- {
		for j := len(entries); j > 0; j-- {
			if sameEntry(&entries[j-1], &others[i-1]) {
				return others[i:]
			}
		}
	}
	return others
}

func sameEntry(a, b *Entry) bool {
	const ms = time.Millisecond
	return a.Kind == b.Kind && a.Boot == b.Boot && a.At == b.At && a.Up/ms == b.Up/ms && a.PID == b.PID
}
