package boot

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/internal/nstest"
	"golang.org/x/sys/unix"
)

func planText(plan []module) string {
	var b strings.Builder
	for _, m := range plan {
		b.WriteString(strings.TrimSpace(m.path+" "+m.params) + "\n")
	}
	return b.String()
}

func TestPlanModules(t *testing.T) {
	dep, err := os.ReadFile("testdata/modules.dep")
	nstest.Must(t, err)
	for _, c := range []struct {
		names, want, unknown string
	}{
		{"virtio_pci,virtio_blk,squashfs", `
kernel/drivers/virtio/virtio_ring.ko
kernel/drivers/virtio/virtio.ko
kernel/drivers/virtio/virtio_pci_modern_dev.ko
kernel/drivers/virtio/virtio_pci_legacy_dev.ko
kernel/drivers/virtio/virtio_pci.ko
kernel/drivers/block/virtio_blk.ko
kernel/fs/squashfs/squashfs.ko`, ""},
		{"virtio_net", `
kernel/drivers/virtio/virtio_ring.ko
kernel/drivers/virtio/virtio.ko
kernel/net/core/failover.ko.xz
kernel/drivers/net/net_failover.ko.xz
kernel/drivers/net/virtio_net.ko.xz`, ""},
		{"virtio-ring,virtio_rng", `
kernel/drivers/virtio/virtio_ring.ko
kernel/drivers/virtio/virtio.ko
kernel/drivers/char/hw_random/virtio-rng.ko`, ""},
		{"tcp_diag.ko,nothing,board_leds", `
kernel/net/ipv4/inet_diag.ko
kernel/net/ipv4/tcp_diag.ko
/lib/modules/extra/board-leds.ko.zst`, "nothing"},
		{"loop max_loop=4 max_part=3", "\nkernel/drivers/block/loop.ko max_loop=4 max_part=3", ""},
		{"virti,irtio,virtio_,oop", "\n", "virti,irtio,virtio_,oop"},
		{"", "\n", ""},
	} {
		plan, unknown := planModules(dep, strings.Split(c.names, ","))
		if got, want := planText(plan), strings.TrimPrefix(c.want, "\n"); strings.TrimSpace(got) != want {
			t.Errorf("%s\ngot\n%s\nwant\n%s", c.names, got, want)
		}
		if got := strings.Join(unknown, ","); got != c.unknown {
			t.Errorf("%s: unknown %q, want %q", c.names, got, c.unknown)
		}
	}
}

// Where a kernel is installed its own table is read: a tenth of its lines, and
// those that the lab needs, must be planned with every file that they name, each
// after what it needs itself.
func TestPlanOfInstalledKernels(t *testing.T) {
	files, _ := filepath.Glob("/lib/modules/*/modules.dep")
	if len(files) == 0 {
		t.Skip("no kernel is installed in /lib/modules")
	}
	for _, file := range files {
		dep, err := os.ReadFile(file)
		nstest.Must(t, err)
		for i, line := range strings.Split(strings.TrimSpace(string(dep)), "\n") {
			if i%10 != 0 && !strings.Contains(line, "/virtio_") && !strings.Contains(line, "/squashfs.ko") && !strings.Contains(line, "/tcp_diag.ko") {
				continue
			}
			path, needs, _ := strings.Cut(line, ":")
			name, _, _ := strings.Cut(filepath.Base(path), ".ko")
			plan, unknown := planModules(dep, []string{name})
			if len(unknown) != 0 || len(plan) != len(strings.Fields(needs))+1 || plan[len(plan)-1].path != path {
				t.Errorf("%s: %s: plan %v, unknown %v", file, line, plan, unknown)
			}
			loaded := map[string]bool{}
			for _, m := range plan {
				if own := bytes.Index(dep, []byte("\n"+m.path+":")); own >= 0 {
					_, needs, _ := strings.Cut(strings.SplitN(string(dep[own+1:]), "\n", 2)[0], ":")
					for _, need := range strings.Fields(needs) {
						if !loaded[need] {
							t.Errorf("%s: %s is loaded before %s", name, m.path, need)
						}
					}
				}
				loaded[m.path] = true
			}
		}
	}
}

