SUMMARY = "What a beaminit node needs beside its release: no shell, no BusyBox"
DESCRIPTION = "Instead of packagegroup-core-boot, which brings BusyBox and login."

inherit packagegroup features_check
REQUIRED_DISTRO_FEATURES = "beaminit"

RDEPENDS:${PN} = "base-files base-passwd beaminit"
