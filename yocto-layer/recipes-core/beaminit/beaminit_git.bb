SUMMARY = "PID 1 for nodes that run one Erlang/OTP release"
DESCRIPTION = "One static program boots a board, configures its network, starts \
an Erlang/OTP release without epmd, watches it, and reports health on the serial console."
HOMEPAGE = "https://github.com/beaminit/beaminit"
SECTION = "base"
LICENSE = "Apache-2.0"
LIC_FILES_CHKSUM = "file://LICENSE;md5=3b83ef96387f14655fc854ddc3c6bd57"

# The layer stands in the tree that it builds: the checked-out tag of the layer is
# the version of the init, and a changed source file is a changed checksum, whether
# committed or not. BEAMINIT_SRC = "git" takes SRCREV:pn-beaminit from the repository
# instead, for a build with another version than the layer's.
BEAMINIT_SRC ??= "tree"
BEAMINIT_TREE = "go.mod go.sum LICENSE docs/beaminit.8 docs/beaminit.toml.5 boot cli cluster cmd config health history hostsgen internal \
    netcfg node release supervise"

PV = "0.1.0+${BEAMINIT_SRC}"
# Scarthgap has no UNPACKDIR yet.
BEAMINIT_UNPACKED = "${@d.getVar('UNPACKDIR') or d.getVar('WORKDIR')}"
S = "${BEAMINIT_UNPACKED}/beaminit"
# Where go-mod-update-modules looks for go.mod.
GO_SRCURI_DESTSUFFIX = "beaminit"

FILESEXTRAPATHS:prepend := "${THISDIR}/../../..:"
SRC_URI = "${@'git://github.com/beaminit/beaminit.git;protocol=https;branch=main;destsuffix=beaminit' \
    if d.getVar('BEAMINIT_SRC') == 'git' else \
    ' '.join('file://%s;subdir=beaminit' % f for f in d.getVar('BEAMINIT_TREE').split())} \
    file://qa-static"

GO_IMPORT = "github.com/beaminit/beaminit"
GO_INSTALL = "./cmd/init"

require beaminit-go-mods.inc
require beaminit-licenses.inc

# The generated file has the LTS series' operator; later ones want SPDX's.
LICENSE_AND = "${@'AND' if hasattr(oe.license, '_parse_legacy_license') else '&'}"
LICENSE = "Apache-2.0 ${LICENSE_AND} BSD-2-Clause ${LICENSE_AND} BSD-3-Clause ${LICENSE_AND} ISC ${LICENSE_AND} MIT"

inherit go-mod beaminit-gomod update-alternatives

# PID 1 has no loader and no library to ask for: go.bbclass would link with cgo,
# shared with the Go runtime, and as PIE, of which Go's has an INTERP.
export CGO_ENABLED = "0"
GO_LINKSHARED = ""
GO_LINUXLOADER = ""
GOBUILDFLAGS:remove = "-buildmode=pie"
INSANE_SKIP:${PN} += "textrel"

# As the Makefile has it, but no -s -w: packaging strips.
GO_LDFLAGS = '-ldflags="-X main.version=${PV} -X main.buildTime=$SOURCE_DATE_EPOCH"'

# There is no GOPATH to make; cmd/init alone is built, where go.mod is.
do_configure() {
	:
}

do_compile() {
	export TMPDIR="${GOTMPDIR}" GOPROXY=${BEAMINIT_GOPROXY} GOFLAGS= GOSUMDB=off GOTOOLCHAIN=local
	cd ${S}
	${GO} build ${GOBUILDFLAGS} -buildvcs=false -o ${B}/beaminit ${GO_INSTALL}
}

do_install() {
	install -D -m 0755 ${B}/beaminit ${D}${base_sbindir}/beaminit
	install -d ${D}${sysconfdir}
	printf '%s\n' '# What is not said here is found out or has a default: see beaminit plan.' \
		>${D}${sysconfdir}/beaminit.toml
	chmod 0644 ${D}${sysconfdir}/beaminit.toml
	install -d ${D}${base_bindir}
	ln -sf ${base_sbindir}/beaminit ${D}${base_bindir}/sh
	install -D -m 0644 ${S}/docs/beaminit.8 ${D}${mandir}/man8/beaminit.8
	install -D -m 0644 ${S}/docs/beaminit.toml.5 ${D}${mandir}/man5/beaminit.toml.5
}

# Where the tasks of an image find it.
do_install:class-native() {
	install -D -m 0755 ${B}/beaminit ${D}${bindir}/beaminit
}

do_install[postfuncs] += "beaminit_qa_static"
beaminit_qa_static() {
	READELF="${READELF}" sh ${BEAMINIT_UNPACKED}/qa-static ${B}/beaminit || \
		bbfatal "beaminit must be a static program: it is PID 1"
}
# On the build host readelf is the host's own.
READELF:class-native = "readelf"

FILES:${PN} = "${base_sbindir}/beaminit ${sysconfdir}/beaminit.toml"
# The manual pages are in ${PN}-doc, as bitbake.conf has it.

# ERTS starts the heart of a release through /bin/sh. In an image without a shell this
# link is what does that, and nothing else.
PACKAGES =+ "${PN}-sh"
SUMMARY:${PN}-sh = "/bin/sh for the heart of a release, in an image without a shell"
FILES:${PN}-sh = "${base_bindir}/sh"
RDEPENDS:${PN}-sh = "${PN}"
RCONFLICTS:${PN}-sh = "busybox bash"

CONFFILES:${PN} = "${sysconfdir}/beaminit.toml"

# Above BusyBox (50), sysvinit (200) and systemd (300): to install it is to choose it.
ALTERNATIVE:${PN} = "init reboot poweroff halt heart"
ALTERNATIVE_PRIORITY = "400"
ALTERNATIVE_TARGET = "${base_sbindir}/beaminit"
ALTERNATIVE_LINK_NAME[init] = "${base_sbindir}/init"
ALTERNATIVE_LINK_NAME[reboot] = "${base_sbindir}/reboot"
ALTERNATIVE_LINK_NAME[poweroff] = "${base_sbindir}/poweroff"
ALTERNATIVE_LINK_NAME[halt] = "${base_sbindir}/halt"
ALTERNATIVE_LINK_NAME[heart] = "${base_sbindir}/heart"

# For beaminit-release.bbclass, which checks images with it.
BBCLASSEXTEND = "native"