func TestLoadModulesErrors(t *testing.T) {
	dir := t.TempDir() + "/6.1.0-test"
	nstest.Must(t, os.Mkdir(dir, 0o755))
	nstest.None(t, LoadModules(dir, nil, nil))
	got := texts(LoadModules(dir, []string{"virtio_blk"}, nil))
	if want := "load virtio_blk: open " + dir + "/modules.dep: no such file or directory"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	nstest.Must(t, os.WriteFile(dir+"/modules.dep", []byte("gone.ko:\nbad.ko:\nbad2.ko.xz:\n"), 0o644))
	nstest.Must(t, os.WriteFile(dir+"/modules.builtin", []byte("kernel/fs/ext4/ext4.ko\nkernel/drivers/char/hw-random.ko\n"), 0o644))
	nstest.Must(t, os.WriteFile(dir+"/bad.ko", []byte("no ELF"), 0o644))
	nstest.Must(t, os.WriteFile(dir+"/bad2.ko.xz", []byte("no xz"), 0o644))
	nstest.None(t, LoadModules(dir, []string{"ext4", "hw_random"}, nil))
	errs := LoadModules(dir, []string{"nothing", "gone", "ext4"}, nil)
	got = texts(errs)
	for _, want := range []string{
		"load nothing: kernel 6.1.0-test has no such module: it is neither in " + dir + "/modules.dep nor in modules.builtin",
		"load module " + dir + "/gone.ko: no such file or directory",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("want %q in:\n%s", want, got)
		}
	}
	if len(errs) != 2 {
		t.Errorf("got %d errors, want 2:\n%s", len(errs), got)
	}
	if errs := LoadModules(dir, []string{"bad", "bad2"}, nil); len(errs) != 2 {
		t.Errorf("got %d errors, want 2:\n%s", len(errs), texts(errs))
	} else {
		t.Log(texts(errs)) // its words depend on the kernel of the machine
	}
}

// One that hangs (here its file does, which is a FIFO) keeps no other from being loaded.
func TestLoadModulesHangs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	nstest.Must(t, os.WriteFile(dir+"/modules.dep", []byte("a-fifo.ko:\ngone.ko:\n"), 0o644))
	nstest.Must(t, unix.Mkfifo(dir+"/a-fifo.ko", 0o600))
	got := texts(LoadModules(dir, []string{"a_fifo", "gone"}, nil))
	want := "module a_fifo: not loaded within 10s (its driver hangs?); going on without it\nload module " + dir + "/gone.ko: no such file or directory"
	if strings.TrimSpace(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestModuleDir(t *testing.T) {
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	nstest.Must(t, err)
	if got, want := ModuleDir(), "/lib/modules/"+strings.TrimSpace(string(release)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestModuleHelp(t *testing.T) {
	if got := moduleHelp(unix.EOPNOTSUPP, unix.MODULE_INIT_COMPRESSED_FILE); !strings.Contains(got, "unpack the modules") {
		t.Errorf("got %q", got)
	}
}

func FuzzModulesDep(f *testing.F) {
	dep, err := os.ReadFile("testdata/modules.dep")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(dep, "virtio_net")
	f.Add([]byte("a.ko: b.ko  c.ko \nb.ko:"), "a x=1")
	f.Add([]byte("a.ko"), "a")
	f.Fuzz(func(t *testing.T, dep []byte, name string) {
		plan, unknown := planModules(dep, []string{name})
		if (len(plan) == 0) != (len(unknown) == 1) {
			t.Errorf("plan %v, unknown %v: want one of them", plan, unknown)
		}
		seen := map[string]bool{}
		for _, m := range plan {
			if seen[m.path] || m.path == "" {
				t.Errorf("%q is planned twice or empty in %v", m.path, plan)
			}
			seen[m.path] = true
		}
	})
}

// TestCheckModules: the files of an image are those of its modules.dep, but for one package
// that it lacks.
func TestCheckModules(t *testing.T) {
	read := func(path string, limit int) ([]byte, error) {
		switch path {
		case "/lib/modules/6.6/modules.dep":
			return os.ReadFile("testdata/modules.dep")
		case "/lib/modules/6.6/modules.builtin":
			return []byte("kernel/drivers/nvme/host/nvme-core.ko\n"), nil
		}
		return nil, unix.ENOENT
	}
	has := func(path string) bool { return !strings.Contains(path, "virtio_ring") }
	for _, c := range []struct{ dir, names, want string }{
		{"6.6", "squashfs nvme_core", ""},
		{"6.6", "board_leds", ""},
		{"6.6", "virtio_pci", "modules.dep has /lib/modules/6.6/kernel/drivers/virtio/virtio_ring.ko, and the image has not"},
		{"6.6", "squashfs no_such", "no module no_such in /lib/modules/6.6: it is neither in modules.dep nor in modules.builtin"},
		{"5.4", "squashfs", "/lib/modules/5.4/modules.dep: no such file or directory"},
	} {
		got := strings.Join(CheckModules("/lib/modules/"+c.dir, strings.Fields(c.names), read, has), "; ")
		if got != c.want {
			t.Errorf("%s of %s: %q, want %q", c.names, c.dir, got, c.want)
		}
	}
}
