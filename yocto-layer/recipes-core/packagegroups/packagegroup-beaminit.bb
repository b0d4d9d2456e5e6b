SUMMARY = "What a beaminit node needs beside its release: no shell, no BusyBox"
DESCRIPTION = "Instead of packagegroup-core-boot, which brings BusyBox and login."

# What the machine says is essential is the machine's.
PACKAGE_ARCH = "${MACHINE_ARCH}"

inherit packagegroup features_check

REQUIRED_DISTRO_FEATURES = "beaminit"

# netbase: /etc/services and /etc/protocols, which inet:getservbyname/2 reads.
RDEPENDS:${PN} = "base-files base-passwd beaminit netbase ${MACHINE_ESSENTIAL_EXTRA_RDEPENDS}"
# Of the emulated machines: testimage archives with tar over ssh, and v86d is for their screen.
MACHINE_ESSENTIAL_EXTRA_RDEPENDS:remove:qemuall = "tar v86d"

# The zones of calendar:local_time/0, and what public_key:cacerts_get/0 reads. An image that
# is to be without them names them in BAD_RECOMMENDATIONS.
RRECOMMENDS:${PN} = "tzdata-core ca-certificates ${MACHINE_ESSENTIAL_EXTRA_RRECOMMENDS}"
