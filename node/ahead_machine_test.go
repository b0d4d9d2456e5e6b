package node_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/beaminit/beaminit/internal/machine"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/node"
	"golang.org/x/sys/unix"
)

// cached is how many pages of a file are in the page cache (mincore(2)), and of how many.
func cached(t *testing.T, path string) (pages, of int) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	m, err := unix.Mmap(int(f.Fd()), 0, int(st.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(m)
	in := make([]byte, (len(m)+os.Getpagesize()-1)/os.Getpagesize())
	if _, _, errno := unix.Syscall(unix.SYS_MINCORE, uintptr(unsafe.Pointer(&m[0])), uintptr(len(m)), uintptr(unsafe.Pointer(&in[0]))); errno != 0 {
		t.Fatal(errno)
	}
	for _, b := range in {
		pages += int(b & 1)
	}
	return pages, len(in)
}

// cold is a copy of a release of which nothing is in the page cache.
func cold(t *testing.T, from string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "cold")
	if out, err := exec.Command("cp", "-rL", from, dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := f.Sync(); err != nil {
			return err
		}
		return unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// While the network is awaited, what the VM will load is read, and nothing else; it is
// over by itself, long before the VM is there.
func TestReadAhead(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, words  string
		last, others bool // the last module of the boot script is read, and what only embedded mode loads
	}{
		{"embedded", "", true, true},
		{"interactive", "beaminit.release.args=-mode,interactive", false, false},
		{"off", "beaminit.release.readahead=false", false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := machine.WithERTS(t, "ip=10.77.0.11::10.77.0.1:255.255.255.0:node1:eth0:off beaminit.network.eth0.wait=3s "+tt.words, "")
			dir := cold(t, s.Bind["srv/erlang"])
			find := func(name string) string {
				found, err := filepath.Glob(filepath.Join(dir, name))
				if err != nil || len(found) != 1 {
					t.Fatalf("%s: %v %v", name, found, err)
				}
				return found[0]
			}
			first, array, last := find("lib/kernel-*/ebin/code.beam"), find("lib/stdlib-*/ebin/array.beam"), find("lib/eclero-*/ebin/eclero_watch.beam")
			emulator := find("erts-*/bin/beam.smp")
			if n, _ := cached(t, last); n > 0 {
				t.Skip("the file system of " + dir + " keeps its files in memory whatever it is told")
			}
			s.Bind["srv/erlang"] = dir
			m := machine.Start(t, s)
			m.Line("network: eth0: absent")
			absent := time.Now()
			whole := func(path string) bool { n, of := cached(t, path); return n == of }
			if tt.name != "off" {
				m.Eventually("read code.beam", func() bool { return whole(first) })
				m.Eventually("read beam.smp", func() bool { return whole(emulator) })
			}
			if tt.last {
				m.Eventually("read eclero_watch.beam", func() bool { return whole(last) })
			}
			m.Eventually("end by itself", func() bool { return m.Has(node.ReadaheadName) == 0 })
			vm := m.Has("beam.smp") + m.Has("erlexec")
			if time.Since(absent) >= 3*time.Second { // on a busy machine it may be there by now
				vm = 0
			}
			for path, want := range map[string]bool{first: tt.name != "off", emulator: tt.name != "off", array: tt.others, last: tt.last} {
				if n, of := cached(t, path); (n == of) != want {
					t.Errorf("%s: %d of %d pages are there, want them: %v", strings.TrimPrefix(path, dir), n, of, want)
				}
			}
			if vm != 0 {
				t.Errorf("the VM (pid %d) was there before the network", vm)
			}
			r, _ := m.State(health.Up, 0)
			if wait := machine.Phase(r, "exec") - machine.Phase(r, "net"); wait.Seconds() < 2.9 {
				t.Errorf("the release was started after %v", wait)
			}
		})
	}
}
