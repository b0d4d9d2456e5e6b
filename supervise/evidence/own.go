package evidence

import (
	"time"

	"golang.org/x/sys/unix"
)

// Own is a crash dump that the release wants to have in a place of its own
// (ERL_CRASH_DUMP): one file, which each VM that crashes writes anew. It is the release's
// to keep and to remove.
type Own struct {
	Path    string
	Written int64 // when the last one was written that was told of, in ns since 1970
}

// fresh is how long ago a dump of the run that has just ended was written at most.
const fresh = time.Minute

// isNew says whether the dump is of the run that has just ended: the file of an earlier
// one lies in the same place.
func (o *Own) isNew(st *unix.Stat_t) bool {
	written := unix.TimespecToNsec(st.Mtim)
	age := time.Now().UnixNano() - written
	isNew := written != o.Written && age < int64(fresh)
	o.Written = written
	return isNew
}
