package e2e

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/qemu/image"
)

// slots makes systems for a board with two of them, and disks from which GRUB starts one:
// partitions for GRUB's core, for its files and its environment block, for the two systems,
// and for the bundles that are installed. All programs are Debian's.
type slots struct {
	t    *testing.T
	set  image.Set
	work string
	base string // the tree that all systems have
}

// Where the partitions of a board begin, in MiB, and how large they are.
const (
	coreAt, coreSize     = 1, 1
	grubAt, grubSize     = 2, 8
	slotSize             = 96
	slotAAt, slotBAt     = 10, slotAAt + slotSize
	bundleAt, bundleSize = slotBAt + slotSize, 300
	boardSize            = bundleAt + bundleSize + 1
)

// boardPrograms are what a system has beside the release. e2fsck is for the ext2 of GRUB, which a
// power cut leaves with a bitmap that is not true any more: without a check, GRUB's variables are lost
// with the next change of them.
var boardPrograms = []string{"/usr/bin/grub-editenv", "/usr/bin/rauc", "/usr/bin/dbus-daemon", "/usr/bin/mount", "/usr/bin/umount", "/usr/sbin/e2fsck"}

func newSlots(t *testing.T, more ...string) *slots {
	t.Helper()
	s := &slots{t: t, work: t.TempDir()}
	s.base = filepath.Join(s.work, "base")
	init := theInit(t)
	building.Lock()
	defer building.Unlock()
	set, err := image.Build(image.Spec{Dir: buildDir, Name: "image-slots", Init: init, Modules: []string{"loop"}, Config: []byte("# of a board with two systems\n")}, func(s string) { t.Log(s) })
	s.must(err)
	s.set = set
	for _, dir := range []string{"boot/grub", "bundles", "data", "dev", "etc/rauc", "mnt", "proc", "root", "run", "sbin", "sys", "tmp", "usr/bin", "usr/sbin", "usr/lib/tmpfiles.d", "var"} {
		s.must(os.MkdirAll(filepath.Join(s.base, dir), 0o755))
	}
	copied(t, init, filepath.Join(s.base, "sbin/init"))
	s.must(image.Demo(buildDir, filepath.Join(s.base, "srv/erlang"), func(s string) { t.Log(s) }))
	for _, program := range append(more, boardPrograms...) {
		copied(t, program, filepath.Join(s.base, program))
	}
	s.must(image.AddLibraries(s.base, s.base))
	copied(t, set.Kernel.File, filepath.Join(s.base, "boot/vmlinuz"))
	copied(t, set.Initramfs, filepath.Join(s.base, "boot/initrd"))
	s.must(errors.Join(os.Symlink("/run", filepath.Join(s.base, "var/run")), os.Symlink("/run", filepath.Join(s.base, "var/lock"))))
	for name, text := range map[string]string{
		"hosts": "", "resolv.conf": "", "group": "root:x:0:\n", "passwd": "root:x:0:0:root:/root:/nonexistent\n",
		"dbus.conf": `<busconfig><type>system</type><listen>unix:path=/run/dbus/system_bus_socket</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="root"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/></policy></busconfig>
`,
		"../usr/lib/tmpfiles.d/dbus.conf": "d /run/dbus 0755 root root\n",
		"rauc/system.conf": `[system]
compatible=board
bootloader=grub
grubenv=/boot/grub/grubenv
mountprefix=/run/rauc
statusfile=/data/rauc.status
bundle-formats=plain
[keyring]
path=/etc/rauc/cert.pem
[slot.rootfs.0]
device=/dev/vda3
type=raw
bootname=A
[slot.rootfs.1]
device=/dev/vda4
type=raw
bootname=B
`,
	} {
		s.must(os.WriteFile(filepath.Join(s.base, "etc", name), []byte(text), 0o644))
	}
	s.run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", "/CN=board", "-keyout", s.work+"/key.pem", "-out", s.base+"/etc/rauc/cert.pem")
	return s
}

func (s *slots) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// run runs a program, and wants it to succeed.
func (s *slots) run(program string, args ...string) {
	s.t.Helper()
	if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
		s.t.Fatalf("%s %q: %v: %s", program, args, err, out)
	}
}

