package lab

import (
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/beaminit/beaminit/qemu/image"
)

// The data disk is a stack of QEMU's block nodes (QEMU docs/interop/live-block-operations):
// the file, and a throttle in front of it under which faults are put while the node runs.
const (
	diskFile  = "data0"
	diskTop   = "data"
	diskFault = "fault"
	diskGroup = "disk" // the throttle group, an object of QEMU's
)

// slowBytes is what a slow disk reads and writes in a second: a worn SD card.
const slowBytes = 64 << 10

// diskArguments give the machine its data disk.
func (n *Node) diskArguments() []string {
	args := []string{
		"-object", "throttle-group,id=" + diskGroup,
		"-blockdev", "driver=raw,node-name=" + diskFile + ",file.driver=file,file.filename=" + comma(n.disk),
	}
	below := diskFile
	if n.lab.opts.DiskLog {
		below = "logged"
		args = append(args, "-blockdev", "driver=blklogwrites,node-name="+below+",file="+diskFile+
			",log.driver=file,log.filename="+comma(DiskLog(n.disk)))
	}
	return append(args,
		"-blockdev", "driver=throttle,node-name="+diskTop+",throttle-group="+diskGroup+",file="+below,
		"-device", "virtio-blk-pci,drive="+diskTop+",addr=5,werror=report,rerror=report")
}

// DiskLog is the log of the writes to a disk.
func DiskLog(disk string) string { return disk + ".log" }

// slowDisk lets the data disk read and write slowBytes a second, or as fast as it can.
func (n *Node) slowDisk(slow bool) error {
	limit := 0
	if slow {
		limit = slowBytes
	}
	err := n.execute("qom-set", map[string]any{
		"path": "/objects/" + diskGroup, "property": "limits", "value": map[string]any{"bps-total": limit},
	})
	if err != nil {
		return err
	}
	return n.diskNow("slow", slow)
}

// readOnlyDisk makes each write to the data disk fail, as a worn-out flash does that has
// become read-only; the node sees errors (EIO), and its file system what it makes of them.
func (n *Node) readOnlyDisk(readOnly bool) error {
	below := diskFile
	if readOnly {
		err := n.execute("blockdev-add", map[string]any{
			"driver": "blkdebug", "node-name": diskFault, "image": diskFile,
			"inject-error": []map[string]any{{"event": "write_aio", "iotype": "write", "errno": 30, "once": false}}, // EROFS
		})
		if err != nil {
			return err
		}
		below = diskFault
	}
	err := n.execute("blockdev-reopen", map[string]any{"options": []map[string]any{{
		"driver": "throttle", "node-name": diskTop, "throttle-group": diskGroup, "file": below,
	}}})
	if err != nil {
		return err
	}
	if !readOnly {
		if err := n.execute("blockdev-del", map[string]any{"node-name": diskFault}); err != nil {
			return err
		}
	}
	return n.diskNow("readonly", readOnly)
}

// diskNow notes what is wrong with the disk, or that it is not any more.
func (n *Node) diskNow(what string, wrong bool) error {
	n.fault("disk "+what, wrong)
	if wrong {
		n.note("lab: the data disk is " + what)
	} else {
		n.note("lab: the data disk is not " + what + " any more")
	}
	return nil
}

// wipeDisk makes the data disk of a node that is off a new one.
func (n *Node) wipeDisk() error {
	if n.Running() {
		return fmt.Errorf("%s runs: its disk can be wiped while it is off (kill %s)", n.Spec.Name, n.Spec.Name)
	}
	if err := os.RemoveAll(n.disk); err != nil {
		return err
	}
	if err := n.makeDisk(); err != nil {
		return err
	}
	n.note("lab: the data disk is new")
	return nil
}

// makeDisk makes the data disk unless it is there; that of a namespace is a directory.
func (n *Node) makeDisk() error {
	if n.lab.opts.As == AsNS {
		return image.DataDir(n.disk, n.secrets)
	}
	return image.DataDisk(n.disk, n.secrets, n.lab.opts.Say)
}

// fillDisk fills the file system on the data disk of a node that is off (debugfs(8)).
func (n *Node) fillDisk() error {
	if n.lab.opts.As == AsNS {
		return fmt.Errorf("%s: %w", n.Spec.Name, errNoDisk)
	}
	if n.Running() {
		return fmt.Errorf("%s runs: its disk can be filled while it is off (kill %s)", n.Spec.Name, n.Spec.Name)
	}
	zero, err := os.CreateTemp("", "lab-fill-")
	if err != nil {
		return err
	}
	defer os.Remove(zero.Name())
	defer zero.Close()
	info, err := os.Stat(n.disk)
	if err != nil {
		return err
	}
	// Not a sparse file, which debugfs would keep sparse.
	chunk := []byte(strings.Repeat("full", 16<<10))
	for written := int64(0); written < info.Size(); written += int64(len(chunk)) {
		if _, err := zero.Write(chunk); err != nil {
			return err
		}
	}
	out, err := exec.Command("debugfs", "-w", "-R", "write "+zero.Name()+" full", n.disk).CombinedOutput()
	if err != nil {
		return fmt.Errorf("debugfs: %w: %s", err, out)
	}
	n.note("lab: the data disk is full")
	return nil
}
