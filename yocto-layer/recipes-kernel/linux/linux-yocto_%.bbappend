FILESEXTRAPATHS:prepend := "${THISDIR}/files:"
SRC_URI:append = "${@bb.utils.contains('DISTRO_FEATURES', 'beaminit', ' file://beaminit.scc file://beaminit.cfg', '', d)}"
