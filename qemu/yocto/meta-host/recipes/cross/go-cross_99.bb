SUMMARY = "This machine's Go for the target"
LICENSE = "CLOSED"

inherit cross goarch

PN = "go-cross-${TUNE_PKGARCH}"
PROVIDES = "virtual/${TUNE_PKGARCH}-go"

# Go cross-compiles by itself, and knows where its own root is.
do_install() {
	install -d ${D}${bindir}
	cat >${D}${bindir}/${TARGET_PREFIX}go <<-END
		#!/bin/sh
		unset GOROOT GOTOOLDIR
		export GOOS=${TARGET_GOOS} GOARCH=${TARGET_GOARCH} GOARM=${TARGET_GOARM} GO386=${TARGET_GO386}
		exec ${HOSTTOOLS_DIR}/go "\$@"
	END
	chmod 0755 ${D}${bindir}/${TARGET_PREFIX}go
}
