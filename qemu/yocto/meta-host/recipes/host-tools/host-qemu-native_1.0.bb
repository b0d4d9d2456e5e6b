SUMMARY = "This machine's QEMU, and the Python module by which testimage talks to it"
LICENSE = "CLOSED"

inherit native

PROVIDES = "qemu-native qemu-system-native"

do_install() {
	install -d ${D}${bindir} ${D}${libdir}/qemu-python/qmp
	for qemu in /usr/bin/qemu-system-*; do
		printf '#!/bin/sh\nexec %s "$@"\n' $qemu >${D}${bindir}/${qemu##*/}
		chmod 0755 ${D}${bindir}/${qemu##*/}
	done
	for module in ${HOST_QMP}/*.py; do
		if [ -e $module ]; then install -m 0644 $module ${D}${libdir}/qemu-python/qmp/; fi
	done
}
