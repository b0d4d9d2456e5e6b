package node

import (
	"strconv"
	"strings"
	"time"

	"github.com/beaminit/beaminit/supervise/evidence"
	"github.com/beaminit/beaminit/supervise/launch"
)

// Where no disk can be written to, what is kept of the last end is in memory, and is
// less.
const (
	MemoryDumps     = RunDir + "/dumps"
	memoryDumpBytes = 4 << 20
	MemoryDumpKeep  = 1
)

// dumps says where the release puts its crash dumps.
func (n *Setup) dumps() evidence.Dumps {
	c := &n.Config.Dump
	d := evidence.Dumps{
		Dir: strings.TrimRight(c.Directory, "/"), Keep: c.Keep, Bytes: c.Bytes,
		Seconds: int((c.Timeout + time.Second - 1) / time.Second),
	}
	if d.Dir == "" {
		d.Dir, d.Bytes = n.dumpsOnDisk(d.Bytes)
		if d.Open = d.Dir != ""; !d.Open {
			d.Dir, d.Keep, d.Bytes = MemoryDumps, min(d.Keep, MemoryDumpKeep), min(d.Bytes, memoryDumpBytes)
		}
	}
	if d.Keep == 0 {
		d.Bytes, d.Seconds = 0, 0
	}
	if u := n.User; u != nil {
		d.UID, d.GID = u.UID, u.GID
	}
	return d
}

// dumpsOnDisk is the directory for dumps on the disk that is for such things; empty:
// there is none, or it cannot be written to. A dump never takes more than a quarter of
// what is free there, which belongs to the release.
func (n *Setup) dumpsOnDisk(bytes int64) (dir string, most int64) {
	if n.StateDir == "" {
		return "", bytes
	}
	dir = n.StateDir + "/dumps"
	free := n.Image.Free(n.StateDir[:strings.LastIndexByte(n.StateDir, '/')])
	if free < 0 {
		return "", bytes
	}
	bytes = min(bytes, free/4)
	return dir, bytes
}

// failedBefore is how many boots in a row before this one did not come up, and whether the fallback
// command was run after the last that did, where that counts (supervise.boots).
func (n *node) failedBefore() (failed int, fellBack bool) {
	if n.Config.Supervise.Boots == 0 || n.Failed != nil {
		return 0, false
	}
	return n.state.recalled.Failed, n.state.recalled.FellBack
}

// whyNoRelease says why the release is not started in this boot; empty: it is.
func (n *Setup) whyNoRelease(failed int) string {
	if n.Failed != nil {
		return n.Failed.Error()
	}
	if limit := n.Config.Supervise.Boots; limit > 0 && failed >= limit {
		return strconv.Itoa(failed) + " boots in a row did not come up (supervise.boots): this one does not try, the next one does"
	}
	return ""
}

// fallback is the command of supervise.fallback_exec.
func (n *Setup) fallback() launch.Command {
	argv := n.Config.Supervise.FallbackExec
	if len(argv) == 0 {
		return launch.Command{}
	}
	env := []string{"HOME=/", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=dumb", "LANG=C.UTF-8"}
	return launch.Command{Path: argv[0], Argv: argv, Env: env, Dir: "/", Away: true}
}
