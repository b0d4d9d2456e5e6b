// Package arch has what the lab knows of the processors that its nodes can have: how Debian,
// QEMU and ELF call them, and where their machines have a console.
package arch

import (
	"debug/elf"
	"fmt"
	"strings"
)

// Arch is a kind of processor, with the machine of QEMU that has it.
type Arch struct {
	Name    string // as Go has it (GOARCH), and the lab's flag
	Debian  string // as dpkg has it (dpkg-architecture(1)), and its libraries' directories
	Triplet string
	Machine elf.Machine

	Kernel     string   // Debian's package of a kernel for it
	KernelFile string   // what the kernel's makefile calls a kernel to boot, and so does BitBake
	Button     []string // modules for the power button of the machine, which not every kernel has
	Modules    []string // others that its nodes need, where the kernel has them

	QEMU    string   // the program, and Debian's package of it
	Package string   //
	Args    []string // which machine and processor
	Console string   // the first serial port
	Shell   string   // the second
	Port    []string // gives the machine the second one, of the character device "shell"
}

// Default is what nodes have that are not told another.
const Default = "amd64"

// serial is a second port of the machine's own.
var serial = []string{"-serial", "chardev:shell"}

var all = []Arch{
	{
		Name: "386", Debian: "i386", Triplet: "i386-linux-gnu", Machine: elf.EM_386,
		Kernel: "linux-image-686-pae", KernelFile: "bzImage", Button: []string{"button", "evdev"}, Modules: []string{"crc32c_generic"},
		QEMU: "qemu-system-i386", Package: "qemu-system-x86", Args: []string{"-machine", "q35", "-cpu", "max"},
		Console: "ttyS0", Shell: "ttyS1", Port: serial,
	},
	{
		Name: "amd64", Debian: "amd64", Triplet: "x86_64-linux-gnu", Machine: elf.EM_X86_64,
		Kernel: "linux-image-cloud-amd64", KernelFile: "bzImage", Button: []string{"button", "evdev"},
		QEMU: "qemu-system-x86_64", Package: "qemu-system-x86", Args: []string{"-machine", "q35", "-cpu", "max"},
		Console: "ttyS0", Shell: "ttyS1", Port: serial,
	},
	{
		// The cloud kernel has no gpio_keys, which is the button of a machine without ACPI. Its ext4 is built
		// in and does not bring the module of its checksums along. An emulated
		// cortex-a72 is quicker than max, which signs its pointers (QEMU docs/system/arm/cpu-features).
		Name: "arm64", Debian: "arm64", Triplet: "aarch64-linux-gnu", Machine: elf.EM_AARCH64,
		Kernel: "linux-image-arm64", KernelFile: "Image", Button: []string{"gpio_keys", "evdev"}, Modules: []string{"crc32c_generic"},
		QEMU: "qemu-system-aarch64", Package: "qemu-system-arm", Args: []string{"-machine", "virt", "-cpu", "cortex-a72"},
		Console: "ttyAMA0", Shell: "ttyS0", Port: []string{"-device", "pci-serial,chardev=shell"},
	},
}

// Names are those of all.
func Names() (list []string) {
	for _, a := range all {
		list = append(list, a.Name)
	}
	return list
}

// Find gives the one of this name; "" is Default.
func Find(name string) (Arch, error) {
	if name == "" {
		name = Default
	}
	for _, a := range all {
		if a.Name == name {
			return a, nil
		}
	}
	return Arch{}, fmt.Errorf("no processor %q: want one of %s", name, strings.Join(Names(), ", "))
}

// Of gives the one of a name that Find has taken.
func Of(name string) Arch {
	a, err := Find(name)
	if err != nil {
		panic(err)
	}
	return a
}

// RunsOn tells whether a machine with this GOARCH runs its programs, and its guests by KVM.
func (a Arch) RunsOn(goarch string) bool {
	return a.Name == goarch || a.Name == "386" && goarch == "amd64"
}

// ByMachine gives the name of the one that ELF calls so; another is told as ELF has it.
func ByMachine(m elf.Machine) string {
	for _, a := range all {
		if a.Machine == m {
			return a.Name
		}
	}
	return m.String()
}
