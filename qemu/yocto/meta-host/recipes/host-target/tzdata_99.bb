SUMMARY = "Debian's time zones, the first of them"
LICENSE = "CLOSED"

PACKAGES = "tzdata-core"

do_install() {
	install -D -m 0644 /usr/share/zoneinfo/Etc/UTC ${D}${datadir}/zoneinfo/Etc/UTC
	install -d ${D}${sysconfdir}
	ln -s ../usr/share/zoneinfo/Etc/UTC ${D}${sysconfdir}/localtime
}

FILES:tzdata-core = "${datadir} ${sysconfdir}"
