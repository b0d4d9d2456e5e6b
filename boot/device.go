package boot

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/config"

	"github.com/beaminit/beaminit/internal/clock"
	"github.com/beaminit/beaminit/internal/files"
)

// Why waitDevice ended without its device.
const (
	NoDevice    = constError("no such block device")
	Interrupted = constError("interrupted")
)

// waitDevice waits until the block device name is there and gives its node under
// /dev. name is any form of resolveRoot. It waits for limit (negative: for ever),
// and ends early with Interrupted when interrupted, asked some four times a
// second, says so; nil is never. When the time is over it gives NoDevice and the
// list of the block devices that are there.
//
// The kernel tells of new devices on a netlink socket (NETLINK_KOBJECT_UEVENT),
// after the node in devtmpfs is made: nothing is polled in a loop.
func waitDevice(name string, limit time.Duration, interrupted func() bool) (string, error) {
	node, err := resolveRoot(name)
	if !errors.Is(err, NoDevice) || limit == 0 {
		return node, lateError(err, limit)
	}
	end := clock.Monotonic() + limit
	news, sockErr := ueventSocket()
	if sockErr == nil {
		defer unix.Close(news)
	} else {
		news = -1 // poll(2) ignores it and just lasts its time
	}
	for {
		// Again, because it may have come before the socket was bound.
		if node, err = resolveRoot(name); !errors.Is(err, NoDevice) {
			return node, err
		}
		left := end - clock.Monotonic()
		switch {
		case interrupted != nil && interrupted():
			return "", fmt.Errorf("wait for %s: %w", name, Interrupted)
		case limit >= 0 && left <= 0:
			return "", lateError(err, limit)
		case limit < 0 || left > pollTime:
			left = pollTime
		}
		awaitNews(news, left)
	}
}

// pollTime is how long a wait lasts before it looks again and asks whether it is
// interrupted: no lost uevent costs more than this.
const pollTime = 250 * time.Millisecond

func ueventSocket() (int, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_KOBJECT_UEVENT)
	if err != nil {
		return -1, err
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: 1}); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// awaitNews sleeps until there is an event or the time is over, and empties the
// socket. What the events say does not matter, only that something came.
func awaitNews(fd int, d time.Duration) {
	fds := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	if n, err := unix.Poll(fds[:], int(d/time.Millisecond)+1); err != nil || n == 0 {
		return
	}
	var drop [2048]byte
	for {
		// ENOBUFS (events were lost) is one more reason to look again.
		if _, err := unix.Read(fd, drop[:]); err != nil && err != unix.ENOBUFS {
			return
		}
	}
}

func lateError(err error, limit time.Duration) error {
	if !errors.Is(err, NoDevice) {
		return err
	}
	there := "no block device is there at all: is its driver built in, or its module in kernel.modules?"
	if names := blockDevices(); len(names) > 0 {
		there = "there are: " + strings.Join(names, ", ")
	}
	if limit > 0 {
		return fmt.Errorf("%w after %v; %s", err, limit.Round(time.Millisecond), there)
	}
	return fmt.Errorf("%w; %s", err, there)
}

