SUMMARY = "A shell on the second serial port of a node, to look around"
DESCRIPTION = "To be named in release.pre_run: whoever has the port is root, without a password."
LICENSE = "Apache-2.0"
LIC_FILES_CHKSUM = "file://LICENSE;md5=3b83ef96387f14655fc854ddc3c6bd57"

FILESEXTRAPATHS:prepend := "${THISDIR}/../../..:"
SRC_URI = "file://beaminit-serial-shell file://LICENSE"

# Scarthgap has no UNPACKDIR yet.
BEAMINIT_UNPACKED = "${@d.getVar('UNPACKDIR') or d.getVar('WORKDIR')}"
S = "${BEAMINIT_UNPACKED}"

# The second of the machine: the kernel's messages, and health, are on the first.
BEAMINIT_SHELL_TTY ?= "${@(d.getVar('SERIAL_CONSOLES').split()[1:] or ['115200;ttyS1'])[0].split(';')[1]}"
PACKAGE_ARCH = "${MACHINE_ARCH}"

do_install() {
	install -D -m 0755 ${BEAMINIT_UNPACKED}/beaminit-serial-shell ${D}${sbindir}/beaminit-serial-shell
	sed -i 's,@TTY@,${BEAMINIT_SHELL_TTY},' ${D}${sbindir}/beaminit-serial-shell
}

RDEPENDS:${PN} = "busybox"
