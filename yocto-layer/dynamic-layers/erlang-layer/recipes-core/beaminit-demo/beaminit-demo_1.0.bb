SUMMARY = "A release to show beaminit with: an application that does nothing but run"
DESCRIPTION = "kernel, stdlib and one small application, with the ERTS of meta-erlang."
LICENSE = "Apache-2.0"
LIC_FILES_CHKSUM = "file://LICENSE;md5=3b83ef96387f14655fc854ddc3c6bd57"

# The lab's demo.
FILESEXTRAPATHS:prepend := "${THISDIR}/../../../../../qemu/demo:${THISDIR}/../../../../..:"
SRC_URI = "file://eclero;subdir=beaminit-demo file://LICENSE;subdir=beaminit-demo file://release.escript"

# Scarthgap has no UNPACKDIR yet.
BEAMINIT_UNPACKED = "${@d.getVar('UNPACKDIR') or d.getVar('WORKDIR')}"
S = "${BEAMINIT_UNPACKED}/beaminit-demo"

# The native Erlang assembles, the target's is put in.
DEPENDS = "erlang erlang-native"
RELEASE_DIR = "/srv/erlang"

do_configure[noexec] = "1"

do_compile() {
	rm -rf ${B}/release
	escript ${BEAMINIT_UNPACKED}/release.escript ${S}/eclero ${STAGING_LIBDIR}/erlang ${B}/release
}

do_install() {
	install -d ${D}${RELEASE_DIR}
	cp -R --no-dereference --no-preserve=ownership ${B}/release/. ${D}${RELEASE_DIR}/
}

FILES:${PN} = "${RELEASE_DIR}"
# ERTS was stripped when erlang was packaged, and its programs are linked by meta-erlang.
INSANE_SKIP:${PN} += "already-stripped ldflags staticdev"
