SUMMARY = "Debian's certificates"
LICENSE = "CLOSED"

do_install() {
	install -D -m 0644 /etc/ssl/certs/ca-certificates.crt ${D}${sysconfdir}/ssl/certs/ca-certificates.crt
}
