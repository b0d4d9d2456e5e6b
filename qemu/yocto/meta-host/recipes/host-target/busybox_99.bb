SUMMARY = "Debian's static BusyBox"
LICENSE = "CLOSED"
COMPATIBLE_HOST = "x86_64.*-linux"

inherit update-alternatives

DEPENDS = "host-libs"

do_install() {
	install -D -m 0755 /usr/bin/busybox ${D}${base_bindir}/busybox
	for applet in sh ls cat ps mkdir sleep setsid stty kill mount ip grep id head start-stop-daemon; do
		path=$(/usr/bin/busybox --list-full | grep "/$applet\$" | head -n 1)
		install -d ${D}$(dirname /$path | sed 's,^/usr/bin,${bindir},')
		ln -s ${base_bindir}/busybox ${D}/$path
	done
}

FILES:${PN} = "/bin /sbin /usr"
INHIBIT_PACKAGE_STRIP = "1"
INSANE_SKIP:${PN} = "already-stripped ldflags"

ALTERNATIVE:${PN} = "init reboot poweroff halt"
ALTERNATIVE_PRIORITY = "50"
ALTERNATIVE_TARGET = "${base_bindir}/busybox"
ALTERNATIVE_LINK_NAME[init] = "${base_sbindir}/init"
ALTERNATIVE_LINK_NAME[reboot] = "${base_sbindir}/reboot"
ALTERNATIVE_LINK_NAME[poweroff] = "${base_sbindir}/poweroff"
ALTERNATIVE_LINK_NAME[halt] = "${base_sbindir}/halt"
