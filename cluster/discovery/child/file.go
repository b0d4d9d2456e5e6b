package child

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/beaminit/beaminit/cluster/discovery"
	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/internal/files"
)

// filePace is how often the file is looked at. It is asked for and not waited for:
// inotify(7) hears nothing of another machine's writes (NFS, 9p), and a file system that is
// mounted later, or over the file, ends a watch.
const filePace = time.Second

// fileState is what tells one version of a file from another.
type fileState struct {
	size, inode, device uint64
	changed             syscall.Timespec // ctime
	modified            time.Time
}

func stateOf(path string) (s fileState, err error) {
	st, err := os.Stat(path)
	if err != nil {
		return s, err
	}
	s.size, s.modified = uint64(st.Size()), st.ModTime()
	if sys, ok := st.Sys().(*syscall.Stat_t); ok {
		s.inode, s.device, s.changed = sys.Ino, uint64(sys.Dev), sys.Ctim
	}
	return s, nil
}

// coarse is more than the time stamps of any file system are apart: a file that was changed
// since may have changed again and show the same ones.
const coarse = 3 * time.Second

// emptyLooks is at how many looks in a row a file has to be empty to be believed to name
// nobody: one that is written in its place is empty for a moment, which a slow disk or a
// full one makes long. A comment says at once that nobody is meant.
const emptyLooks = 10

// watchFile follows the file. It is read when it is the same at two looks in a row, and after
// that, so not while it is being written. One that is gone, or cannot be read, takes nobody
// away: what was read last counts until there is another.
func watchFile(path string, pace time.Duration, out chan<- news) {
	var read, seen fileState
	var text []byte
	said, empty := "", 0
	for ; ; time.Sleep(pace) {
		now, err := stateOf(path)
		settled := now == seen
		seen = now
		if err == nil && (!settled || now == read && time.Since(now.modified) > coarse) {
			continue
		}
		var fresh []byte
		if err == nil {
			fresh, err = files.ReadLimit(path, config.MaxPeersFile)
			if after, e := stateOf(path); err == nil && (e != nil || after != now) {
				continue // somebody writes it
			}
		}
		if err != nil {
			if line := complaint(path, err); line != said {
				said = line
				out <- news{source: discovery.File, only: true, say: []string{line}}
			}
			continue
		}
		if len(fresh) > 0 || len(text) == 0 {
			empty = 0
		} else if empty++; empty < emptyLooks {
			continue
		}
		said, read = "", now
		if text == nil || !bytes.Equal(fresh, text) {
			text = fresh
			out <- parseFile(path, text)
		}
	}
}

// complaint says why the file is not read, and what would help.
func complaint(path string, err error) string {
	line := "discovery.file: " + err.Error()
	if errors.Is(err, fs.ErrPermission) {
		line += "; want chmod o+r " + path + ", and o+x for the directories above it: it is read without any privilege"
	}
	return line + "; what was read of it before stays"
}

// parseFile is what a file says.
func parseFile(path string, text []byte) news {
	n := news{source: discovery.File}
	peers, problems := config.ParsePeers(path, text)
	for _, p := range problems {
		n.say = append(n.say, p.String())
	}
	for _, p := range peers {
		if config.HostName(p.Name) && config.HostAddress(p.Address) {
			n.peers = append(n.peers, discovery.Peer{
				Name: p.Name, Address: p.Address, Port: p.Port, Node: p.Node, Aliases: p.Aliases,
				Source: discovery.File,
			})
		}
	}
	return n
}
