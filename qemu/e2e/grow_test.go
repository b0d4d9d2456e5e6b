package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/boot/partition"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/qemu/lab"
)

// partitioned makes of a file system in a file a disk with it in a partition, four times as large.
func partitioned(t *testing.T, disk string) {
	t.Helper()
	fs, err := os.ReadFile(disk)
	if err != nil {
		t.Fatal(err)
	}
	const begin = 1 << 20
	image := append(make([]byte, begin, begin+len(fs)+begin), fs...)
	if err := os.WriteFile(disk, image[:cap(image)], 0o600); err != nil {
		t.Fatal(err)
	}
	sfdisk(t, fmt.Sprintf("label: gpt\nstart=%d, size=%d, name=data\n", begin/512, len(fs)/512), disk)
	if err := os.Truncate(disk, 4*int64(len(fs))); err != nil {
		t.Fatal(err)
	}
}

// sfdisk runs sfdisk(8), and gives what it says.
func sfdisk(t *testing.T, input string, args ...string) string {
	t.Helper()
	cmd := exec.Command("/usr/sbin/sfdisk", args...)
	cmd.Stdin, cmd.Env = strings.NewReader(input), append(os.Environ(), "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("sfdisk %q: %v: %s", args, err, out)
	}
	return string(out)
}

// hasGrown wants the partition and the file system as large as the disk, to the kernel and to others.
// Then it is larger again, and the power is cut in the midst of that.
func hasGrown(t *testing.T, l *lab.Lab, n *lab.Node, disk string) {
	t.Helper()
	reaches(t, l, n, 62, "/dev/vdb1: the partition has grown to the end of /dev/vdb, from 16 MiB to 62 MiB", "/dev/vdb1: the ext4 for /data has grown from 16 MiB to 62 MiB")
	if err := n.Kill(); err != nil {
		t.Fatal(err)
	}
	interrupted(t, disk, 128<<20)
	if err := n.Start(); err != nil {
		t.Fatal(err)
	}
	if err := n.WaitState(within(t), func(r lab.Record) bool { return r.State == health.Up }); err != nil {
		t.Fatal(err)
	}
	reaches(t, l, n, 126, "/dev/vdb1: the partition table of /dev/vdb is whole again, whose writing was interrupted", "/dev/vdb1: the ext4 for /data has grown from 62 MiB to 126 MiB")
	if said := sfdisk(t, "", "--verify", disk); !strings.Contains(said, "No errors detected") {
		t.Errorf("sfdisk says: %s", said)
	}
}

// interrupted makes a disk larger, and its table as a power cut leaves it that comes while the first entries are written.
func interrupted(t *testing.T, disk string, size int64) {
	t.Helper()
	f, err := os.OpenFile(disk, os.O_RDWR, 0)
	if err == nil {
		err = f.Truncate(size)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p, err := partition.Extend(partition.Disk{ReaderAt: f, Size: size, Sector: 512}, 1)
	if err != nil || len(p.Writes) < 4 {
		t.Fatalf("%d writes, %v", len(p.Writes), err)
	}
	cut := len(p.Writes) - 2
	clear(p.Writes[cut].Data)
	for _, w := range p.Writes[:cut+1] {
		if _, err := f.WriteAt(w.Data, w.At); err != nil {
			t.Fatal(err)
		}
	}
}

// reaches wants a partition of so many MiB, a file system in which as much has room but for a few of them, and lines on the console.
func reaches(t *testing.T, l *lab.Lab, n *lab.Node, mib int, lines ...string) {
	t.Helper()
	console := strings.Join(n.Tail(1000), "\n")
	for _, want := range lines {
		if !strings.Contains(console, want) {
			t.Errorf("want %q in\n%s", want, console)
		}
	}
	for expr, want := range map[string]string{
		`list_to_integer(string:trim(binary_to_list(element(2, file:read_file("/sys/class/block/vdb1/size"))))) div 2048`: strconv.Itoa(mib),
		fmt.Sprintf(`file:write_file("/data/large", binary:copy(<<"large">>, %d bsl 20), [raw])`, mib/8):                  "ok",
	} {
		if got := rpc(t, l, n, expr); got != want {
			t.Errorf("%s: got %s, want %s", expr, got, want)
		}
	}
}
