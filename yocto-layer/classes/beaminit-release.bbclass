# For images: puts a release and its beaminit.toml into the image and asks beaminit
# itself whether a node would boot from it.
#
#   inherit beaminit-release
#   BEAMINIT_RELEASE = "${THISDIR}/files/eclero-1.0.0.tar.gz"
#   BEAMINIT_TOML    = "${THISDIR}/files/beaminit.toml"
#
# A release is a tar.gz of relx, mix release or systools:make_tar. Where a package
# brings the release or the file, its variable stays empty; what is checked is the
# finished root file system, however it came about.

BEAMINIT_RELEASE ??= ""
# One file, or several that become one.
BEAMINIT_TOML ??= ""
# An erlinit.config, which meta-erlang's recipe erlinit would bring.
BEAMINIT_ERLINIT_CONFIG ??= ""
# Packages with a release, as recipes with meta-erlang's classes rebar3 and mix make them.
BEAMINIT_RELEASE_PACKAGE ??= ""
# The place must be one of release.path.
BEAMINIT_RELEASE_DIR ?= "/srv/erlang"
# For the check: a kernel command line with whatever only one node knows. Of names of
# machines, _ is none of a host's.
BEAMINIT_CHECK_CMDLINE ?= "ip=192.168.7.2::192.168.7.1:255.255.255.0:${@d.getVar('MACHINE').replace('_', '-')}:eth0:off"
# What only a node can have, and what is meant: extended regular expressions, one a word, a
# dot for a blank. The cookie is put on the data partition when a board is made, not into the
# image.
BEAMINIT_CHECK_ALLOW ?= "^no.cookie:"

do_rootfs[depends] += "beaminit-native:do_populate_sysroot"
do_rootfs[file-checksums] += "${@' '.join(f + ':True' for f in (d.getVar('BEAMINIT_RELEASE') + ' ' + d.getVar('BEAMINIT_TOML') + ' ' + d.getVar('BEAMINIT_ERLINIT_CONFIG')).split())}"

# BitBake keeps the stamp of the last good do_rootfs until there is another good one. If one
# in between is refused, and what was wrong is taken back, that stamp fits again, and what
# the refused one left behind would become the image.
do_rootfs[prefuncs] += "beaminit_forget_rootfs"
python beaminit_forget_rootfs() {
    bb.build.clean_stamp('do_rootfs', d)
}

ROOTFS_POSTPROCESS_COMMAND:prepend = "beaminit_install beaminit_link_release "
ROOTFS_POSTPROCESS_COMMAND:append = " beaminit_hosts beaminit_mountpoints"
# The check comes last of all: after read-only-rootfs has done its changes, after the scripts
# for a first boot were put in their place, and after depmod.
BEAMINIT_CHECKS = "beaminit_init beaminit_postinsts beaminit_check beaminit_manifest"
do_rootfs[postfuncs] += "${BEAMINIT_CHECKS}"
do_rootfs[vardeps] += "${BEAMINIT_CHECKS}"

beaminit_install() {
	if [ -n "${BEAMINIT_RELEASE}" ]; then
		dir=${IMAGE_ROOTFS}${BEAMINIT_RELEASE_DIR}
		install -d "$dir"
		tar -C "$dir" --no-same-owner -xzf "${BEAMINIT_RELEASE}" || bbfatal "${BEAMINIT_RELEASE} cannot be unpacked"
		chown -R root:root "$dir"
		chmod -R u+rwX,go+rX,go-w "$dir"
	fi
	if [ -n "${BEAMINIT_TOML}" ]; then
		install -d ${IMAGE_ROOTFS}${sysconfdir}
		rm -f ${IMAGE_ROOTFS}${sysconfdir}/beaminit.toml
		cat ${BEAMINIT_TOML} >${IMAGE_ROOTFS}${sysconfdir}/beaminit.toml
		chmod 0644 ${IMAGE_ROOTFS}${sysconfdir}/beaminit.toml
	fi
	if [ -n "${BEAMINIT_ERLINIT_CONFIG}" ]; then
		install -D -m 0644 "${BEAMINIT_ERLINIT_CONFIG}" ${IMAGE_ROOTFS}${sysconfdir}/erlinit.config
	fi
}

