SUMMARY = "A release from a tar.gz, as a user's own image has it"

require recipes-core/images/beaminit-image.inc

BEAMINIT_RELEASE_PACKAGE = ""
# BEAMINIT_RELEASE comes from local.conf.
BEAMINIT_TOML = "${THISDIR}/files/beaminit.toml"
IMAGE_INSTALL += "host-libs host-modules"
