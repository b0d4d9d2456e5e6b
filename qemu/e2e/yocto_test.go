package e2e

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/qemu/image"
	"github.com/beaminit/beaminit/qemu/lab"
)

// The image of the Yocto layer, put together from the layer's files without BitBake, in
// a machine such as runqemu starts, with the words that runqemu passes.
func TestYoctoImage(t *testing.T) {
	t.Parallel()
	node := lab.NodeSpec{Name: machine, Address: netip.MustParseAddr("192.168.7.2")}
	config := strings.Replace(string(lab.Config([]lab.NodeSpec{node}, interval)), `source = "/dev/vdb"`, "source = \"PARTLABEL=data\"\ngrow = true", 1)
	toml := []byte(config)
	node.Off = true // until its disk is made
	init := theInit(t)
	r := layRootfs(t, init, toml)

	r.write("usr/lib/tmpfiles.d/app.conf", "d /run/app 0750 nobody nogroup\n")

	fstype := value(t, r.image, "QB_DEFAULT_FSTYPE")
	if fstype != "ext4" || !strings.Contains(" "+value(t, r.image, "IMAGE_FSTYPES:append:qemuall")+" ", " "+fstype+" ") {
		t.Fatalf("runqemu takes %s of what is built, this test makes ext4", fstype)
	}
	root := filepath.Join(r.work, "beaminit-image-"+machine+".rootfs."+fstype)
	r.image.Funcs["mkfs"] = "mkfs." + fstype + " -q -F -d " + r.dir + " " + root + " 160M\n"
	r.must(r.image, "mkfs")
	kernel, err := image.FindKernel("")
	if err != nil {
		t.Fatal(err)
	}
	set, err := image.Deployed(root, image.Spec{Kernel: kernel.File, Dir: r.work, Init: init}, func(s string) { t.Log(s) })
	if err != nil {
		t.Fatal(err)
	}
	mib, err := strconv.Atoi(strings.TrimPrefix(value(t, r.image, "QB_MEM"), "-m "))
	if err != nil {
		t.Fatalf("QB_MEM: %v", err)
	}
	// In this order by runqemu: the kernel's driver makes ttyS0 the console.
	node.Cmdline = fmt.Sprintf("root=%s mem=%dM ip=192.168.7.2::192.168.7.1:255.255.255.0::eth0:off:8.8.8.8 net.ifnames=0 console=ttyS0 console=ttyS1 %s",
		value(t, r.image, "QB_KERNEL_ROOT"), mib, value(t, r.image, "QB_KERNEL_CMDLINE_APPEND:append"))
	l := startSet(t, lab.Options{Nodes: []lab.NodeSpec{node}, Memory: mib}, set)
	n := l.Nodes()[0]
	disk := filepath.Join(l.Dir(), "data", node.Name+".ext4")
	partitioned(t, disk)
	if err := n.Start(); err != nil {
		t.Fatal(err)
	}

	// While it boots: the class's check, as the build of the image runs it.
	r.refuses(t)

	if err := n.WaitState(within(t), func(r lab.Record) bool { return r.State == health.Up }); err != nil {
		t.Fatal(err)
	}
	for expr, want := range map[string]string{
		`file:read_link("/sbin/init")`:  `{ok,"/sbin/beaminit"}`,
		`file:read_link("/proc/1/exe")`: `{ok,"/sbin/beaminit"}`,
		`[F || F <- ["/sbin/reboot", "/sbin/poweroff", "/sbin/halt", "/sbin/heart"], file:read_link(F) =/= {ok, "/sbin/beaminit"}]`: `[]`,
		`[F || W <- ["/bin/*", "/usr/bin/*", "/srv/erlang/erts-*/bin/epmd"], F <- filelib:wildcard(W)]`:                             `[]`,
		`[{element(8, I) band 8#7777, element(13, I), element(14, I)} || {ok, I} <- [file:read_file_info("/run/app")]]`:             `[{488,65534,65534}]`,
		`code:root_dir()`: fmt.Sprintf("%q", value(t, r.image, "BEAMINIT_RELEASE_DIR")),
		`[F || {F, S} <- [{"/etc/hosts", "192.168.7.2"}, {"/etc/resolv.conf", "8.8.8.8"}, {"/proc/mounts", " / ext4 ro"}, {"/proc/mounts", "/dev/vdb1 /data ext4 rw"}], nomatch =:= string:find(element(2, file:read_file(F)), S)]`: `[]`,
	} {
		if got := rpc(t, l, n, expr); got != want {
			t.Errorf("%s: got %s, want %s", expr, got, want)
		}
	}
	hasGrown(t, l, n, disk)
}

// refuses holds the class's last step to what it is for: it passes on the root as it
// is, and ends the build with the line that says why on one that would not boot.
func (r rootfs) refuses(t *testing.T) {
	t.Helper()
	toml := filepath.Join(r.dir, "etc/beaminit.toml")
	good, err := os.ReadFile(toml)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Count(string(good), "\n")
	erlexec, err := filepath.Glob(filepath.Join(r.dir, value(t, r.image, "BEAMINIT_RELEASE_DIR"), "erts-*/bin/erlexec"))
	if err != nil || len(erlexec) != 1 {
		t.Fatalf("erlexec in the image: %q, %v, want one", erlexec, err)
	}
	libc, err := filepath.Glob(filepath.Join(r.dir, "lib*/*/libc.so.6"))
	if err != nil || len(libc) != 1 {
		t.Fatalf("the C library in the image: %q, %v, want one", libc, err)
	}
	for _, c := range []struct{ file, text, want string }{
		{toml, string(good) + "[supervise\nattempts = 3\n", fmt.Sprintf("/etc/beaminit.toml:%d:", lines+1)},
		{toml, string(good) + "[supervise]\natempts = 3\n", fmt.Sprintf("/etc/beaminit.toml:%d:", lines+2)},
		{erlexec[0], "", "erlexec"},
		{libc[0], "", "needs the library libc.so.6"},
		{filepath.Join(r.dir, "usr/sbin/resize2fs"), "", "/data wants resize2fs (package e2fsprogs-resize2fs), which the image has not"},
	} {
		before := c.file + ".before"
		if err := os.Rename(c.file, before); err != nil {
			t.Fatal(err)
		}
		if c.text != "" {
			r.write(strings.TrimPrefix(c.file, r.dir), c.text)
		}
		_, err := r.call(r.image, "beaminit_check")
		if err == nil || !strings.Contains(err.Error(), "no node would boot from this image:\n") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("beaminit_check with a broken %s: %v, want an error with %q", c.file, err, c.want)
		} else {
			t.Log(err)
		}
		if err := os.Rename(before, c.file); err != nil {
			t.Fatal(err)
		}
	}
	r.must(r.image, "beaminit_check")
}

// inheritedBy gives the classes that a file of the layer inherits.
func inheritedBy(t *testing.T, name string) (classes string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(layerDir, name))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "inherit "); ok {
			classes += " " + rest
		}
	}
	return classes
}
