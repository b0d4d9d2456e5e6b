SUMMARY = "Debian's programs for ext4 with their libraries"
LICENSE = "CLOSED"
COMPATIBLE_HOST = "x86_64.*-linux"
DEPENDS = "host-libs"

PACKAGES = "${PN}-e2fsck ${PN}-mke2fs ${PN}-resize2fs ${PN}-libs"
RDEPENDS:${PN}-e2fsck = "${PN}-libs"
RDEPENDS:${PN}-mke2fs = "${PN}-libs"
RDEPENDS:${PN}-resize2fs = "${PN}-libs"

do_install() {
	for program in e2fsck mke2fs resize2fs; do
		install -D -m 0755 /sbin/$program ${D}${base_sbindir}/$program
		# What host-libs has is not brought twice.
		ldd /sbin/$program | sed -n 's/^[^/]*\(\/[^ ]*\) .*/\1/p' | grep -v -e /libpseudo -e /ld-linux | while read -r library; do
			if [ ! -e ${STAGING_LIBDIR}/${library##*/} ]; then
				install -D -m 0755 $library ${D}${libdir}/${library##*/}
			fi
		done
	done
}

FILES:${PN}-e2fsck = "${base_sbindir}/e2fsck"
FILES:${PN}-mke2fs = "${base_sbindir}/mke2fs"
FILES:${PN}-resize2fs = "${base_sbindir}/resize2fs"
FILES:${PN}-libs = "${libdir}"
FILES:${PN}-dev = ""
INHIBIT_PACKAGE_STRIP = "1"
# Of do_package it is the recipe's own name that counts.
INSANE_SKIP:${PN} = "already-stripped"
INSANE_SKIP:${PN}-libs = "already-stripped ldflags dev-so libdir file-rdeps"
INSANE_SKIP:${PN}-e2fsck = "already-stripped ldflags file-rdeps"
INSANE_SKIP:${PN}-mke2fs = "already-stripped ldflags file-rdeps"
INSANE_SKIP:${PN}-resize2fs = "already-stripped ldflags file-rdeps"
