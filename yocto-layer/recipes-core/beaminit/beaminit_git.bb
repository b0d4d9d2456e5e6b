SUMMARY = "PID 1 for nodes that run one Erlang/OTP release"
DESCRIPTION = "One static program boots a board, configures its network, starts \
an Erlang/OTP release without epmd, watches it, and reports health on the serial console."
HOMEPAGE = "https://github.com/beaminit/beaminit"
BUGTRACKER = "https://github.com/beaminit/beaminit/issues"
SECTION = "base"
# The generated file has the LTS series' operator; later ones want SPDX's.
LICENSE_AND = "${@'AND' if hasattr(oe.license, '_parse_legacy_license') else '&'}"
LICENSE = "Apache-2.0"
LIC_FILES_CHKSUM = "file://LICENSE;md5=3b83ef96387f14655fc854ddc3c6bd57"

PV = "0.1.0"

# "tree": the layer stands in the tree that it builds. The checked-out commit of the layer
# is the version of the init, and a changed source file is a changed checksum, whether
# committed or not. "git", of a layer that stands alone, or for a build with another version
# than the layer's: commit BEAMINIT_SRCREV of the repository.
BEAMINIT_SRC ??= "${@'tree' if os.path.exists(d.getVar('THISDIR') + '/../../../go.mod') else 'git'}"
BEAMINIT_SRCREV ??= "INVALID"
BEAMINIT_TREE = "go.mod go.sum LICENSE docs/beaminit.8 docs/beaminit.toml.5 boot cli cluster cmd config health history hostsgen internal \
    netcfg node release supervise"

FILESEXTRAPATHS:prepend := "${THISDIR}/../../..:"
SRC_URI = "${@'git://github.com/beaminit/beaminit.git;protocol=https;branch=main;destsuffix=beaminit' \
    if d.getVar('BEAMINIT_SRC') == 'git' else \
    ' '.join('file://%s;subdir=beaminit' % f for f in d.getVar('BEAMINIT_TREE').split())} \
    file://qa-static"
SRCREV = "${BEAMINIT_SRCREV}"

require beaminit-go-mods.inc
require beaminit-licenses.inc

LICENSE = "Apache-2.0 ${LICENSE_AND} BSD-3-Clause ${LICENSE_AND} MIT"

# Scarthgap has no UNPACKDIR yet.
BEAMINIT_UNPACKED = "${@d.getVar('UNPACKDIR') or d.getVar('WORKDIR')}"
S = "${BEAMINIT_UNPACKED}/beaminit"

GO_IMPORT = "github.com/beaminit/beaminit"
GO_INSTALL = "./cmd/init"
# Where go-mod-update-modules looks for go.mod.
GO_SRCURI_DESTSUFFIX = "beaminit"

inherit go-mod beaminit-gomod update-alternatives

python () {
    if d.getVar('BEAMINIT_SRC') == 'git' and d.getVar('BEAMINIT_SRCREV') == 'INVALID':
        raise bb.parse.SkipRecipe('BEAMINIT_SRC is "git", as it is where there is no source tree around the layer: '
                                  'want BEAMINIT_SRCREV = "COMMIT" in a configuration')
}

# What advisories and scanners know it by.
CVE_PRODUCT = "beaminit:beaminit"
CVE_VERSION = "${PV}"
SPDX_PACKAGE_URLS = "pkg:golang/${GO_IMPORT}@v${PV}"

# PID 1 has no loader and no library to ask for: go.bbclass would link with cgo,
# shared with the Go runtime, and as PIE, of which Go's has an INTERP.
export CGO_ENABLED = "0"
GO_LINKSHARED = ""
GO_LINUXLOADER = ""
GOBUILDFLAGS:remove = "-buildmode=pie"

# As the Makefile has it, but no -s -w: packaging strips.
GO_LDFLAGS = '-ldflags="-X main.version=$BEAMINIT_VERSION -X main.buildTime=$SOURCE_DATE_EPOCH"'

