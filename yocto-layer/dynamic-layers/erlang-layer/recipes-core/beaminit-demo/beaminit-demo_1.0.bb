SUMMARY = "A release to show beaminit with: an application that does nothing but run"
DESCRIPTION = "kernel, stdlib and one small application, with the ERTS of meta-erlang."
LICENSE = "Apache-2.0"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/Apache-2.0;md5=89aea4e17d99a7cacdbeed46a0096b10"

# The native Erlang assembles, the target's is put in.
DEPENDS = "erlang erlang-native"

# The lab's demo, of the repository in which the layer stands.
BEAMINIT_DEMO = "${THISDIR}/../../../../../qemu/demo"
FILESEXTRAPATHS:prepend := "${BEAMINIT_DEMO}:"
SRC_URI = "file://eclero;subdir=beaminit-demo file://release.escript"

# Scarthgap has no UNPACKDIR yet.
BEAMINIT_UNPACKED = "${@d.getVar('UNPACKDIR') or d.getVar('WORKDIR')}"
S = "${BEAMINIT_UNPACKED}/beaminit-demo"

RELEASE_DIR = "/srv/erlang"

python () {
    if not os.path.exists(d.getVar('BEAMINIT_DEMO')):
        raise bb.parse.SkipRecipe('its sources are in the repository, which is not around the layer: '
                                  'want another release in BEAMINIT_RELEASE_PACKAGE or BEAMINIT_RELEASE')
}

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
