package yoctolayer_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestServicesOfPackages: what another init would have started is told of, package by package,
// unless the configuration names it, or it waits for somebody to enable it anyway.
func TestServicesOfPackages(t *testing.T) {
	const dropbear = "SYSTEMD_SERVICE:dropbear: dropbear.socket\nSYSTEMD_PACKAGES: dropbear\nINITSCRIPT_NAME: dropbear\nPN: dropbear\n"
	for _, c := range []struct {
		name, pkg, data string
		configuration   string
		says            string
	}{
		{"nothing", "libz1", "PN: zlib\n", "", ""},
		{"a unit and a script", "dropbear", dropbear, "# dropbear comes by and by\n", "dropbear.socket dropbear"},
		{"a service of its name", "dropbear", dropbear, "[[service]]\nname = \"dropbear\"\nexec = [\"/usr/sbin/dropbear\", \"-F\"]\n", ""},
		{"one of its program's", "openssh-sshd", "INITSCRIPT_NAME:openssh-sshd: sshd\nINITSCRIPT_PACKAGES: openssh-sshd\nPN: openssh\n", "[[service]]\nname=\"ssh\"\nexec=[\"/usr/sbin/sshd\", \"-D\"]\n", ""},
		{"without the d", "bluez5", "SYSTEMD_SERVICE:bluez5: bluetooth.service\nPN: bluez5\n", "[[service]]\nname=\"blue\"\nexec=[\"/usr/libexec/bluetooth/bluetoothd\"]\n", ""},
		{"of a longer name only", "ntp", "INITSCRIPT_NAME: ntpd\nPN: ntp\n", "[[service]]\nname=\"openntpd\"\nexec=[\"/usr/sbin/openntpd\", \"-d\"]\n", "ntpd"},
		{"another package's script", "dbus-lib", "INITSCRIPT_NAME: dbus-1\nINITSCRIPT_PACKAGES: dbus\nPN: dbus\n", "", ""},
		{"of another package of its recipe", "dropbear-doc", "SYSTEMD_SERVICE: dropbear.socket\nSYSTEMD_PACKAGES: dropbear\nINITSCRIPT_NAME: dropbear\nPN: dropbear\n", "", ""},
		{"to be enabled by hand", "dnf", "SYSTEMD_SERVICE:dnf: dnf-makecache.timer\nSYSTEMD_AUTO_ENABLE: disable\nPN: dnf\n", "", ""},
		{"an instance", "psplash", "SYSTEMD_SERVICE:psplash: psplash-start@.service\nPN: psplash\n", "[release]\nrun_once = [[\"/usr/bin/psplash-start\"]]\n", ""},
		{"the release's own", "my-release", "SYSTEMD_SERVICE:my-release: my-release.service\nPN: my-release\n", "", ""},
		{"deferred scripts", "run-postinsts", "INITSCRIPT_NAME: run-postinsts\nPN: run-postinsts\n", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			work := t.TempDir()
			r := newRootfs(t, map[string]string{"PKGDATA_DIR": work, "IMAGE_MANIFEST": work + "/manifest", "BEAMINIT_RELEASE_PACKAGE": "my-release"},
				"etc/beaminit.toml="+c.configuration)
			renamed := c.pkg + "-1" // as debian.bbclass does
			if c.name == "the release's own" || c.name == "deferred scripts" {
				renamed = c.pkg
			}
			for _, dir := range []string{"/runtime", "/runtime-reverse"} {
				if err := os.Mkdir(work+dir, 0o755); err != nil {
					t.Fatal(err)
				}
			}
			err := errors.Join(os.WriteFile(work+"/manifest", []byte(renamed+" core2-64 1.0-r0\nunknown all 1.0-r0\n"), 0o644),
				os.WriteFile(work+"/runtime/"+c.pkg, []byte(c.data), 0o644), os.Symlink("../runtime/"+c.pkg, work+"/runtime-reverse/"+renamed))
			if err != nil {
				t.Fatal(err)
			}
			want := ""
			if c.says != "" {
				want = "note: package " + renamed + ": nothing starts " + c.says + "; want [[service]] or release.run_once\n"
			}
			if said, ok := r.run(t, "beaminit_services"); !ok || said != want {
				t.Errorf("ended well: %v, says %q, want %q", ok, said, want)
			}
		})
	}
}

// TestAutologin: a feature of an image that wants a getty is told of.
func TestAutologin(t *testing.T) {
	for features, want := range map[string]string{
		"read-only-rootfs":                           "",
		"allow-empty-password serial-autologin-root": "note: IMAGE_FEATURES: serial-autologin-root is without effect: there is no login; want console.tty in beaminit.toml\n",
	} {
		r := newRootfs(t, map[string]string{"IMAGE_FEATURES": features, "IMAGE_MANIFEST": "/nowhere"})
		if said, ok := r.run(t, "beaminit_services"); !ok || said != want {
			t.Errorf("%s: says %q, want %q", features, said, want)
		}
	}
}

