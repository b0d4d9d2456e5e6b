SUMMARY = "This machine's Go"
LICENSE = "CLOSED"

inherit native

PROVIDES = "go-native"

do_install() {
	install -d ${D}${bindir}
	printf '#!/bin/sh\nunset GOROOT GOTOOLDIR\nexec %s "$@"\n' ${HOSTTOOLS_DIR}/go >${D}${bindir}/go
	chmod 0755 ${D}${bindir}/go
}
