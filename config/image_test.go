package config

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/config/cmdline"
	"github.com/beaminit/beaminit/config/image"
	"github.com/beaminit/beaminit/config/lex"
)

// list is the names of files in a directory.
func (f files) list(dir string) (names []string) {
	for p := range f {
		if rest, below := strings.CutPrefix(p, dir+"/"); below {
			name, _, _ := strings.Cut(rest, "/") // a file, or a directory
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// loadImage loads what an image holds.
func loadImage(t *testing.T, f files, line string) *Config {
	t.Helper()
	f[macPath] = macText
	c := Sources{Cmdline: line, Args: cmdline.InitArgs(line), Read: f.read, List: f.list}.Load()
	valid(t, c)
	return c
}

// Of several settings for one key the last counts: /etc/sysctl.conf after all of sysctl.d, as
// with procps, and the kernel command line after that.
func TestSysctlOrder(t *testing.T) {
	c := loadImage(t, files{
		"/usr/lib/sysctl.d/50-default.conf": "kernel.sysrq = 16\nnet.ipv4.conf.*.rp_filter = 2\n-net.ipv4.conf.all.rp_filter\nvm.swappiness=60\n-fs.protected_regular = 1\n",
		"/etc/sysctl.d/99-sysctl.conf":      "vm.swappiness=10\nkernel.sysrq=0\n", "/etc/sysctl.conf": "vm.swappiness=10\nkernel.sysrq=0\nfs.protected_regular=0\n",
	}, "sysctl.vm.swappiness=1")
	want := []string{"net/ipv4/conf/*/rp_filter=2", "-net/ipv4/conf/all/rp_filter", "kernel/sysrq=0", "fs/protected_regular=0", "vm/swappiness=1"}
	if got := c.Kernel.Sysctl; !reflect.DeepEqual(got, want) || c.Notes != nil {
		t.Errorf("got %q, want %q; notes %q", got, want, notes(c))
	}
}

func TestImage(t *testing.T) {
	c := loadImage(t, files{
		"/etc/modules-load.d/gpio.conf":     "# why\ngpio-pca953x\nleds_gpio\n",
		"/usr/lib/modules-load.d/gpio.conf": "hidden\n",
		"/usr/lib/modules-load.d/net.conf":  "virtio_net\n; no\n",
		"/etc/modules":                      "i2c-dev\n",
		"/etc/modprobe.d/a.conf":            "options virtio-net napi_tx=1 \\\n  csum=0\nblacklist pcspkr\ninstall bad /bin/true\nsoftdep  a pre: b\nalias usb:v1* a\nweakdep a c\n",
		"/etc/sysctl.conf":                  "vm.swappiness=10\n",
		"/etc/sysctl.d/10-net.conf":         "net.ipv4.conf.eth0/100.rp_filter = 1\n-kernel.foo = 2\nnet/core/somaxconn=128\nnonsense\n",
		"/etc/sysctl.d/README":              "vm.dirty_ratio=1\n",
		Path:                                "[kernel]\nmodules = [\"leds-gpio\", \"loop\"]\n",
	}, "virtio_net.napi_tx=0 modules_load=tun,dummy sysctl.kernel.panic=5 quiet usbcore.autosuspend=-1 snd.x=\"a b\"")
	if want := []string{"leds-gpio", "loop", "gpio-pca953x", "virtio_net", "i2c-dev", "tun", "dummy"}; !reflect.DeepEqual(c.Kernel.Modules, want) {
		t.Errorf("modules: got %q, want %q", c.Kernel.Modules, want)
	}
	if want := map[string]string{"virtio_net": "napi_tx=1    csum=0 napi_tx=0", "usbcore": "autosuspend=-1", "snd": `x="a b"`}; !reflect.DeepEqual(c.Kernel.ModuleOptions, want) {
		t.Errorf("options: got %q, want %q", c.Kernel.ModuleOptions, want)
	}
	if want := []string{"softdep a pre: b", "alias usb:v1* a"}; !reflect.DeepEqual(c.Kernel.ModuleLines, want) {
		t.Errorf("lines: got %q, want %q", c.Kernel.ModuleLines, want)
	}
	if want := []string{"net/ipv4/conf/eth0.100/rp_filter=1", "-kernel/foo=2", "net/core/somaxconn=128", "vm/swappiness=10", "kernel/panic=5"}; !reflect.DeepEqual(c.Kernel.Sysctl, want) {
		t.Errorf("sysctl: got %q, want %q", c.Kernel.Sysctl, want)
	}
	if want := []string{`sysctl.d: "nonsense" is without effect; want KEY = VALUE, such as vm.swappiness = 10`}; !reflect.DeepEqual(notes(c), want) || c.Problems != nil || !reflect.DeepEqual(c.Kernel.Blacklist, []string{"pcspkr", "bad"}) {
		t.Errorf("notes %q, problems %q, blacklist %q", notes(c), problems(c), c.Kernel.Blacklist)
	}
}

// The mark at the beginning of a file that was written elsewhere is no part of its first line.
func TestByteOrderMark(t *testing.T) {
	for path, text := range map[string]string{
		Path: "[node]\nhostname = \"a\"\n", ErlinitPath: "--hostname-pattern a\n", EtcHostnamePath: "a\n",
	} {
		if c := loadImage(t, files{path: "\uFEFF" + text}, ""); c.Node.Hostname != "a" || c.Problems != nil {
			t.Errorf("%s: the host name is %q, problems %q", path, c.Node.Hostname, problems(c))
		}
	}
	c := loadImage(t, files{fstabPath: "\uFEFF/dev/vdb /data ext4 defaults 0 2\n", "/etc/modules": "\uFEFFloop\n"}, "")
	if len(c.Mounts) != 1 || c.Mounts[0].Source != "/dev/vdb" || !reflect.DeepEqual(c.Kernel.Modules, []string{"loop"}) || notes(c) != nil {
		t.Errorf("mounts %+v, modules %q, notes %q", c.Mounts, c.Kernel.Modules, notes(c))
	}
}

// A module of the image that modprobe.d or the kernel command line bars is left out, and named;
// kernel.modules has it all the same.
func TestBarredModules(t *testing.T) {
	for _, w := range []struct{ modprobe, cmdline string }{
		{"install usb-storage /bin/false\n", ""}, {"blacklist usb_storage\n", ""}, {"", "modprobe.blacklist=pcspkr,usb-storage"}, {"", "rd.driver.blacklist=usb-storage"},
	} {
		brings := files{"/etc/modprobe.d/a.conf": w.modprobe, "/etc/modules": "usb_storage\nloop\n"}
		c := loadImage(t, brings, w.cmdline)
		if n := notes(c); !reflect.DeepEqual(c.Kernel.Modules, []string{"loop"}) || len(n) != 1 || !strings.Contains(n[0], "usb_storage is not loaded: blacklist, install or modprobe.blacklist= bars it") || c.Kernel.ModuleOptions["modprobe"] != "" {
			t.Errorf("%+v: modules %q, notes %q, options %q", w, c.Kernel.Modules, n, c.Kernel.ModuleOptions)
		}
		brings[Path] = "[kernel]\nmodules = [\"usb-storage\"]\n"
		if c := loadImage(t, brings, w.cmdline); !reflect.DeepEqual(c.Kernel.Modules, []string{"usb-storage", "loop"}) || notes(c) != nil {
			t.Errorf("%+v: wanted, it is in %q, notes %q", w, c.Kernel.Modules, notes(c))
		}
	}
}

func FuzzImage(f *testing.F) {
	f.Add(stockFstab, "options a b=1\nblacklist c\ninstall d e\n", "a.b = 1\n-a/b=2\n*.c=3\n")
	f.Add("a b c d e f\n\\040 /\\011 swap", "options", "=\n..=1\n")
	f.Fuzz(func(t *testing.T, fstab, modprobe, sysctl string) {
		c := loadImage(t, files{fstabPath: fstab, "/etc/modprobe.d/a.conf": modprobe, "/etc/sysctl.d/a.conf": sysctl, "/etc/modules-load.d/a.conf": modprobe}, "")
		for _, m := range c.Kernel.Modules {
			if !image.IsModule(m) {
				t.Errorf("module %q", m)
			}
		}
		for _, s := range c.Kernel.Sysctl {
			if name, _, _ := strings.Cut(s, "="); strings.Contains(name, "..") || !lex.IsPrintable(s) {
				t.Errorf("sysctl %q", s)
			}
		}
	})
}

// Users that somebody else would make are named where the image has them not, by check alone.
func TestSysusers(t *testing.T) {
	brings := files{
		"/usr/lib/sysusers.d/app.conf": "u app - \"An app\" /var/lib/app\nu! root 0\ng dialout -\ng gpio -\nm app gpio\nu mosq 12\nr - 1-2\n", "/usr/lib/sysusers.d/basic.conf": "u nobody 65534\n",
		"/usr/lib/sysusers.d/systemd-network.conf": "u! systemd-network\n",
		"/etc/passwd": "root:x:0:0::/:\napp:x:1:1::/:\n", "/etc/group": "dialout:x:20:\n",
	}
	c := loadImage(t, brings, "")
	want := "image: users of sysusers.d brought by the image, without effect here: gpio, mosq; want them in /etc/passwd and /etc/group of the image"
	if got := c.MissingUsers(brings.read); got != want || len(notes(c)) > 0 {
		t.Errorf("got %q and %q, want %q", got, notes(c), want)
	}
}
