package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/beaminit/beaminit/cluster"
	"github.com/beaminit/beaminit/qemu/lab"
)

// looksInside reads a node's files and processes as its own release sees them.
func looksInside(t *testing.T, l *lab.Lab, n *lab.Node) {
	for _, path := range []string{"/bin", "/usr/bin", "/bin/sh", "/srv/erlang/erts-*/bin/epmd", "/srv/erlang/bin"} {
		if got := rpc(t, l, n, fmt.Sprintf("filelib:wildcard(%q)", path)); got != "[]" {
			t.Errorf("%s is in the image: %s", path, got)
		}
	}
	args := rpc(t, l, n, `[lists:flatten(lists:join($ , string:lexemes(binary_to_list(B), [0]))) || P <- filelib:wildcard("/proc/[0-9]*/cmdline"), {ok, B} <- [file:read_file(P)], B =/= <<>>]`)
	if !strings.Contains(args, "beam.smp") || !strings.Contains(args, cluster.MonitorName) {
		t.Errorf("processes: %s", args)
	}
	if secret := cookie(t, l); strings.Contains(args+strings.Join(n.Tail(1000), "\n"), secret) {
		t.Errorf("the cookie shows in a command line or on the console")
	}
	hosts := rpc(t, l, n, `file:read_file("/etc/hosts")`)
	for _, other := range l.Nodes() {
		if !strings.Contains(hosts, other.Spec.Address.String()) {
			t.Errorf("/etc/hosts lacks %s: %s", other.Name(), hosts)
		}
	}
	if strings.Contains(hosts, "127.0.1.1") {
		t.Errorf("/etc/hosts has 127.0.1.1: %s", hosts)
	}
	mounts := rpc(t, l, n, `file:read_file("/proc/mounts")`)
	for _, want := range []string{"/dev/root / squashfs ro", "/dev/vda / squashfs ro", "/dev/vdb /data ext4 rw,nosuid,nodev"} {
		if strings.Contains(mounts, want) {
			mounts += " ok"
		}
	}
	if strings.Count(mounts, " ok") != 2 {
		t.Errorf("want a read-only squashfs root and /data on ext4, got %s", mounts)
	}
	rss := rpc(t, l, n, `[list_to_integer(K) || {ok, B} <- [file:read_file("/proc/1/status")], "VmRSS:" ++ L <- string:lexemes(binary_to_list(B), "\n"), K <- [hd(string:lexemes(L, "\t "))]]`)
	kb, err := strconv.Atoi(strings.Trim(rss, "[]"))
	t.Logf("PID 1 has %d KiB resident", kb)
	if err != nil || kb > 4096 {
		t.Errorf("PID 1 has %s KiB resident (%v), want at most 4096", rss, err)
	}
}

// poke sends a signal to a process of the node.
func poke(t *testing.T, l *lab.Lab, n *lab.Node, sig syscall.Signal, pid int) {
	t.Helper()
	putPoke(t, l, n)
	// A cast: a stopped VM does not answer.
	cast(t, l, n, fmt.Sprintf(`open_port({spawn_executable, "/data/poke"}, [{args, ["%d", "%d"]}])`, sig, pid))
}

// putPoke puts a program on the node's data disk, for what the image has none.
func putPoke(t *testing.T, l *lab.Lab, n *lab.Node) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "poke")
	cmd := exec.Command("go", "build", "-ldflags=-s -w", "-o", program, "./poke")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build poke: %v\n%s", err, out)
	}
	// The file goes along as an argument of the call, from the Erlang on the LAN.
	got := call(t, l, n, fmt.Sprintf(`file, write_file, ["/data/poke", element(2, file:read_file(%q))]`, program))
	if got != "ok" {
		t.Fatalf("put poke on %s: %s", n.Name(), got)
	}
	if got := call(t, l, n, `file, change_mode, ["/data/poke", 8#755]`); got != "ok" {
		t.Fatalf("make poke a program on %s: %s", n.Name(), got)
	}
}
