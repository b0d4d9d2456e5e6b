SUMMARY = "Debian's users, without update-passwd"
LICENSE = "CLOSED"

do_install() {
	install -d ${D}${datadir}/base-passwd
	install -m 0644 /usr/share/base-passwd/passwd.master /usr/share/base-passwd/group.master ${D}${datadir}/base-passwd/
	# As openembedded-core's own has it.
	sed -i 's,^root:.*,root:*:0:0:root:${ROOT_HOME}:/bin/sh,' ${D}${datadir}/base-passwd/passwd.master
}

# The package is taken out of a read-only image again; its files stay.
pkg_postinst:${PN}() {
	for table in passwd group; do
		install -m 0644 $D${datadir}/base-passwd/$table.master $D${sysconfdir}/$table
	done
}
