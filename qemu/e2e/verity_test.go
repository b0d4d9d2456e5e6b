package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/qemu/image"
	"github.com/beaminit/beaminit/qemu/lab"
)

// TestVerity is the recipe of docs/board.md: a root whose hashes lie behind it, and a kernel command line that
// has the root hash. What is changed on it is not read.
func TestVerity(t *testing.T) {
	t.Parallel()
	nodes, err := lab.NodeSpecs(2)
	if err != nil {
		t.Fatal(err)
	}
	config := append(lab.Config(nodes[:1], interval), "# of dm-verity\n"...)
	building.Lock()
	set, err := image.Build(image.Spec{Dir: buildDir, Name: "image-verity", Init: theInit(t), Config: config, Modules: []string{"dm_verity", "sha256_generic"}}, func(s string) { t.Log(s) })
	building.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	whole, words := sealed(t, set.Root)
	set.Root = t.TempDir() + "/root"
	changed := set
	changed.Root += ".changed"
	if err := os.WriteFile(set.Root, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	whole[50]++ // in the superblock of squashfs, which is read first
	if err := os.WriteFile(changed.Root, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	nodes[1].Image = &changed
	l := startSet(t, lab.Options{Nodes: nodes, Append: words}, set)
	n, broken := l.Nodes()[0], l.Nodes()[1]
	reach(t, n, "an answer", func(r lab.Record) bool { return r.State == health.Up || r.State == health.Degraded })
	if got := rpc(t, l, n, `[L || L <- string:split(element(2, file:read_file("/proc/mounts")), "\n", all), string:prefix(L, "/dev/dm-0 / squashfs ro") =/= nomatch]`); !strings.Contains(got, "/dev/dm-0") {
		t.Errorf("the root is not that of dm-verity: %s", got)
	}
	for _, line := range []string{"is corrupted", "(attempt 2 of 12): root: mount /dev/dm-0"} {
		if _, err := broken.WaitLine(within(t), line); err != nil {
			t.Error(err)
		}
	}
}

// sealed is an image with its hashes behind it, and the words of the kernel command line for it.
func sealed(t *testing.T, image string) (whole []byte, words string) {
	t.Helper()
	data, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	const block = 4096
	blocks := (len(data) + block - 1) / block
	file := t.TempDir() + "/sealed"
	if err := os.WriteFile(file, append(data, make([]byte, blocks*block-len(data))...), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("/usr/sbin/veritysetup", "format", "--data-blocks", fmt.Sprint(blocks), "--hash-offset", fmt.Sprint(blocks*block), file, file).CombinedOutput()
	said := regexp.MustCompile(`(?s)Salt:\s+(\w+).*Root hash:\s+(\w+)`).FindSubmatch(out)
	if err != nil || said == nil {
		t.Fatalf("veritysetup: %v\n%s", err, out)
	}
	if whole, err = os.ReadFile(file); err != nil {
		t.Fatal(err)
	}
	return whole, fmt.Sprintf(`dm-mod.create="root,,0,ro,0 %d verity 1 /dev/vda /dev/vda 4096 4096 %d %d sha256 %s %s" root=/dev/dm-0`,
		blocks*block/512, blocks, blocks+1, said[2], said[1])
}