# meta-erlang's classes install a release to ${libdir}/NAME.
beaminit_link_release() {
	[ -e ${IMAGE_ROOTFS}${BEAMINIT_RELEASE_DIR} ] && return
	releases=
	for name in ${BEAMINIT_RELEASE_PACKAGE}; do
		[ ! -d ${IMAGE_ROOTFS}${libdir}/$name/releases ] || releases="$releases ${libdir}/$name"
	done
	case $releases in
	"") ;;
	" "*" "*) bbfatal "more than one release in BEAMINIT_RELEASE_PACKAGE:$releases; want one" ;;
	*)
		install -d ${IMAGE_ROOTFS}$(dirname ${BEAMINIT_RELEASE_DIR})
		ln -s $releases ${IMAGE_ROOTFS}${BEAMINIT_RELEASE_DIR}
		;;
	esac
}

# base-files says "127.0.1.1 NAME": a node that is found under it is found by nobody
# else. beaminit writes /etc/hosts and /etc/resolv.conf at boot, and on a read-only root
# shows its own over these; until then they name the loopback only. Links are left alone: on
# the build host one would lead to the host's own file, or nowhere.
beaminit_hosts() {
	for file in ${IMAGE_ROOTFS}${sysconfdir}/hosts ${IMAGE_ROOTFS}${sysconfdir}/resolv.conf; do
		[ -L $file ] || [ -e $file ] || : >$file
	done
	[ -L ${IMAGE_ROOTFS}${sysconfdir}/hosts ] || sed -i '/^127\.0\.1\.1[[:space:]]/d' ${IMAGE_ROOTFS}${sysconfdir}/hosts
}

# On a read-only root nobody can make the places to mount on later. Which there are, of
# beaminit.toml, erlinit.config and fstab, the plan tells; those of partitions of a .wks wic adds
# to the fstab of its image when this one is done. Of a template it is too early for the .wks itself.
do_rootfs[file-checksums] += "${@f + ':True' if (f := d.getVar('WKS_TEMPLATE_PATH') or d.getVar('WKS_FULL_PATH')) else ''}"
beaminit_mountpoints() {
	beaminit plan --json --root ${IMAGE_ROOTFS} --cmdline '${BEAMINIT_CHECK_CMDLINE}' >${T}/beaminit-plan || bbfatal "beaminit plan failed"
	python3 -c 'import json, sys; print(*json.load(sys.stdin)["targets"], sep="\n")' <${T}/beaminit-plan >${T}/beaminit-targets
	wks=${WKS_TEMPLATE_PATH}
	[ -n "$wks" ] || wks=${WKS_FULL_PATH}
	[ ! -e "$wks" ] || sed -nE 's,^[[:space:]]*part(ition)?[[:space:]]+(/[^[:space:]]+).*,\2,p' "$wks" >>${T}/beaminit-targets
	while read -r target; do
		# A link on the way would lead out of the image, to the build host's directories.
		place= rest=${target#/}
		while [ -n "$rest" ]; do
			place=$place/${rest%%/*}
			case $rest in
			*/*) rest=${rest#*/} ;;
			*) rest= ;;
			esac
			if [ -L "${IMAGE_ROOTFS}$place" ]; then
				bbwarn "mount on $target: $place is a link, behind which nothing is made; want the target without it"
				continue 2
			fi
		done
		[ -e "${IMAGE_ROOTFS}$target" ] || install -d "${IMAGE_ROOTFS}$target"
	done <${T}/beaminit-targets
}

# Whom the kernel starts: a package that brings its own /sbin/init, as meta-erlang's erlinit does,
# keeps it in spite of update-alternatives. overlayfs-etc moves the link aside, for a script of a shell.
beaminit_init() {
	init=${base_sbindir}/init
	link=$(readlink ${IMAGE_ROOTFS}$init || :)
	orig=$(readlink ${IMAGE_ROOTFS}$init.orig || :)
	case " ${BEAMINIT_CHECK_CMDLINE} " in
	*" init="*) return ;;
	esac
	if [ "${orig##*/}" = beaminit ]; then
		[ -e ${IMAGE_ROOTFS}/bin/sh ] || [ -L ${IMAGE_ROOTFS}/bin/sh ] || bbfatal "no node would boot from this image: $init is a script (overlayfs-etc), and the image has no /bin/sh; want root.overlay in beaminit.toml instead of it, or a shell"
	elif [ "${link##*/}" != beaminit ]; then
		bbfatal "this image boots without beaminit: its $init is ${link:-no link}, of another package; want that one out of IMAGE_INSTALL, or init= in BEAMINIT_CHECK_CMDLINE and on the board"
	fi
}

