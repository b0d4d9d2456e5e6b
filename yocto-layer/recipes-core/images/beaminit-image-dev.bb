SUMMARY = "beaminit-image-minimal with a shell on the second serial port, strace and tcpdump"
DESCRIPTION = "For a desk, not for a product: whoever has the port is root."

require beaminit-image.inc

BEAMINIT_TOML = "${THISDIR}/files/beaminit-dev.toml"
# tcpdump is meta-networking's.
IMAGE_INSTALL += "busybox beaminit-serial-shell strace ${@bb.utils.contains('BBFILE_COLLECTIONS', 'networking-layer', 'tcpdump', '', d)}"
