SUMMARY = "Debian's names of services and protocols"
LICENSE = "CLOSED"

do_install() {
	for table in protocols services; do
		install -D -m 0644 /etc/$table ${D}${sysconfdir}/$table
	done
}