# Scripts of packages that could not run when the image was made: run-postinsts runs them on
# the node, and removes each that has done its work.
beaminit_postinsts() {
	scripts=$(cd ${IMAGE_ROOTFS}${sysconfdir} && find . -path './*-postinsts/*' ! -type d | sed 's,.*/[0-9]*-*,,' | sort | tr '\n' ' ')
	if [ -n "$scripts" ] && ! grep -qs '^[^#]*run-postinsts' ${IMAGE_ROOTFS}${sysconfdir}/beaminit.toml; then
		bbfatal "these packages are to be configured on the node, and nothing does it: $scripts; want in beaminit.toml
[[service]]
name = \"postinsts\"
exec = [\"${sbindir}/run-postinsts\"]
start = \"before\"
restart = \"once\""
	fi
}

# What packages would have systemd or sysvinit start: where the distribution has neither, units
# are left out and scripts are linked nowhere, and the data of the packages alone tell of it. A
# package counts as started where the configuration has the name of one of its services, with
# or without a d at its end.
beaminit_services() {
	case " ${IMAGE_FEATURES} " in
	*" serial-autologin-root "*) echo "note: IMAGE_FEATURES: serial-autologin-root is without effect: there is no login; want console.tty in beaminit.toml" ;;
	esac
	[ -e "${IMAGE_MANIFEST}" ] || return 0
	cat ${IMAGE_ROOTFS}${sysconfdir}/beaminit.toml ${IMAGE_ROOTFS}${sysconfdir}/erlinit.config ${T}/beaminit-check 2>/dev/null | sed 's/^[[:space:]]*#.*//' >${T}/beaminit-named
	while read -r package rest; do
		case " ${BEAMINIT_RELEASE_PACKAGE} run-postinsts " in
		*" $package "*) continue ;;
		esac
		services=$(beaminit_services_of ${PKGDATA_DIR}/runtime-reverse/$package)
		for service in $services; do
			service=${service%.*}
			service=${service%@}
			! grep -Eq "(^|[^[:alnum:]_-])${service%d}d?([^[:alnum:]_-]|\$)" ${T}/beaminit-named || continue 2
		done
		[ -z "$services" ] || echo "note: package $package: nothing starts" $services"; want [[service]] or release.run_once"
	done <${IMAGE_MANIFEST}
}

# The services in the data of one package, but for those that wait for somebody to enable them.
beaminit_services_of() {
	[ ! -e "$1" ] || awk -v package="$(basename $(readlink -f "$1"))" '
		function has(list) { return index(" " list " ", " " package " ") }
		{
			name = substr($1, 1, length($1) - 1)
			at = length(name) - length(package)
			of = substr(name, at) == ":" package
			if (of)
				name = substr(name, 1, at - 1)
			own[name] = of
			$1 = ""
			value[name] = $0
		}
		END {
			if (value["INITSCRIPT_PACKAGES"] == "")
				value["INITSCRIPT_PACKAGES"] = value["PN"]
			if (own["SYSTEMD_SERVICE"] || has(value["SYSTEMD_PACKAGES"]))
				if (value["SYSTEMD_AUTO_ENABLE"] !~ /disable|mask/)
					print value["SYSTEMD_SERVICE"]
			if (own["INITSCRIPT_NAME"] || has(value["INITSCRIPT_PACKAGES"]))
				print value["INITSCRIPT_NAME"]
		}' "$1"
}

