SUMMARY = "Debian's strace with its libraries"
LICENSE = "CLOSED"
COMPATIBLE_HOST = "x86_64.*-linux"
DEPENDS = "host-libs"
RDEPENDS:${PN} = "host-libs"

do_install() {
	install -D -m 0755 /usr/bin/strace ${D}${bindir}/strace
	# What host-libs has is not brought twice.
	ldd /usr/bin/strace | sed -n 's/^[^/]*\(\/[^ ]*\) .*/\1/p' | grep -v -e /libpseudo -e /ld-linux | while read -r library; do
		if [ ! -e ${STAGING_LIBDIR}/${library##*/} ]; then
			install -D -m 0755 $library ${D}${libdir}/${library##*/}
		fi
	done
}

FILES:${PN} = "${bindir} ${libdir}"
FILES:${PN}-dev = ""
INHIBIT_PACKAGE_STRIP = "1"
INSANE_SKIP:${PN} = "already-stripped ldflags dev-so libdir file-rdeps"
