package main

import (
	"strconv"
	"strings"
	"time"

	"github.com/beaminit/beaminit/history"
	"github.com/beaminit/beaminit/supervise"
	"github.com/beaminit/beaminit/supervise/evidence"
	"golang.org/x/sys/unix"
)

// Where no disk can be written to, what is kept of the last end is in memory, and is
// less.
const (
	memoryDumps     = runDir + "/dumps"
	memoryDumpBytes = 4 << 20
	memoryDumpKeep  = 1
)

// dumps says where the release puts its crash dumps.
func (n *node) dumps() evidence.Dumps {
	c := &n.config.Dump
	d := evidence.Dumps{
		Dir: strings.TrimRight(c.Directory, "/"), Keep: c.Keep, Bytes: c.Bytes,
		Seconds: int((c.Timeout + time.Second - 1) / time.Second),
	}
	if d.Dir == "" {
		d.Dir, d.Bytes = n.dumpsOnDisk(d.Bytes)
		if d.Open = d.Dir != ""; !d.Open {
			d.Dir, d.Keep, d.Bytes = memoryDumps, min(d.Keep, memoryDumpKeep), min(d.Bytes, memoryDumpBytes)
		}
	}
	if d.Keep == 0 {
		d.Bytes, d.Seconds = 0, 0
	}
	if u := n.user; u != nil {
		d.UID, d.GID = u.UID, u.GID
	}
	return d
}

// ownDump is the crash dump that the release has written to a place of its own; nil: it
// does not.
func (n *node) ownDump(d *evidence.Dumps) *evidence.Own {
	if n.failed != nil || n.release == nil {
		return nil
	}
	if path := n.command(1).Dump; path != d.Dump(evidence.Run(n.boot, 1)) {
		return &evidence.Own{Path: path}
	}
	return nil
}

// dumpsOnDisk is the directory for dumps on the disk that is for such things; empty:
// there is none, or it cannot be written to. A dump never takes more than a quarter of
// what is free there, which belongs to the release. A plan only knows what is to be
// mounted.
func (n *node) dumpsOnDisk(bytes int64) (dir string, most int64) {
	if n.state == "" {
		return "", bytes
	}
	dir = n.state + "/dumps"
	var st unix.Statfs_t
	if n.root == "" {
		if unix.Statfs(n.state[:strings.LastIndexByte(n.state, '/')], &st) != nil || st.Flags&unix.ST_RDONLY != 0 {
			return "", bytes
		}
		bytes = min(bytes, int64(st.Bavail)*int64(st.Bsize)/4)
	}
	return dir, bytes
}

// enough says why the release is not started in this boot, where too many in a row
// before it did not come up. It is on the way of every boot: with most, a glance has to
// do. How many they were exactly is known later, see beginHistory.
func (n *node) enough(s *supervise.Node) {
	limit := n.config.Supervise.Boots
	if limit == 0 || n.failed != nil || n.adopts() || n.state == "" || history.Few(n.state, limit) {
		return
	}
	entries, _, _ := history.Read(n.state) // what is wrong with it is said by who writes it
	s.Failed, s.FellBack = history.Failed(entries, n.boot), history.FellBack(entries, n.boot)
	if s.Failed >= limit {
		s.NoRelease = strconv.Itoa(s.Failed) + " boots in a row did not come up (supervise.boots): this one does not try, the next one does"
	}
}

// fallback is the command of supervise.fallback_exec.
func (n *node) fallback() supervise.Program {
	argv := n.config.Supervise.FallbackExec
	if len(argv) == 0 {
		return supervise.Program{}
	}
	env := []string{"HOME=/", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=dumb", "LANG=C.UTF-8"}
	return supervise.Program{Path: argv[0], Argv: argv, Env: env, Dir: "/"}
}