# Before the class takes SOURCE_DATE_EPOCH from the youngest file: in a checkout files are as
# old as the checkout.
do_unpack[postfuncs] =+ "beaminit_source"
beaminit_source() {
	# Those of somebody's own directory stay as they are; and externalsrc fetches no Go modules.
	case ${S}/ in
	${BEAMINIT_UNPACKED}/*) ;;
	*) bbfatal "${S} cannot be built by EXTERNALSRC, as devtool modify sets it: want neither; the tree around the layer is built with what is changed in it" ;;
	esac
	cd ${S}
	case ${BEAMINIT_SRC} in
	git) repository=${S} ;;
	*) repository=${THISDIR}/../../.. ;;
	esac
	# The last commit that changed a source of the program, its date, and whether more has changed
	# since. The tree may be another user's.
	in_repository="git -c safe.directory=* -C $repository"
	version=${PV}
	if commit=$($in_repository log -1 --abbrev=12 --format='%h %ct' -- ${BEAMINIT_TREE} 2>/dev/null) && [ -n "$commit" ]; then
		version=$version-g${commit% *}
		[ -z "$($in_repository status --porcelain -- ${BEAMINIT_TREE})" ] || version=$version-dirty
	fi
	printf '%s\n' "$version" >${BEAMINIT_UNPACKED}/beaminit-version
	# What the program is not made of is not in its SBOM.
	find . -name '*_test.go' -delete
	find . -depth -type d -name testdata -exec rm -r {} +
	[ -z "$commit" ] || find . -path ./.git -prune -o -type f -exec touch -d "@${commit#* }" {} +
}

# There is no GOPATH to make; cmd/init alone is built, where go.mod is.
do_configure() {
	:
}

do_compile() {
	export TMPDIR="${GOTMPDIR}" GOPROXY=${BEAMINIT_GOPROXY} GOFLAGS= GOSUMDB=off GOTOOLCHAIN=local
	BEAMINIT_VERSION=$(cat ${BEAMINIT_UNPACKED}/beaminit-version)
	cd ${S}
	${GO} build ${GOBUILDFLAGS} -buildvcs=false -o ${B}/beaminit ${GO_INSTALL}
}

do_install() {
	install -D -m 0755 ${B}/beaminit ${D}${base_sbindir}/beaminit
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

# Above BusyBox (50), sysvinit (200) and systemd (300): to install it is to choose it.
ALTERNATIVE:${PN} = "init reboot poweroff halt heart"
ALTERNATIVE_PRIORITY = "400"
ALTERNATIVE_TARGET = "${base_sbindir}/beaminit"
ALTERNATIVE_LINK_NAME[init] = "${base_sbindir}/init"
ALTERNATIVE_LINK_NAME[reboot] = "${base_sbindir}/reboot"
ALTERNATIVE_LINK_NAME[poweroff] = "${base_sbindir}/poweroff"
ALTERNATIVE_LINK_NAME[halt] = "${base_sbindir}/halt"
ALTERNATIVE_LINK_NAME[heart] = "${base_sbindir}/heart"

# ERTS starts the heart of a release through /bin/sh. In an image without a shell the link
# of this package is what does that, and nothing else.
PACKAGES =+ "${PN}-sh"
SUMMARY:${PN}-sh = "/bin/sh for the heart of a release, in an image without a shell"
FILES:${PN}-sh = "${base_bindir}/sh"
# The package brings no beaminit.toml: whose it is, a package's, an append's or the image's,
# is the product's business. The manual pages are in ${PN}-doc, as bitbake.conf has it.
FILES:${PN} = "${base_sbindir}/beaminit ${sysconfdir}/beaminit.toml"
CONFFILES:${PN} = "${sysconfdir}/beaminit.toml"

RDEPENDS:${PN}-sh = "${PN}"
RCONFLICTS:${PN}-sh = "busybox bash"
# RPM takes a package with a scriptlet, as that of the links above, for one that needs /bin/sh.
# The build host's shell runs them when the image is made, and on a node nobody does. In a build
# for another init a recipe that wants /bin/sh is not to be given this one.
BEAMINIT_SHELL = "${@bb.utils.contains('DISTRO_FEATURES', 'beaminit', '/bin/sh', '', d)}"
RPROVIDES:${PN} += "${BEAMINIT_SHELL}"
RPROVIDES:${PN}-sh += "${BEAMINIT_SHELL}"

INSANE_SKIP:${PN} += "textrel"

# For beaminit-release.bbclass, which checks images with it.
BBCLASSEXTEND = "native"
