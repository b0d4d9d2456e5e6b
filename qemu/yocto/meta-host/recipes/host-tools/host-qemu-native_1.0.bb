SUMMARY = "QEMU's Python module, by which testimage talks to a running QEMU"
LICENSE = "CLOSED"

inherit native

PROVIDES = "qemu-native"

do_install() {
	install -d ${D}${libdir}/qemu-python/qmp
	install -m 0644 ${HOST_QMP}/*.py ${D}${libdir}/qemu-python/qmp/
}
