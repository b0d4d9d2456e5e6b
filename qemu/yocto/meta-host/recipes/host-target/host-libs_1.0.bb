SUMMARY = "The shared libraries that this machine's ERTS is linked with, and glibc's for names of users"
LICENSE = "CLOSED"
COMPATIBLE_HOST = "x86_64.*-linux"

do_install() {
	install -d ${D}${libdir} ${D}/lib64
	for program in /usr/lib/erlang/erts-*/bin/*; do
		ldd $program 2>/dev/null || true
	done | sed -n 's/^[^/]*\(\/[^ ]*\) .*/\1/p' | grep -v /libpseudo | sort -u | while read -r library; do
		case $library in
		*/ld-linux*) install -m 0755 $library ${D}/lib64/ ;;
		*) install -m 0755 $library ${D}${libdir}/ ;;
		esac
	done
	# base-files' nsswitch.conf names it, and glibc opens it at run time.
	install -m 0755 /lib/*-linux-gnu*/libnss_compat.so.2 ${D}${libdir}/
}

FILES:${PN} = "${libdir} /lib64"
FILES:${PN}-dev = ""
INHIBIT_PACKAGE_STRIP = "1"
INSANE_SKIP:${PN} = "already-stripped ldflags libdir dev-so usrmerge"
