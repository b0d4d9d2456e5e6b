SUMMARY = "Debian's dropbear with its libraries"
LICENSE = "CLOSED"
COMPATIBLE_HOST = "x86_64.*-linux"
DEPENDS = "host-libs"
RDEPENDS:${PN} = "host-libs"

do_install() {
	install -D -m 0755 /usr/sbin/dropbear ${D}${sbindir}/dropbear
	# What host-libs has is not brought twice.
	ldd /usr/sbin/dropbear | sed -n 's/^[^/]*\(\/[^ ]*\) .*/\1/p' | grep -v -e /libpseudo -e /ld-linux | while read -r library; do
		if [ ! -e ${STAGING_LIBDIR}/${library##*/} ]; then
			install -D -m 0755 $library ${D}${libdir}/${library##*/}
		fi
	done
}

FILES:${PN} = "${sbindir} ${libdir}"
FILES:${PN}-dev = ""
INHIBIT_PACKAGE_STRIP = "1"
INSANE_SKIP:${PN} = "already-stripped ldflags dev-so libdir file-rdeps"
