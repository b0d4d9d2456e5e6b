package image

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// Kernel is a kernel to boot and where its modules are.
type Kernel struct {
	File    string // a bzImage, or an Image that is not compressed
	Version string // as uname -r has it
	Modules string // directory; empty where there are none: all is built in
}

// FindKernel takes the kernel file named, or where none is the newest of Debian's
// cloud kernels in /boot, or else the newest of any.
func FindKernel(file string) (Kernel, error) {
	if file == "" {
		for _, pattern := range []string{"/boot/vmlinuz-*-cloud-amd64", "/boot/vmlinuz-*"} {
			found, _ := filepath.Glob(pattern)
			if len(found) > 0 {
				file = slices.MaxFunc(found, compareVersions)
				break
			}
		}
	}
	if file == "" {
		return Kernel{}, errors.New("no kernel in /boot: install linux-image-cloud-amd64, or name one with KERNEL=")
	}
	version, err := kernelVersion(file)
	if err != nil {
		return Kernel{}, asInput(fmt.Errorf("kernel %s: %w", file, err))
	}
	k := Kernel{File: file, Version: version}
	for _, dir := range []string{filepath.Join(filepath.Dir(file), "../lib/modules"), filepath.Dir(file), "/lib/modules"} {
		if _, err := os.Stat(filepath.Join(dir, version, "modules.dep")); err == nil {
			k.Modules = filepath.Join(dir, version)
			break
		}
	}
	return k, nil
}

// FindKernelWith takes the newest kernel in /boot that has a module, as a file for
// FindKernel: Debian's cloud kernel has few drivers.
func FindKernelWith(module string) (string, error) {
	found, _ := filepath.Glob("/boot/vmlinuz-*")
	slices.SortFunc(found, compareVersions)
	for _, file := range slices.Backward(found) {
		if k, err := FindKernel(file); err == nil && k.Modules != "" {
			if _, err := modules(os.DirFS(k.Modules), k.Version, []string{module}); err == nil {
				return file, nil
			}
		}
	}
	return "", errors.New("no kernel in /boot has the module " + module + ": install linux-image-amd64")
}

// kernelVersion reads the version out of the head of a bzImage
// (Documentation/arch/x86/boot.rst, kernel_version at 0x20e), or finds it in an Image for arm64
// (Documentation/arch/arm64/booting.rst, magic at 0x38), whose head has none.
func kernelVersion(file string) (string, error) {
	f, err := os.OpenFile(file, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a FIFO has no writer yet
	if err != nil {
		return "", err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return "", cmp.Or(err, errors.New("it is no regular file"))
	}
	head := make([]byte, 64<<10)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && err != io.EOF {
		return "", err
	}
	head = head[:n]
	if n > 0x3c && string(head[0x38:0x3c]) == "ARM\x64" {
		return bannerVersion(file)
	}
	if len(head) < 0x210 || string(head[0x202:0x206]) != "HdrS" {
		return "", errors.New("neither a bzImage nor an Image for arm64")
	}
	at := int(binary.LittleEndian.Uint16(head[0x20e:])) + 0x200
	if at == 0x200 || at >= len(head) {
		return "", errors.New("the bzImage does not tell its version")
	}
	text, _, _ := bytes.Cut(head[at:], []byte{0})
	version, _, _ := strings.Cut(string(text), " ")
	return version, nil
}

// bannerVersion finds what a kernel says of itself in its file (init/version.c, linux_banner).
func bannerVersion(file string) (string, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	if m := banner.FindSubmatch(data); m != nil {
		return string(m[1]), nil
	}
	return "", errors.New("the Image does not tell its version: it has to be one that is not compressed")
}

var banner = regexp.MustCompile(`Linux version (\d[^ ]*) \(`)

// compareVersions orders file names so that 6.10 comes after 6.9.
func compareVersions(a, b string) int {
	split := func(s string) []string {
		return strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(".-+~_", r) })
	}
	x, y := split(a), split(b)
	for i := range min(len(x), len(y)) {
		n, errN := strconv.Atoi(x[i])
		m, errM := strconv.Atoi(y[i])
		c := strings.Compare(x[i], y[i])
		if errN == nil && errM == nil {
			c = n - m
		}
		if c != 0 {
			return c
		}
	}
	return len(x) - len(y)
}
