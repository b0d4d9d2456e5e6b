package boot

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/internal/nstest"
	"golang.org/x/sys/unix"
)

func TestFits(t *testing.T) {
	for _, c := range []struct {
		pattern, word string
		want          bool
	}{
		{"pci:v00001AF4d*sv*sd*bc*sc*i*", "pci:v00001AF4d00001000sv00001AF4sd00000001bc02sc00i00", true},
		{"pci:v00001AF4d*sv*sd*bc*sc*i*", "pci:v00001AF5d00001000sv00001AF4sd00000001bc02sc00i00", false},
		{"usb:v13FDp3940d0[0-2]*dc*", "usb:v13FDp3940d0213dc00", true},
		{"usb:v13FDp3940d0[0-2]*dc*", "usb:v13FDp3940d0313dc00", false},
		{"of:N*T*Cbrcm,bcm2835-aux-uart", "of:NserialT(null)Cbrcm,bcm2835_aux_uart", true},
		{"of:N*T*Cbrcm,bcm2835-aux-uart", "of:NserialT(null)Cbrcm,bcm2835-aux-uartCx", false},
		{"of:N*T*Cbrcm,bcm2835-aux-uartC*", "of:NserialT(null)Cbrcm,bcm2835-aux-uartCx", true},
		{"dmi*:svn*ASUS*:pn?U:*", "dmi:bvnX:svnASUSTeK:pn1:pnEU:", true},
		{"*a*b*c", "xaxbxbc", true},
		{"*a*b*c", "xaxbxcx", false},
		{"a[!b]c", "abc", false}, {"a[!b]c", "axc", true}, {"a[]b]c", "a]c", true}, {"a[b-", "a[b-", true}, {"a[", "a[", true},
		{`a\*c`, "a*c", true}, {`a\*c`, "axc", false}, {`a\`, `a\`, false},
		{"", "", true}, {"", "a", false}, {"*", "", true}, {"**", "abc", true}, {"?", "", false},
	} {
		if got := fits([]byte(c.pattern), c.word); got != c.want {
			t.Errorf("%s, %s: %v, want %v", c.pattern, c.word, got, c.want)
		}
	}
}

// smallTables are those of a kernel with few modules.
var smallTables = moduleTables{
	dep:     []byte("k/a.ko: k/base.ko k/core.ko\nk/core.ko:\nk/base.ko: k/core.ko\nk/phy.ko.xz:\nk/crc-x.ko:\nk/late.ko: k/core.ko\nk/b.ko:\n"),
	alias:   []byte("# made by depmod\nalias usb:v1* a\nalias usb:v12* b\nalias crypto-crc* crc-x\nalias usb:v9* gone\n"),
	softdep: []byte("softdep base pre: phy crypto-crc32\nsoftdep a b post: late pre: nothing\nsoftdep phy post: a\n"),
	own:     []byte("alias usb:v3* b\nalias usb:v4* off"),
}

// TestPlanAliases: what is loaded for devices, in which order.
func TestPlanAliases(t *testing.T) {
	for _, c := range []struct{ words, barred, want, held string }{
		{"usb:v2", "", "", ""},
		{"usb:v9 usb:v4", "", "", ""}, // a module that is not there, and none
		{"usb:v11", "", "k/core.ko k/phy.ko.xz k/crc_x.ko k/base.ko k/a.ko k/late.ko", ""},
		{"usb:v12", "", "k/core.ko k/phy.ko.xz k/crc_x.ko k/base.ko k/a.ko k/late.ko k/b.ko", ""},
		{"usb:v31", "", "k/b.ko", ""},
		{"usb:v12", "a", "k/b.ko", ""},
		{"usb:v12", "core", "k/b.ko", "a needs core"},
		{"usb:v11", "late phy", "k/core.ko k/crc_x.ko k/base.ko k/a.ko", ""},
		{"usb:v11", "crc_x", "k/core.ko k/phy.ko.xz k/base.ko k/a.ko k/late.ko", ""},
		{"a", "", "", ""}, // a device does not name a module
	} {
		paths, held := planAliases(&smallTables, strings.Fields(c.words), func(name string) bool {
			return slices.Contains(strings.Fields(c.barred), name)
		})
		got := strings.ReplaceAll(strings.Join(paths, " "), "crc-x", "crc_x")
		if got != c.want || strings.Join(held, ", ") != c.held {
			t.Errorf("%s without %q\ngot  %s; %v\nwant %s; %s", c.words, c.barred, got, held, c.want, c.held)
		}
	}
}

// TestAliasesAsModprobe compares with kmod, of the kernels that are installed: 200 devices of each, and
// those whose modules have soft dependencies.
func TestAliasesAsModprobe(t *testing.T) {
	dirs, _ := filepath.Glob("/lib/modules/*")
	modprobe, err := exec.LookPath("/usr/sbin/modprobe")
	if err != nil || len(dirs) == 0 {
		t.Skip("there is no kmod, or no kernel")
	}
	conf := t.TempDir()
	own := "alias usb:vABCDp1234* usbhid\nsoftdep usbhid pre: loop post: usb:v046DpC216d0000dc00dsc00dp00ic03isc01ip01in00\nsoftdep dummy pre: ext2"
	nstest.Must(t, os.WriteFile(conf+"/own.conf", []byte(own+"\nblacklist e1000e\nblacklist nvme\n"), 0o644))
	for _, dir := range dirs {
		tables, err := readTables(dir)
		nstest.Must(t, err)
		tables.own = []byte(own)
		seen := map[string]bool{}
		var first []string // of a module's lines kmod heeds one
		for _, line := range strings.Split(string(tables.softdep), "\n") {
			if f := strings.Fields(line); len(f) > 2 && !seen[f[1]] {
				first, seen[f[1]] = append(first, line), true
			}
		}
		tables.softdep = []byte(strings.Join(first, "\n"))
		words := []string{"fs-ext4", "fs-btrfs", "fs-cifs", "fs-xfs", "rtnl-link-dummy", "no:such"}
		if strings.Contains(string(tables.dep), "/usbhid.ko:") {
			words = append(words, "usb:vABCDp1234d0001")
		}
		lines := strings.Split(string(tables.alias), "\n")
		for i, line := range lines {
			pattern, _, _ := strings.Cut(strings.TrimPrefix(line, "alias "), " ")
			soft := strings.HasSuffix(line, " r8169") || strings.HasSuffix(line, " ohci_pci") || strings.HasSuffix(line, " vfio_pci") || strings.HasSuffix(line, " e1000e") || strings.HasSuffix(line, " nvme")
			if i%(len(lines)/200) == 0 && strings.Contains(pattern, ":") || soft {
				words = append(words, strings.NewReplacer("*", "", "?", "0", "[0-9]", "7", "[0-2]", "1").Replace(pattern))
			}
		}
		some := 0
		for _, word := range words {
			out, _ := exec.Command(modprobe, "-b", "-S", filepath.Base(dir), "-C", conf, "--show-depends", word).Output() // an error is: it fits none
			var want []string
			for _, line := range strings.Split(string(out), "\n") {
				if path, is := strings.CutPrefix(strings.TrimSpace(line), "insmod "+dir+"/"); is && !slices.Contains(want, path) {
					want = append(want, path)
				}
			}
			got, _ := planAliases(tables, []string{word}, func(name string) bool { return name == "e1000e" || name == "nvme" })
			if !slices.Equal(got, want) {
				t.Errorf("%s\ngot  %v\nwant %v", word, got, want)
			}
			some += len(want)
		}
		if some < len(words) {
			t.Errorf("%s: only %d modules for %d devices", dir, some, len(words))
		}
		t.Logf("%s: %d devices, %d modules", dir, len(words), some)
	}
}

// TestAutoloadSays: what is wrong is said once, and a device is looked up once.
func TestAutoloadSays(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		nstest.Must(t, unix.Mount("tmpfs", "/lib", "tmpfs", 0, ""))
		nstest.Must(t, os.MkdirAll(ModuleDir(), 0o755))
		a := &Autoload{Barred: []string{"co-re"}}
		got := strings.Join(a.Come("usb:v1 usb:v2"), "\n")
		if want := "kernel.autoload: open " + ModuleDir() + "/modules.dep: no such file or directory; want what depmod(8) makes in the image"; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		for name, text := range map[string]string{"modules.dep": "bad.ko:\na.ko: co_re.ko\nco_re.ko:\n", "modules.alias": "alias usb:v1 bad\nalias usb:v3* bad\nalias usb:v4 a\n", "bad.ko": "no ELF"} {
			nstest.Must(t, os.WriteFile(ModuleDir()+"/"+name, []byte(text), 0o644))
		}
		if lines := a.Come("usb:v1"); lines != nil {
			t.Errorf("it is looked up again: %v", lines)
		}
		for word, want := range map[string]string{"usb:v31": "kernel.autoload: load module " + ModuleDir() + "/bad.ko: ", "usb:v32": "", "usb:v4": "a needs co_re, which modprobe.d or modprobe.blacklist= bars: it is not loaded"} {
			if word == "usb:v32" {
				continue
			}
			if lines := a.Come(word); len(lines) != 1 || !strings.Contains(lines[0], want) {
				t.Errorf("%s: %v, want %s", word, lines, want)
			}
		}
		if lines := a.Come("usb:v32"); len(lines) != 0 {
			t.Errorf("said again: %v", lines)
		}
	})
}

// TestAutoloadHangs: a module that hangs (here its file does, which is a FIFO) keeps no other from being loaded.
func TestAutoloadHangs(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		nstest.Must(t, unix.Mount("tmpfs", "/lib", "tmpfs", 0, ""))
		nstest.Must(t, os.MkdirAll(ModuleDir(), 0o755))
		nstest.Must(t, unix.Mkfifo(ModuleDir()+"/fifo.ko", 0o600))
		for name, text := range map[string]string{"modules.dep": "fifo.ko:\nbad.ko:\n", "modules.alias": "alias usb:v* fifo\nalias usb:v* bad\n"} {
			nstest.Must(t, os.WriteFile(ModuleDir()+"/"+name, []byte(text), 0o644))
		}
		got := (&Autoload{}).Come("usb:v1")
		want := []string{"kernel.autoload: module fifo: not loaded within 10s (its driver hangs?); going on without it",
			"kernel.autoload: load module " + ModuleDir() + "/bad.ko: no such file or directory"}
		if !slices.Equal(got, want) {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	})
}

func FuzzAliases(f *testing.F) {
	f.Add(smallTables.dep, smallTables.alias, smallTables.softdep, "usb:v12")
	f.Add([]byte("a.ko:\n"), []byte("alias [a-]*?\\b a\nalias [ a"), []byte("softdep a pre: a post: a pre:"), "a-b")
	f.Fuzz(func(t *testing.T, dep, alias, soft []byte, word string) {
		paths, _ := planAliases(&moduleTables{dep, alias, soft, soft}, []string{word}, func(name string) bool { return name == "barred" })
		for i, path := range paths {
			if path == "" || slices.Contains(paths[:i], path) || moduleName(path) == "barred" || !strings.Contains("\n"+string(dep), path) {
				t.Errorf("%q is planned in %q", path, paths)
			}
		}
	})
}
