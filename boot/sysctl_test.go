package boot

import (
	"os"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/internal/nstest"
)

func TestSetSysctls(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		errs := texts(SetSysctls([]string{"net/ipv4/conf/*/forwarding=1", "net/ipv4/ip_default_ttl=33", "net/no/such=1", "net/ipv4/tcp_ecn=many", "../x=1", "net/*/nothing=1", "-net/no/other=1",
			"net/ipv6/conf/*/hop_limit=77", "-net/ipv6/conf/default/hop_limit"}))
		for path, want := range map[string]string{"net/ipv4/conf/lo/forwarding": "1\n", "net/ipv4/conf/default/forwarding": "1\n", "net/ipv4/ip_default_ttl": "33\n",
			"net/ipv6/conf/lo/hop_limit": "77\n", "net/ipv6/conf/default/hop_limit": "64\n"} {
			if got, err := os.ReadFile("/proc/sys/" + path); err != nil || string(got) != want {
				t.Errorf("%s: got %q, %v, want %q", path, got, err, want)
			}
		}
		if strings.Contains(errs, "net/no/other") {
			t.Errorf("told of what may fail:\n%s", errs)
		}
		for _, want := range []string{"sysctl net/no/such: this kernel has no such setting", "sysctl net/ipv4/tcp_ecn = many: "} {
			if !strings.Contains(errs, want) {
				t.Errorf("want %q in\n%s", want, errs)
			}
		}
	})
}

// Links of /var into a file system in memory have something to lead to.
func TestMakeLinkTargets(t *testing.T) {
	nstest.Run(t, nstest.Whole, func(t *testing.T) {
		nstest.EmptyRoot(t)
		nstest.None(t, mountBoth())
		nstest.Must(t, os.MkdirAll("/var/volatile", 0o755))
		nstest.Must(t, os.Symlink("volatile/log", "/var/log"))
		nstest.Must(t, os.Symlink("/var/volatile/deep/tmp", "/var/tmp"))
		nstest.Must(t, os.Mkdir("/var/cache", 0o700))
		nstest.None(t, MakeLinkTargets())
		for dir, mode := range map[string]os.FileMode{"/var/volatile/log": 0o755, "/var/volatile/deep/tmp": 0o777 | os.ModeSticky, "/var/cache": 0o700} {
			if st, err := os.Stat(dir); err != nil || !st.IsDir() || st.Mode()&^os.ModeDir != mode {
				t.Errorf("%s: got %v, %v, want %v", dir, st, err, mode)
			}
		}
	})
}

func TestModuleName(t *testing.T) {
	for path, want := range map[string]string{"kernel/drivers/net/virtio-net.ko.xz": "virtio_net", "a.ko": "a", "x/b.ko.zst": "b"} {
		if got := moduleName(path); got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
}
