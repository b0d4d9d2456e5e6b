package e2e

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/qemu/lab"
)

// ubootROM is U-Boot for QEMU's PC, of Debian's u-boot-qemu.
const ubootROM = "/usr/lib/u-boot/qemu-x86/u-boot.rom"

// Where the partitions of a board with U-Boot begin, in MiB: what it reads, its environment, two systems.
const (
	ubootAt, ubootSize = 1, 96
	envAt              = ubootAt + ubootSize
	envSlotAAt         = envAt + 1
	envSlotBAt         = envSlotAAt + slotSize
	ubootBoardSize     = envSlotBAt + slotSize + 1
)

// ubootScript counts boots of a system on trial, as CONFIG_BOOTCOUNT_ENV does where U-Boot is built
// with it, and goes back to the other one above bootlimit. Its environment is a partition of its own.
const ubootScript = `setenv bootcount 0
virtio read 0x2000000 %x 8
env import -c 0x2000000 0x1000
if test "${upgrade_available}" = 1; then
  if test "${bootcount}" = 0; then
    setenv bootcount 1
  else
    echo "U-Boot: root_${slot} had its attempt"
    if test "${slot}" = a; then setenv slot b; else setenv slot a; fi
    setenv upgrade_available 0
    setenv bootcount 0
  fi
  env export -c -s 0x1000 0x2000000 slot upgrade_available bootcount
  virtio write 0x2000000 %x 8
fi
echo "U-Boot: root_${slot}, upgrade_available=${upgrade_available}"
setenv bootargs console=ttyS0 root=PARTLABEL=root_${slot} rootfstype=squashfs ro panic=1 loglevel=5 sysctl.kernel.printk=7 net.ifnames=0 %s
load virtio 0:1 0x4000000 vmlinuz
setenv kernelsize ${filesize}
load virtio 0:1 0x8000000 initrd
zboot 0x4000000 ${kernelsize} 0x8000000 ${filesize}
reset
`

// ubootBoard makes a disk with a system in each slot. words are added to the kernel command line.
func (s *slots) ubootBoard(name, a, b, words string) (disk string) {
	s.t.Helper()
	disk = filepath.Join(s.work, name+".disk")
	s.must(errors.Join(os.WriteFile(disk, nil, 0o600), os.Truncate(disk, ubootBoardSize<<20)))
	part := func(at, size int, more string) string {
		return fmt.Sprintf("start=%d, size=%d, %s\n", at<<11, size<<11, more)
	}
	sfdisk(s.t, "label: gpt\n"+part(ubootAt, ubootSize, "name=boot, attrs=LegacyBIOSBootable")+part(envAt, 1, "name=env")+
		part(envSlotAAt, slotSize, "name=root_a")+part(envSlotBAt, slotSize, "name=root_b"), disk)
	files := filepath.Join(s.work, name+".boot")
	s.must(errors.Join(os.MkdirAll(files, 0o755), os.Link(s.base+"/boot/vmlinuz", files+"/vmlinuz"), os.Link(s.base+"/boot/initrd", files+"/initrd"),
		os.WriteFile(files+"/boot.cmd", fmt.Appendf(nil, ubootScript, envAt<<11, envAt<<11, words), 0o644)))
	s.run("mkimage", "-A", "x86", "-T", "script", "-C", "none", "-d", files+"/boot.cmd", files+"/boot.scr")
	s.filesystem(disk, ubootAt, ubootSize, "ext2", files)
	s.put(disk, envSlotAAt, a)
	s.put(disk, envSlotBAt, b)
	env := make([]byte, 4<<10)
	copy(env[4:], "slot=a\x00upgrade_available=0\x00bootcount=0\x00\x00")
	binary.LittleEndian.PutUint32(env, crc32.ChecksumIEEE(env[4:]))
	f, err := os.OpenFile(disk, os.O_WRONLY, 0)
	s.must(err)
	defer f.Close()
	_, err = f.WriteAt(env, envAt<<20)
	s.must(err)
	return disk
}

const ubootTOML = `[distribution]
cookie_file = "/data/cookie"
[[mount]]
source = "/dev/vdb"
target = "/data"
type = "ext4"
[update]
slot = "root"
trial = "uboot:upgrade_available"
confirm = ["/usr/bin/fw_setenv", "upgrade_available", "0"]
after = "2s"
[health]
interval = "1s"
`

// U-Boot itself, with the variables that docs/board.md has for SWUpdate, starts a system on trial once: one that
// is good confirms itself, after one that crashes U-Boot takes the other one.
func TestUpdateUBoot(t *testing.T) {
	if !*soak {
		t.Skip("make soak runs it")
	}
	t.Parallel()
	s := newSlots(t, "/usr/bin/fw_printenv", "/usr/bin/fw_setenv")
	s.must(errors.Join(os.WriteFile(s.base+"/etc/fw_env.config", []byte("/dev/vda2 0x0 0x1000\n"), 0o644),
		os.WriteFile(s.base+"/etc/update.env", []byte("slot=b\nupgrade_available=1\nbootcount=0\n"), 0o644)))
	good, crashing := s.system("good", ubootTOML, nil), s.system("crashing", ubootTOML+crashes, nil)
	nodes, err := lab.NodeSpecs(2)
	s.must(err)
	for i, b := range []string{good, crashing} {
		n := &nodes[i]
		n.Firmware, n.BootDisk = ubootROM, s.ubootBoard(n.Name, good, b, fmt.Sprintf("ip=%s::%s:%s:%s:eth0:off", n.Address, lab.Gateway, lab.Netmask, n.Name))
	}
	l := startSet(t, lab.Options{Nodes: nodes, Memory: 384}, s.set)
	in := func(n *lab.Node, slot string) {
		t.Helper()
		reach(t, n, "up in "+slot+", for good", func(r lab.Record) bool { return r.State == health.Up && r.Slot == slot && !r.Trial })
	}
	for _, n := range l.Nodes() {
		in(n, "root_a")
		cast(t, l, n, `spawn(fun() -> P = open_port({spawn_executable, "/usr/bin/fw_setenv"}, [{args, ["-s", "/etc/update.env"]}, exit_status]), receive {P, {exit_status, 0}} -> open_port({spawn_executable, "/sbin/init"}, [{arg0, "reboot"}]) end end)`)
	}
	updated, back := &board{t: t, lab: l, node: l.Nodes()[0]}, &board{t: t, lab: l, node: l.Nodes()[1]}
	updated.says("update: slot root_b is confirmed")
	in(updated.node, "root_b")
	back.says("update: slot root_b is given up: gave up after 2 ends")
	back.says("U-Boot: root_b had its attempt")
	in(back.node, "root_a")
	if history := beaminit(t, l, back.node, "history"); !strings.Contains(history, "slot root_b is given up") {
		t.Errorf("the history has not what happened:\n%s", history)
	}
}
