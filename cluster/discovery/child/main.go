// Package child is the child of PID 1 that finds peers: it watches a file, asks the DNS,
// and speaks mDNS with the machines of the LAN. It runs as nobody without any privilege,
// and is all of beaminit that reads what those say; PID 1 gets reports of package discovery.
package child

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/signal"
	"slices"
	"time"

	"github.com/beaminit/beaminit/cluster/discovery"
	"github.com/beaminit/beaminit/internal/footprint"
	"github.com/beaminit/beaminit/internal/proc"
	"github.com/beaminit/beaminit/internal/seccomp"
	"golang.org/x/sys/unix"
)

// allowed is what the child needs of the kernel: sockets of DNS and mDNS, the list of links,
// and the file that it watches.
var allowed = seccomp.List{
	Calls:    slices.Concat(seccomp.Files, seccomp.Sockets),
	Families: []uint32{unix.AF_INET, unix.AF_INET6, unix.AF_NETLINK},
}

// Main is the process: it reads discovery.Orders from its standard input, writes a line for
// each report to its standard output, and ends when its standard input does, for then PID 1
// has become another program and starts a child of its own.
func Main([]string) int {
	footprint.Small()
	proc.SetName(discovery.ChildName) // not "exe"
	in := bufio.NewReaderSize(os.Stdin, discovery.MaxOrders)
	line, err := in.ReadSlice('\n')
	var o discovery.Orders
	if err == nil {
		err = json.Unmarshal(line, &o)
	}
	if err != nil {
		os.Stderr.WriteString(discovery.ChildName + ": is for PID 1 to call: orders: " + err.Error() + "\n")
		return 2
	}
	_ = seccomp.Apply(allowed) // PID 1 says where the kernel cannot
	go func() {
		io.Copy(io.Discard, in)
		os.Exit(0)
	}()
	os.Stderr.WriteString(discovery.ChildName + ": " + run(&o, os.Stdout).Error() + "\n")
	return 1
}

// news is what a source knows: all of its peers, or lines for the console alone.
type news struct {
	source string
	peers  []discovery.Peer
	only   bool // peers are those of before
	say    []string
}

// The shortest time between two reports, at first and when there is one after the other: who
// makes a source change all the time must not keep PID 1 at work.
const (
	reportPace  = time.Second
	reportRush  = 30 * time.Second
	reportQuiet = time.Minute // after so long the first pace is in force again
)

// run does not return unless nobody hears the reports, and says why.
func run(o *discovery.Orders, out io.Writer) error {
	all := make(chan news)
	if o.File != "" {
		go watchFile(o.File, filePace, all)
	}
	if o.DNS != "" {
		go watchDNS(o, 53, all)
	}
	if o.MDNS {
		stop := make(chan os.Signal, 1)
		signal.Notify(stop, unix.SIGTERM)
		go watchMDNS(o, all, stop)
	}
	m := merger{limit: o.Limit, of: map[string][]discovery.Peer{}}
	timer := time.NewTimer(time.Hour)
	var last time.Time
	pace := reportPace
	for {
		select {
		case n := <-all:
			m.take(n)
			timer.Reset(max(0, pace-time.Since(last)))
		case <-timer.C:
			wrote, err := m.report(out)
			if err != nil {
				return err
			}
			if wrote {
				if pace = min(pace*3/2, reportRush); time.Since(last) > reportQuiet {
					pace = reportPace
				}
				last = time.Now()
			}
		}
	}
}
