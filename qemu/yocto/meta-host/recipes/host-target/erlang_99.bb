SUMMARY = "This machine's Erlang, instead of meta-erlang's"
LICENSE = "CLOSED"
COMPATIBLE_HOST = "x86_64.*-linux"
DEPENDS = "host-libs"

do_install() {
	install -d ${D}${libdir}/erlang
	for part in /usr/lib/erlang/erts-* /usr/lib/erlang/lib/kernel-* /usr/lib/erlang/lib/stdlib-*; do
		dir=${D}${libdir}/erlang/${part#/usr/lib/erlang/}
		install -d $dir
		cp -RL --no-preserve=ownership $part/*bin $dir/
	done
}

FILES:${PN} = "${libdir}/erlang"
INHIBIT_PACKAGE_STRIP = "1"
INSANE_SKIP:${PN} = "already-stripped ldflags file-rdeps"
