SUMMARY = "This machine's binutils under the names of a cross toolchain"
LICENSE = "CLOSED"

inherit cross

PN = "binutils-cross-${TARGET_ARCH}"
# The name of wrynose and later, and of scarthgap.
PROVIDES = "virtual/cross-binutils virtual/${TARGET_PREFIX}binutils"

DEBIAN_TUPLE = "${TARGET_ARCH}-linux-gnu"
DEBIAN_TUPLE:x86 = "i686-linux-gnu"
DEBIAN_TUPLE:arm = "arm-linux-gnueabihf"

do_install() {
	install -d ${D}${bindir}
	for tool in objcopy objdump readelf strip nm; do
		printf '#!/bin/sh\nexec %s "$@"\n' ${HOSTTOOLS_DIR}/${DEBIAN_TUPLE}-$tool >${D}${bindir}/${TARGET_PREFIX}$tool
		chmod 0755 ${D}${bindir}/${TARGET_PREFIX}$tool
	done
}
