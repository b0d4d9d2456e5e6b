package image

import (
	"slices"
	"testing"
	"testing/fstest"
)

var someModules = fstest.MapFS{
	"modules.dep": {Data: []byte(`kernel/net/core/failover.ko:
kernel/drivers/net/net_failover.ko: kernel/net/core/failover.ko
kernel/drivers/net/virtio_net.ko: kernel/drivers/net/net_failover.ko kernel/net/core/failover.ko
kernel/drivers/char/hw_random/virtio-rng.ko:
kernel/fs/unused.ko:
`)},
	"modules.builtin":                             {Data: []byte("kernel/fs/ext4/ext4.ko\n")},
	"kernel/net/core/failover.ko":                 {Data: []byte("1")},
	"kernel/drivers/net/net_failover.ko":          {Data: []byte("2")},
	"kernel/drivers/net/virtio_net.ko":            {Data: []byte("3")},
	"kernel/drivers/char/hw_random/virtio-rng.ko": {Data: []byte("4")},
}

func TestModules(t *testing.T) {
	list, err := modules(someModules, "6.1", []string{"virtio_net", "virtio_rng", "ext4"})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		names = append(names, e.name)
	}
	want := []string{
		"lib/modules/6.1/kernel/net/core/failover.ko",
		"lib/modules/6.1/kernel/drivers/net/net_failover.ko",
		"lib/modules/6.1/kernel/drivers/net/virtio_net.ko",
		"lib/modules/6.1/kernel/drivers/char/hw_random/virtio-rng.ko",
		"lib/modules/6.1/modules.dep",
		"lib/modules/6.1/modules.builtin",
	}
	if !slices.Equal(names, want) {
		t.Errorf("files are %q, want %q", names, want)
	}
	dep := `kernel/net/core/failover.ko:
kernel/drivers/net/net_failover.ko: kernel/net/core/failover.ko
kernel/drivers/net/virtio_net.ko: kernel/drivers/net/net_failover.ko kernel/net/core/failover.ko
kernel/drivers/char/hw_random/virtio-rng.ko:
`
	if got := string(list[4].data); got != dep {
		t.Errorf("modules.dep is\n%s, want\n%s", got, dep)
	}
	if _, err := modules(someModules, "6.1", []string{"nosuch"}); err == nil {
		t.Error("a module that is not there gave no error")
	}
}

func TestNotBuiltIn(t *testing.T) {
	got := notBuiltIn([]string{"virtio_blk", "ext4", "virtio_rng"}, "kernel/fs/ext4/ext4.ko\nkernel/x/virtio-rng.ko\n")
	if !slices.Equal(got, []string{"virtio_blk"}) {
		t.Errorf("not built in: %q, want virtio_blk alone", got)
	}
}

func TestCompareVersions(t *testing.T) {
	order := []string{"vmlinuz-5.10.0-9-amd64", "vmlinuz-6.1.0-9-amd64", "vmlinuz-6.1.0-56-amd64", "vmlinuz-6.10.0-1-amd64"}
	for i := range order {
		for j := range order {
			if got := compareVersions(order[i], order[j]); got < 0 != (i < j) || got > 0 != (i > j) {
				t.Errorf("compare %s with %s gave %d", order[i], order[j], got)
			}
		}
	}
}

func TestFindKernel(t *testing.T) {
	k, err := FindKernel("")
	if err != nil {
		t.Fatal(err)
	}
	if k.Modules == "" || "/boot/vmlinuz-"+k.Version != k.File {
		t.Errorf("found %+v; want a version as in its name, and its modules", k)
	}
	if _, err := FindKernel("/bin/true"); err == nil {
		t.Error("a file that is no kernel gave no error")
	}
}