// resolveRoot gives the node under /dev for a device as root= and fstab(5) name
// it: /dev/NAME, UUID=, LABEL=, PARTUUID=, PARTLABEL= (or the links that udev makes of
// these four in /dev/disk), MAJOR:MINOR (Documentation/admin-guide/kernel-parameters.txt).
// The error is NoDevice while there is none, and a plain one for a form that is not
// understood.
func resolveRoot(name string) (string, error) {
	if err := knownForm(name); err != nil {
		return "", err
	}
	node := name
	switch key, value, _ := strings.Cut(tagOf(name), "="); {
	case key == "UUID":
		node = findFileSystem(value, "")
	case key == "LABEL":
		node = findFileSystem("", value)
	case key == "PARTUUID":
		node = findPartition(value)
	case key == "PARTLABEL":
		node = findByUevent("PARTNAME=", value)
	case !strings.HasPrefix(name, "/"):
		node = devName("/sys/dev/block/" + name + "/uevent")
	}
	var st unix.Stat_t
	if node == "" || unix.Stat(node, &st) != nil {
		return "", fmt.Errorf("%s: %w", name, NoDevice)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFBLK {
		return "", fmt.Errorf("%s: %w", name, unix.ENOTBLK)
	}
	return node, nil
}

// unknownForm is the error of a device name that no device will ever have.
type unknownForm string

func (e unknownForm) Error() string { return string(e) }

// knownForm gives an unknownForm for a device name that resolveRoot cannot resolve,
// ever.
func knownForm(name string) error {
	key, value, pair := strings.Cut(tagOf(name), "=")
	switch {
	case pair && (key == "UUID" || key == "LABEL") && value != "":
		return nil
	case strings.HasPrefix(name, "/dev/disk/") && !pair:
		return unknownForm(name + ": such links are made by udev, which is not there: " +
			"use UUID=, LABEL=, PARTUUID=, PARTLABEL= or /dev/NAME")
	case name == "/dev/nfs" || strings.HasPrefix(name, "nfs"):
		return unknownForm("root on NFS (" + name + ") is not supported")
	case strings.HasPrefix(name, "/"):
		return nil
	case pair && (key == "PARTUUID" || key == "PARTLABEL") && value != "":
		if strings.Contains(value, "/PARTNROFF=") {
			return unknownForm(name + ": PARTNROFF is not supported: use the PARTUUID of the partition itself")
		}
		return nil
	}
	major, minor, ok := strings.Cut(name, ":")
	if ok && isNumber(major) && isNumber(minor) {
		return nil
	}
	return unknownForm(fmt.Sprintf("%q names no block device: "+
		"it must be /dev/NAME, UUID=…, LABEL=…, PARTUUID=…, PARTLABEL=… or MAJOR:MINOR", name))
}

// RootProblems says of a root= that neither the kernel nor beaminit in an initramfs ever
// finds it. What the kernel knows besides a block device, and in other ways (init/do_mounts.c,
// block/early-lookup.c), is left to it.
func RootProblems(r *config.Root) []error {
	if r.Map != "" {
		if _, err := parseMapped(r.Map); err != nil {
			return []error{fmt.Errorf("dm-mod.create=: %w", err)}
		}
	}
	for _, prefix := range [...]string{"/dev/nfs", "nfs", "/dev/cifs", "mtd", "ubi"} {
		if r.Device == "" || r.Type == "virtiofs" || r.Type == "9p" || strings.HasPrefix(r.Device, prefix) {
			return nil
		}
	}
	_, isHex := strconv.ParseUint(r.Device, 16, 32)
	host, _, others := strings.Cut(r.Device, ":") // live:…, zfs:… of the initramfs of others
	if strings.Contains(r.Device, "/PARTNROFF=") || isHex == nil || others && !isNumber(host) {
		return nil
	}
	if err := knownForm(r.Device); err != nil {
		return []error{fmt.Errorf("root=%w", err)}
	}
	return nil
}

func isNumber(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// findPartition looks for the partition with the PARTUUID.
func findPartition(uuid string) string {
	for _, p := range partitions() {
		if strings.EqualFold(p.uuid, uuid) {
			return "/dev/" + p.name
		}
	}
	return ""
}

// findByUevent looks for the block device in whose uevent file key has the value.
func findByUevent(key, value string) string {
	for _, name := range readDir("/sys/class/block") {
		path := "/sys/class/block/" + name + "/uevent"
		if text, err := files.ReadFile(path); err == nil && ueventValue(text, key) == value {
			return "/dev/" + ueventValue(text, "DEVNAME=")
		}
	}
	return ""
}

func devName(path string) string {
	text, err := files.ReadFile(path)
	if name := ueventValue(text, "DEVNAME="); err == nil && name != "" {
		return "/dev/" + name
	}
	return ""
}

// ueventValue gives what stands behind key ("DEVNAME=") in the text of a uevent file.
func ueventValue(text []byte, key string) string {
	for len(text) > 0 {
		var line []byte
		line, text, _ = bytes.Cut(text, []byte{'\n'})
		if value, ok := bytes.CutPrefix(line, []byte(key)); ok {
			return string(value)
		}
	}
	return ""
}

// blockDevices lists the devices that could hold a file system, with what names
// their partitions; for messages.
func blockDevices() []string {
	var list []string
	parts := partitions()
	for _, name := range readDir("/sys/class/block") {
		if notADisk(name) {
			continue
		}
		for _, p := range parts {
			if p.name == name && p.uuid != "" {
				name += " (PARTUUID=" + p.uuid + ")"
				break
			}
		}
		list = append(list, "/dev/"+name)
	}
	return list
}
