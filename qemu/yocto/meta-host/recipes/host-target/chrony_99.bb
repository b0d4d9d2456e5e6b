SUMMARY = "Debian's chrony with its libraries, and a configuration as meta-networking's"
LICENSE = "CLOSED"
COMPATIBLE_HOST = "x86_64.*-linux"
DEPENDS = "host-libs dropbear"

PACKAGES = "${PN} chronyc ${PN}-libs"
RDEPENDS:${PN} = "${PN}-libs"
RDEPENDS:chronyc = "${PN}-libs"
RDEPENDS:${PN}-libs = "host-libs dropbear"

do_install() {
	install -D -m 0755 /usr/sbin/chronyd ${D}${sbindir}/chronyd
	install -D -m 0755 /usr/bin/chronyc ${D}${bindir}/chronyc
	# What host-libs and dropbear have is not brought twice.
	ldd /usr/sbin/chronyd /usr/bin/chronyc | sed -n 's/^[^/]*\(\/[^ ]*\) .*/\1/p' | sort -u | grep -v -e /libpseudo -e /ld-linux | while read -r library; do
		if [ ! -e ${STAGING_LIBDIR}/${library##*/} ]; then
			install -D -m 0755 $library ${D}${libdir}/${library##*/}
		fi
	done
	install -d ${D}${sysconfdir}
	printf '%s\n' 'driftfile /var/lib/chrony/drift' 'logdir /var/log/chrony' 'makestep 1.0 3' rtcsync >${D}${sysconfdir}/chrony.conf
}

FILES:${PN} = "${sbindir} ${sysconfdir}"
FILES:chronyc = "${bindir}"
FILES:${PN}-libs = "${libdir}"
FILES:${PN}-dev = ""
INHIBIT_PACKAGE_STRIP = "1"
# Of do_package it is the recipe's own name that counts.
INSANE_SKIP:${PN} = "already-stripped ldflags file-rdeps"
INSANE_SKIP:chronyc = "already-stripped ldflags file-rdeps"
INSANE_SKIP:${PN}-libs = "already-stripped ldflags dev-so libdir file-rdeps"