// system makes one, with this configuration; change, where there is one, is made to its tree.
func (s *slots) system(name, toml string, change func(dir string) error) (file string) {
	s.t.Helper()
	dir := filepath.Join(s.work, name)
	s.run("cp", "-al", s.base, dir)
	s.must(os.WriteFile(filepath.Join(dir, "etc/beaminit.toml"), []byte(toml), 0o644))
	if change != nil {
		s.must(change(dir))
	}
	file = filepath.Join(s.work, name+".img")
	// GRUB knows gzip, and reads what it starts more quickly where it is not packed at all.
	s.run("mksquashfs", dir, file, "-noappend", "-quiet", "-no-progress", "-comp", "gzip", "-Xcompression-level", "1",
		"-action", "uncompressed@subpathname(boot)", "-all-root", "-no-xattrs", "-no-exports")
	return file
}

// bundle makes RAUC's bundle of a system.
func (s *slots) bundle(name, system string) (file string) {
	s.t.Helper()
	dir := filepath.Join(s.work, name+".bundle")
	s.must(errors.Join(os.Mkdir(dir, 0o755), os.Link(system, dir+"/rootfs.img"),
		os.WriteFile(dir+"/manifest.raucm", []byte("[update]\ncompatible=board\nversion="+name+"\n[bundle]\nformat=plain\n[image.rootfs]\nfilename=rootfs.img\n"), 0o644)))
	file = filepath.Join(s.work, name+".raucb")
	s.run("rauc", "bundle", "--cert="+s.base+"/etc/rauc/cert.pem", "--key="+s.work+"/key.pem", "--mksquashfs-args=-noD -noF -noI", dir, file)
	return file
}

// grubConfig takes the first system in ORDER that is good and has not had its attempt, as RAUC
// keeps the variables for GRUB. Where there is none, all have one again.
const grubConfig = `serial --unit=0
terminal_output serial
load_env
if [ -z "$ORDER" ]; then ORDER="A B"; A_OK=1; B_OK=1; A_TRY=0; B_TRY=0; fi
slot=
for s in $ORDER; do
  if [ -z "$slot" -a "$s" = A -a "$A_OK" = 1 -a "$A_TRY" = 0 ]; then slot=A; part=gpt3; label=root_a; A_TRY=1; save_env A_TRY; fi
  if [ -z "$slot" -a "$s" = B -a "$B_OK" = 1 -a "$B_TRY" = 0 ]; then slot=B; part=gpt4; label=root_b; B_TRY=1; save_env B_TRY; fi
done
if [ -z "$slot" ]; then
  echo "GRUB: no slot is left, each has an attempt again"
  A_TRY=0; B_TRY=0; save_env A_TRY B_TRY
  reboot
fi
echo "GRUB: slot $slot of $ORDER, A_OK=$A_OK B_OK=$B_OK"
linux (hd0,$part)/boot/vmlinuz console=ttyS0 root=PARTLABEL=$label rootfstype=squashfs ro panic=1 loglevel=5 sysctl.kernel.printk=7 net.ifnames=0 rauc.slot=$slot $words
initrd (hd0,$part)/boot/initrd
boot
echo "GRUB: slot $slot does not start"
reboot
`

// board makes a disk with a system in slot A, and bundles. words are added to its kernel command line.
func (s *slots) board(name, system, words string, bundles ...string) (disk string) {
	s.t.Helper()
	disk = filepath.Join(s.work, name+".disk")
	s.must(os.WriteFile(disk, nil, 0o600))
	s.must(os.Truncate(disk, boardSize<<20))
	mib := func(at, size int, more string) string {
		return fmt.Sprintf("start=%d, size=%d, %s\n", at<<11, size<<11, more)
	}
	sfdisk(s.t, "label: gpt\n"+mib(coreAt, coreSize, "type=21686148-6449-6E6F-744E-656564454649")+mib(grubAt, grubSize, "name=grub")+
		mib(slotAAt, slotSize, "name=root_a")+mib(slotBAt, slotSize, "name=root_b")+mib(bundleAt, bundleSize, "name=bundles"), disk)
	s.embedGRUB(disk)
	files := filepath.Join(s.work, name+".grub")
	s.must(errors.Join(os.MkdirAll(files, 0o755), os.WriteFile(files+"/grub.cfg", []byte(grubConfig), 0o644)))
	env := files + "/grubenv"
	s.run("grub-editenv", env, "create")
	s.run("grub-editenv", env, "set", "ORDER=A B", "A_OK=1", "A_TRY=0", "B_OK=0", "B_TRY=0", "words="+words)
	s.filesystem(disk, grubAt, grubSize, "ext2", files)
	s.put(disk, slotAAt, system)
	store := filepath.Join(s.work, name+".bundles")
	s.must(os.MkdirAll(store, 0o755))
	for _, b := range bundles {
		s.must(os.Link(b, filepath.Join(store, filepath.Base(b))))
	}
	s.filesystem(disk, bundleAt, bundleSize, "ext4", store)
	return disk
}

