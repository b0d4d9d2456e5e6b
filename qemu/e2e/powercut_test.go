package e2e

import (
	"flag"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/qemu/lab"
	"github.com/beaminit/beaminit/qemu/writelog"
)

var powerCuts = flag.Int("power.cuts", 0, "power cuts in TestDiskPowerCuts")

// counts has a release that runs numbers: it writes numbers to a file, each on the disk
// (fsync(2)) before it says so, and at its start says the last one that is there.
const counts = `
[[mount]]
source = "PARTLABEL=data"
target = "/data"
type = "ext4"
format = "ext4"
check = true
grow = true

[health]
interval = "1s"

[release]
args = ["-eval", "file:eval(\"/etc/numbers.erl\")"]
`

const numbers = `
Count = fun() ->
    {ok, F} = file:open("/data/numbers", [read, append, raw, binary]), % by who writes
    Last = case file:read(F, 1 bsl 20) of
        {ok, All} -> lists:max([0 | [binary_to_integer(N) || N <- binary:split(All, <<"\n">>, [global]), byte_size(N) == 6]]);
        eof -> 0
    end,
    io:format("numbers: found ~b~n", [Last]),
    Next = fun Next(N) ->
        ok = file:write(F, io_lib:format("~6..0b\n", [N])),
        ok = file:sync(F),
        io:format("numbers: synced ~b~n", [N]),
        timer:sleep(100),
        Next(N + 1)
    end,
    Next(Last + 1)
end,
spawn(Count).
`

// A blank disk becomes a data partition that grows and is written to, and QEMU logs every write
// and flush. The power is cut at moments of that, as a disk with a cache of its own takes it:
// what was not flushed may be there in any part. From each such disk a node comes up, and
// nothing is gone that the release had been told was on the disk.
func TestDiskPowerCuts(t *testing.T) {
	if *powerCuts == 0 {
		t.Skip("make disk-cuts runs it, for make soak; TestFormatCuts has cuts in namespaces")
	}
	t.Parallel()
	set := benchRoot(t, theInit(t), map[string]string{"etc/beaminit.toml": counts, "etc/numbers.erl": numbers}, "/usr/sbin/mke2fs", "/usr/sbin/e2fsck", "/usr/sbin/resize2fs")
	nodes, err := lab.NodeSpecs(2)
	if err != nil {
		t.Fatal(err)
	}
	for i := range nodes {
		nodes[i].Off = true // until it has its disk
	}
	dir := t.TempDir()
	blank := filepath.Join(dir, "blank")
	blankDisk(t, blank)

	recorded := startSet(t, lab.Options{Nodes: nodes[:1], DiskLog: true}, set)
	log, known := recordWrites(t, recorded, blank)
	defer log.Close()
	recorded.Close()
	t.Logf("%d writes and flushes, %d numbers", len(log.Entries), len(known))

	l := startSet(t, lab.Options{Nodes: nodes}, set)
	cuts := make(chan int)
	var wait sync.WaitGroup
	for _, n := range l.Nodes() {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for seed := range cuts {
				survives(t, l, n, blank, log, known, int64(seed))
			}
		}()
	}
	for i := range *powerCuts {
		cuts <- i
	}
	close(cuts)
	wait.Wait()
}

// blankDisk is one of 48 MiB with a partition of 16, named data, and nothing in it.
func blankDisk(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 17<<20); err != nil {
		t.Fatal(err)
	}
	sfdisk(t, "label: gpt\nstart=2048, size=28672, name=data\n", path)
	if err := os.Truncate(path, 48<<20); err != nil {
		t.Fatal(err)
	}
}

func diskOf(l *lab.Lab, n *lab.Node) string { return filepath.Join(l.Dir(), "data", n.Name()+".ext4") }

// recordWrites boots the node with a blank disk until it has written some numbers, and gives the
// log of its disk, and for each number how long the log was when it was said to be on the disk.
func recordWrites(t *testing.T, l *lab.Lab, blank string) (*writelog.Log, []int64) {
	t.Helper()
	n := l.Nodes()[0]
	disk := diskOf(l, n)
	shell(t, "cp --sparse=always "+blank+" "+disk+"; : > "+lab.DiskLog(disk))
	if err := n.Start(); err != nil {
		t.Fatal(err)
	}
	var known []int64
	for number := 1; number <= 30; number++ {
		if _, err := n.WaitLine(within(t), fmt.Sprintf("numbers: synced %d", number)); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(lab.DiskLog(disk))
		if err != nil {
			t.Fatal(err)
		}
		known = append(known, info.Size())
	}
	if err := n.Kill(); err != nil {
		t.Fatal(err)
	}
	log, err := writelog.Open(lab.DiskLog(disk))
	if err != nil {
		t.Fatal(err)
	}
	return log, known
}

// survives cuts the power at a moment that the seed says, and wants the node to come up with all
// that was known to be on its disk.
func survives(t *testing.T, l *lab.Lab, n *lab.Node, blank string, log *writelog.Log, known []int64, seed int64) {
	t.Helper()
	chance := rand.New(rand.NewSource(seed))
	at := chance.Intn(len(log.Entries)) + 1
	disk := diskOf(l, n)
	shell(t, "cp --sparse=always "+blank+" "+disk)
	f, err := os.OpenFile(disk, os.O_WRONLY, 0)
	if err == nil {
		err = log.Cut(f, at, chance)
		f.Close()
	}
	if err != nil {
		t.Error(err)
		return
	}
	want := 0
	for want < len(known) && known[want] <= log.Entries[at-1].End {
		want++
	}
	before := n.Lines()
	if err := n.Start(); err != nil {
		t.Error(err)
		return
	}
	defer n.Kill()
	line, err := n.WaitNewLine(within(t), before, "numbers: found ")
	if err != nil {
		t.Errorf("cut behind write %d (seed %d): %v", at, seed, err)
		return
	}
	_, number, _ := strings.Cut(line, "numbers: found ")
	if found, err := strconv.Atoi(strings.TrimSpace(number)); err != nil || found < want {
		t.Errorf("cut behind write %d (seed %d): found %q, and %d were on the disk\n%s", at, seed, number, want, strings.Join(n.Tail(100), "\n"))
	}
	if err := n.WaitState(within(t), func(r lab.Record) bool { return r.State == health.Up && len(r.Warn) == 0 }); err != nil {
		t.Errorf("cut behind write %d (seed %d): %v", at, seed, err)
	}
}
