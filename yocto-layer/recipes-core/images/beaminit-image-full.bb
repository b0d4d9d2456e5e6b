SUMMARY = "beaminit-image-minimal for every day: ssh, a shell, tools for disks, the time"
DESCRIPTION = "BusyBox, dropbear, e2fsprogs and, with meta-networking, chrony, as services of \
beaminit. Health is on the serial console as of the other images."

require beaminit-image.inc

# chrony is meta-networking's.
BEAMINIT_CHRONY ?= "${@bb.utils.contains('BBFILE_COLLECTIONS', 'networking-layer', 'chrony chronyc', '', d)}"
BEAMINIT_TOML ?= "${THISDIR}/files/beaminit-full.toml ${@'${THISDIR}/files/beaminit-chrony.toml' if d.getVar('BEAMINIT_CHRONY') else ''}"
IMAGE_INSTALL += "busybox dropbear e2fsprogs-e2fsck e2fsprogs-mke2fs e2fsprogs-resize2fs ${BEAMINIT_CHRONY}"

# root-a, root-b and data. Scarthgap does not look in files/wic.
WKS_FILE ?= "${THISDIR}/../../files/wic/beaminit-ab.wks"

# A file with the public keys that let root in, as in sshd(8).
BEAMINIT_AUTHORIZED_KEYS ??= ""
do_rootfs[file-checksums] += "${@f + ':True' if (f := d.getVar('BEAMINIT_AUTHORIZED_KEYS')) else ''}"
ROOTFS_POSTPROCESS_COMMAND:append = " beaminit_authorized_keys"
beaminit_authorized_keys() {
	if [ -n "${BEAMINIT_AUTHORIZED_KEYS}" ]; then
		install -d -m 0700 ${IMAGE_ROOTFS}${ROOT_HOME}/.ssh
		install -m 0600 ${BEAMINIT_AUTHORIZED_KEYS} ${IMAGE_ROOTFS}${ROOT_HOME}/.ssh/authorized_keys
	fi
}

# dropbear looks for its keys in /etc/dropbear, and makes what it does not find: on the partition
# for data.
ROOTFS_POSTPROCESS_COMMAND:append = " beaminit_host_keys"
beaminit_host_keys() {
	rm -rf ${IMAGE_ROOTFS}${sysconfdir}/dropbear
	ln -s /data/dropbear ${IMAGE_ROOTFS}${sysconfdir}/dropbear
}