// embedGRUB puts GRUB where the firmware finds it, as grub-bios-setup does on a running machine
// (GRUB include/grub/i386/pc/boot.h: where the first sector has the place of the core, and the
// core's first one the place of the rest).
func (s *slots) embedGRUB(disk string) {
	s.t.Helper()
	const modules = "/usr/lib/grub/i386-pc"
	core := filepath.Join(s.work, "core.img")
	s.run("grub-mkimage", "-O", "i386-pc", "-d", modules, "-p", "(hd0,gpt2)/", "-o", core,
		"biosdisk", "part_gpt", "ext2", "squash4", "gzio", "linux", "loadenv", "normal", "test", "echo", "serial", "terminal", "reboot", "configfile")
	boot, err := os.ReadFile(modules + "/boot.img")
	s.must(err)
	text, err := os.ReadFile(core)
	s.must(err)
	if len(text) > coreSize<<20 {
		s.t.Fatalf("GRUB's core has %d bytes, and its partition %d MiB", len(text), coreSize)
	}
	const kernelSector, firstList = 0x5c, 512 - 12
	binary.LittleEndian.PutUint64(boot[kernelSector:], coreAt<<11)
	binary.LittleEndian.PutUint64(text[firstList:], coreAt<<11+1)
	f, err := os.OpenFile(disk, os.O_WRONLY, 0)
	s.must(err)
	defer f.Close()
	_, err = f.WriteAt(boot[:440], 0) // behind that is the partition table
	s.must(err)
	_, err = f.WriteAt(text, coreAt<<20)
	s.must(err)
}

// filesystem makes one with files in a partition.
func (s *slots) filesystem(disk string, at, size int, fstype, files string) {
	s.t.Helper()
	s.run("/usr/sbin/mke2fs", "-q", "-F", "-t", fstype, "-m", "0", "-E", fmt.Sprintf("root_owner=0:0,offset=%d", at<<20), "-d", files, disk, fmt.Sprintf("%dM", size))
}

// put writes a file to a partition.
func (s *slots) put(disk string, at int, file string) {
	s.t.Helper()
	if st, err := os.Stat(file); err != nil || st.Size() > slotSize<<20 {
		s.t.Fatalf("%s has no room in a slot of %d MiB: %v", file, slotSize, err)
	}
	s.run("dd", "if="+file, "of="+disk, "bs=1M", fmt.Sprintf("seek=%d", at), "conv=notrunc,sparse", "status=none")
}

// boardTOML is the configuration of a system with RAUC; more may begin with keys of [health].
func boardTOML(more, within string) string {
	return strings.Replace(boardConfig, "# more\n", more, 1) + fmt.Sprintf("within = %q\n", within)
}

const boardConfig = `[distribution]
cookie_file = "/data/cookie"
[health]
interval = "1s"
# more
[[mount]]
source = "/dev/vdb"
target = "/data"
type = "ext4"
[[mount]]
source = "PARTLABEL=grub"
target = "/boot/grub"
type = "ext4"
options = ["sync"]
check = true
[[mount]]
source = "PARTLABEL=bundles"
target = "/bundles"
type = "ext4"
options = ["ro"]
[[service]]
name = "dbus"
exec = ["/usr/bin/dbus-daemon", "--config-file=/etc/dbus.conf", "--nofork", "--nopidfile"]
start = "before"
[[service]]
name = "rauc"
exec = ["/usr/bin/rauc", "service"]
start = "before"
[update]
slot = "rauc"
confirm = ["/usr/bin/rauc", "status", "mark-good"]
reject = ["/usr/bin/rauc", "status", "mark-bad"]
after = "2s"
`