// TestErlinitConfig: the file that the package of another init brought comes by its own variable.
func TestErlinitConfig(t *testing.T) {
	file := filepath.Join(t.TempDir(), "erlinit.config")
	if err := os.WriteFile(file, []byte("-r /usr/lib/eclero\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := newRootfs(t, map[string]string{"BEAMINIT_ERLINIT_CONFIG": file, "BEAMINIT_RELEASE": "", "BEAMINIT_TOML": ""})
	if said, ok := r.run(t, "beaminit_install"); !ok || said != "" {
		t.Fatalf("beaminit_install: %s", said)
	}
	text, err := os.ReadFile(r.dir + "/etc/erlinit.config")
	if st, _ := os.Stat(r.dir + "/etc/erlinit.config"); err != nil || string(text) != "-r /usr/lib/eclero\n" || st.Mode().Perm() != 0o644 {
		t.Errorf("the image has %q (%v), of %v", text, err, st)
	}
}

// TestInitOfImage: whoever the kernel starts in an image that is to boot with beaminit is
// beaminit, or the build says who else.
func TestInitOfImage(t *testing.T) {
	for _, c := range []struct {
		name, cmdline string
		files         []string
		says          string
	}{
		{"the alternative", "", []string{"sbin/init -> /sbin/beaminit"}, ""},
		{"with usrmerge", "", []string{"sbin/init -> ../usr/sbin/beaminit"}, ""},
		{"another package's file", "", []string{"sbin/init=ELF"}, "boots without beaminit: its /sbin/init is no link, of another package"},
		{"another alternative", "", []string{"sbin/init -> /sbin/init.sysvinit"}, "boots without beaminit: its /sbin/init is /sbin/init.sysvinit, of"},
		{"none", "", []string{"sbin/"}, "boots without beaminit"},
		{"by the kernel line", "quiet init=/sbin/beaminit", []string{"sbin/init=ELF"}, ""},
		{"overlayfs-etc", "", []string{"sbin/init.orig -> /sbin/beaminit", "sbin/init=#!/bin/sh\n", "bin/sh -> busybox"}, ""},
		{"overlayfs-etc without a shell", "", []string{"sbin/init.orig -> /sbin/beaminit", "sbin/init=#!/bin/sh\n"}, "no /bin/sh"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRootfs(t, map[string]string{"BEAMINIT_CHECK_CMDLINE": c.cmdline}, c.files...)
			said, ok := r.run(t, "beaminit_init")
			if !strings.Contains(said, c.says) || c.says == "" && said != "" || ok != (c.says == "") {
				t.Errorf("ended well: %v, says %q, want %q", ok, said, c.says)
			}
		})
	}
}

// TestDrivers: modules for devices that only udev would load are told of, but neither those
// that are loaded, nor what they need, nor what is no device's.
func TestDrivers(t *testing.T) {
	const (
		alias = "lib/modules/6.6/modules.alias=alias pci:v00008086d*sv*sd*bc*sc*i* e1000e\nalias usb:v0BDAp8153d* r8152\nalias of:N*T*Cbrcm,bcm4329-fmac brcmfmac\n" +
			"alias fs-ext4 ext4\nalias usb:v0BDAp8152d* r8152\nalias i2c:pcf8563 rtc-pcf8563\n"
		dep = "lib/modules/6.6/modules.dep=kernel/e1000e.ko.xz: kernel/ptp.ko.xz\nkernel/r8152.ko: kernel/mii.ko\nkernel/brcmfmac.ko: kernel/r8152.ko\nkernel/rtc-pcf8563.ko:\n"
	)
	const want = "; want kernel.autoload = true, or those that a node needs in kernel.modules\n"
	for _, c := range []struct {
		name, configuration, says string
	}{
		{"none loaded", "", "note: image: drivers that nobody loads: 4 modules, such as e1000e r8152 brcmfmac" + want},
		{"one, and what it needs", "[kernel]\nmodules = [\"brcmfmac\", \"rtc_pcf8563\"]\n", "note: image: drivers that nobody loads: 1 modules, such as e1000e" + want},
		{"all by autoload", "[kernel]\n  autoload=true # as udev\n", ""},
		{"autoload commented out", "[kernel]\n#autoload = true\n", "note: image: drivers that nobody loads: 4 modules, such as e1000e r8152 brcmfmac" + want},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRootfs(t, nil, alias, dep, "etc/beaminit.toml="+c.configuration)
			if said, ok := r.run(t, "beaminit_drivers"); !ok || said != c.says {
				t.Errorf("ended well: %v, says %q, want %q", ok, said, c.says)
			}
		})
	}
	r := newRootfs(t, nil, "etc/")
	if said, ok := r.run(t, "beaminit_drivers"); !ok || said != "" {
		t.Errorf("of no modules: %v, %q", ok, said)
	}
}
