SUMMARY = "Debian's pseudo where BitBake looks for it"
LICENSE = "CLOSED"

inherit native

PROVIDES = "virtual/fakeroot-native"

do_install() {
	install -d ${D}${bindir} ${D}${prefix}/lib/pseudo/lib ${D}${sysconfdir}
	install -m 0755 /usr/bin/pseudo /usr/bin/pseudodb /usr/bin/pseudolog ${D}${bindir}
	install -m 0755 /usr/lib/*/pseudo/libpseudo.so ${D}${prefix}/lib/pseudo/lib/
	for table in passwd group; do
		install -m 0444 ${COREBASE}/meta/recipes-devtools/pseudo/files/fallback-$table ${D}${sysconfdir}/$table
	done
}

INHIBIT_SYSROOT_STRIP = "1"
INSANE_SKIP += "already-stripped"
