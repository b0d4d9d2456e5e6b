package child

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/beaminit/beaminit/internal/clock"
	"github.com/beaminit/beaminit/netcfg"
)

// maxFile is how much of a file of leases is read, in bytes.
const maxFile = 1 << 16

// bootID is a word that is another one after each boot of the kernel.
func bootID() string {
	text, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(text))
}

// left is how long a lease still lasts: of this boot by a clock that does not jump, else
// by the time of day; 0: it is over, or begins in the future, so that the time of day is
// not to be trusted.
func left(l *netcfg.Lease) time.Duration {
	all := time.Duration(l.Seconds) * time.Second
	if l.Seconds == netcfg.Forever {
		return all
	}
	if l.Boot == bootID() {
		return max(0, min(all, all-(clock.Boottime()-time.Duration(l.Since))))
	}
	if d := time.Until(l.Until); d <= all {
		return max(0, d)
	}
	return 0
}

// recall is the last lease of a link: what PID 1 was told by a child before this one, else
// what the boot before kept on a disk. nil: none that still lasts.
func recall(o *netcfg.Orders, name string) *netcfg.Lease {
	var r netcfg.LinkReport
	if text, err := readFile(filepath.Join(o.RunDir, name+".json")); err == nil && json.Unmarshal(text, &r) == nil {
		if l := valid(r.Lease); l != nil {
			return l
		}
	}
	var l netcfg.Lease
	if o.StateDir == "" {
		return nil
	}
	text, err := readFile(filepath.Join(o.StateDir, name+".json"))
	if err != nil || json.Unmarshal(text, &l) != nil {
		return nil
	}
	return valid(&l)
}

// valid gives a lease that was read from a file, timed anew for this boot; nil: it does
// not last any more, or is none.
func valid(l *netcfg.Lease) *netcfg.Lease {
	if l == nil || l.Check() != nil {
		return nil
	}
	rest := left(l)
	if rest < time.Second {
		return nil
	}
	if id := bootID(); l.Boot != id {
		l.Boot, l.Since = id, int64(clock.Boottime()-(time.Duration(l.Seconds)*time.Second-rest))
	}
	return l
}

// keep writes a lease for the next boot. The directory is the child's own.
func keep(o *netcfg.Orders, name string, l *netcfg.Lease) error {
	if o.StateDir == "" {
		return nil
	}
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	file := filepath.Join(o.StateDir, name+".json")
	if err := writeSynced(file+".new", append(text, '\n')); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

func writeSynced(file string, text []byte) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(text); err != nil {
		return err
	}
	return f.Sync()
}

// readFile reads a file of at most maxFile bytes.
func readFile(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFile))
}