# Modules that udev would load for the devices they drive, and nobody does here.
beaminit_drivers() {
	! grep -Eqs '^[[:space:]]*(kernel\.)?autoload[[:space:]]*=[[:space:]]*true' ${IMAGE_ROOTFS}${sysconfdir}/beaminit.toml || return 0
	beaminit plan --json --root ${IMAGE_ROOTFS} --cmdline '${BEAMINIT_CHECK_CMDLINE}' |
		python3 -c 'import json, sys; print(*(m.split()[0] for m in json.load(sys.stdin)["modules"]), sep="\n")' >${T}/beaminit-modules
	for modules in ${IMAGE_ROOTFS}${nonarch_base_libdir}/modules/*; do
		[ ! -e $modules/modules.alias ] || awk '
			function module(path) { sub(/.*\//, "", path); sub(/\.ko.*/, "", path); gsub(/-/, "_", path); return path }
			FILENAME ~ /beaminit-modules$/ { loaded[module($1)] = 1; next }
			FILENAME ~ /modules.dep$/ {
				sub(/:$/, "", $1)
				for (i = 2; i <= NF && module($1) in loaded; i++)
					needed[module($i)] = 1
				next
			}
			/^alias (acpi|amba|dmi|hid|i2c|input|mdio|of|pci|platform|pnp|sdio|serio|spi|usb|virtio)[^ ]*:/ && !(module($3) in loaded) && !(module($3) in needed) && !seen[$3]++ {
				if (n++ < 3)
					names = names " " $3
			}
			END { if (n) print "note: image: drivers that nobody loads: " n " modules, such as" names "; want kernel.autoload = true, or those that a node needs in kernel.modules" }
			' ${T}/beaminit-modules $modules/modules.dep $modules/modules.alias
	done
}

beaminit_check() {
	status=0
	beaminit check --root ${IMAGE_ROOTFS} --cmdline '${BEAMINIT_CHECK_CMDLINE}' >${T}/beaminit-check 2>&1 || status=$?
	beaminit_services >${T}/beaminit-more
	beaminit_drivers >>${T}/beaminit-more
	cat ${T}/beaminit-more >>${T}/beaminit-check
	for allow in ${BEAMINIT_CHECK_ALLOW}; do
		sed -i -E "\\,$allow,d" ${T}/beaminit-check
	done
	sed -n 's/^note: //p' ${T}/beaminit-check >${T}/beaminit-notes
	sed -i '/^note: /d' ${T}/beaminit-check
	if [ -s ${T}/beaminit-notes ]; then
		bbwarn "a node boots from this image, and not all of it has effect there:
$(cat ${T}/beaminit-notes)"
	fi
	if [ $status -gt 1 ] || [ -s ${T}/beaminit-check ]; then
		bbfatal "no node would boot from this image:
$(cat ${T}/beaminit-check)"
	fi
}

# What a release that came as a tar.gz is made of: no package, and so no manifest, says it.
# One line each, "NAME VERSION", beside the image's own manifest.
beaminit_manifest() {
	beaminit_release=${IMAGE_ROOTFS}${BEAMINIT_RELEASE_DIR}
	[ ! -L $beaminit_release ] || beaminit_release=${IMAGE_ROOTFS}$(readlink $beaminit_release)
	install -d ${IMGDEPLOYDIR}
	for dir in $beaminit_release/erts-* $beaminit_release/*/erts-* $beaminit_release/lib/*-* $beaminit_release/*/lib/*-*; do
		name=${dir##*/}
		[ ! -d "$dir" ] || echo "${name%%-*} ${name#*-}"
	done | sort -u >${IMGDEPLOYDIR}/${IMAGE_NAME}.release-manifest
	[ -z "${IMAGE_LINK_NAME}" ] || ln -sf ${IMAGE_NAME}.release-manifest ${IMGDEPLOYDIR}/${IMAGE_LINK_NAME}.release-manifest
}
