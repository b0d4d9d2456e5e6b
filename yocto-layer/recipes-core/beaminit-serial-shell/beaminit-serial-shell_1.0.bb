SUMMARY = "A shell on the second serial port of a node, to look around"
DESCRIPTION = "To be named in release.pre_run: whoever has the port is root, without a password."
LICENSE = "Apache-2.0"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/Apache-2.0;md5=89aea4e17d99a7cacdbeed46a0096b10"

SRC_URI = "file://beaminit-serial-shell"

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
