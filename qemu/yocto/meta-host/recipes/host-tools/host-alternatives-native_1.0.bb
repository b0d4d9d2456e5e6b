SUMMARY = "update-alternatives for images: the highest priority has the link"
LICENSE = "CLOSED"

inherit native

PROVIDES = "virtual/update-alternatives-native"
SRC_URI = "file://update-alternatives"
BEAMINIT_UNPACKED = "${@d.getVar('UNPACKDIR') or d.getVar('WORKDIR')}"
S = "${BEAMINIT_UNPACKED}"

do_install() {
	install -D -m 0755 ${BEAMINIT_UNPACKED}/update-alternatives ${D}${bindir}/update-alternatives
}
