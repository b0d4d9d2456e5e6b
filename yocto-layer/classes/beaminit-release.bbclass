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

BEAMINIT_RELEASE ?= ""
BEAMINIT_TOML ?= ""
# The place must be one of release.path.
BEAMINIT_RELEASE_DIR ?= "/srv/erlang"
# For the check: a kernel command line with whatever only one node knows.
BEAMINIT_CHECK_CMDLINE ?= "ip=192.168.7.2::192.168.7.1:255.255.255.0:${MACHINE}:eth0:off"
# What only a node can have: extended regular expressions, one a word, a dot for a blank.
# The cookie is put on the data partition when a board is made, not into the image.
BEAMINIT_CHECK_ALLOW ?= "^no.cookie:"

do_rootfs[depends] += "beaminit-native:do_populate_sysroot"
do_rootfs[file-checksums] += "${@' '.join(f + ':True' for f in (d.getVar('BEAMINIT_RELEASE') + ' ' + d.getVar('BEAMINIT_TOML')).split())}"

# BitBake keeps the stamp of the last good do_rootfs until there is another good one. If one
# in between is refused, and what was wrong is taken back, that stamp fits again, and what
# the refused one left behind would become the image.
do_rootfs[prefuncs] += "beaminit_forget_rootfs"
python beaminit_forget_rootfs() {
    bb.build.clean_stamp('do_rootfs', d)
}

# The check comes last of all, after read-only-rootfs has done its changes too.
ROOTFS_POSTPROCESS_COMMAND:prepend = "beaminit_install "
ROOTFS_POSTPROCESS_COMMAND:append = " beaminit_hosts beaminit_check"

beaminit_install() {
	if [ -n "${BEAMINIT_RELEASE}" ]; then
		dir=${IMAGE_ROOTFS}${BEAMINIT_RELEASE_DIR}
		install -d "$dir"
		tar -C "$dir" --no-same-owner -xzf "${BEAMINIT_RELEASE}" || bbfatal "${BEAMINIT_RELEASE} cannot be unpacked"
		chown -R root:root "$dir"
		chmod -R u+rwX,go+rX,go-w "$dir"
	fi
	if [ -n "${BEAMINIT_TOML}" ]; then
		install -D -m 0644 "${BEAMINIT_TOML}" ${IMAGE_ROOTFS}${sysconfdir}/beaminit.toml
		# On a read-only root nobody can make the places to mount on later.
		sed -n 's,^[[:space:]]*target[[:space:]]*=[[:space:]]*"\(/[^"]*\)".*,\1,p' "${BEAMINIT_TOML}" | while read -r target; do
			install -d "${IMAGE_ROOTFS}$target"
		done
	fi
}

# base-files says "127.0.1.1 NAME": a node that is found under it is found by nobody
# else. beaminit writes /etc/hosts and /etc/resolv.conf at boot, and on a read-only root
# shows its own over these; until then they name the loopback only.
beaminit_hosts() {
	touch ${IMAGE_ROOTFS}${sysconfdir}/hosts ${IMAGE_ROOTFS}${sysconfdir}/resolv.conf
	sed -i '/^127\.0\.1\.1[[:space:]]/d' ${IMAGE_ROOTFS}${sysconfdir}/hosts
}

beaminit_check() {
	status=0
	beaminit check --root ${IMAGE_ROOTFS} --cmdline '${BEAMINIT_CHECK_CMDLINE}' >${T}/beaminit-check 2>&1 || status=$?
	for allow in ${BEAMINIT_CHECK_ALLOW}; do
		sed -i -E "\\,$allow,d" ${T}/beaminit-check
	done
	beaminit_libraries >>${T}/beaminit-check
	if [ $status -gt 1 ] || [ -s ${T}/beaminit-check ]; then
		bbfatal "no node would boot from this image:
$(cat ${T}/beaminit-check)"
	fi
}

# The libraries that ERTS is linked with, wherever the loader looks; it also looks in
# what ld.so.conf says, so any place below a lib directory counts.
beaminit_libraries() {
	for program in ${IMAGE_ROOTFS}${BEAMINIT_RELEASE_DIR}/erts-*/bin/* ${IMAGE_ROOTFS}${BEAMINIT_RELEASE_DIR}/*/erts-*/bin/*; do
		case ${program##*/} in
		erlexec|beam.smp|erl_child_setup|inet_gethost) ;;
		*) continue ;;
		esac
		LC_ALL=C readelf -d "$program" | sed -n 's/.*(NEEDED).*\[\(.*\)\].*/\1/p' | while read -r library; do
			found=$(find ${IMAGE_ROOTFS}/lib* ${IMAGE_ROOTFS}/usr/lib* -name "$library" -print -quit 2>/dev/null || true)
			if [ -z "$found" ]; then
				echo "${program#${IMAGE_ROOTFS}}: needs the library $library, which no package brought; want it in IMAGE_INSTALL"
			fi
		done
	done
}
