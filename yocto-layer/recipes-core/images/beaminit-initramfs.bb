SUMMARY = "An initramfs with beaminit as its /init, for a root that is behind a module"
DESCRIPTION = "It loads BEAMINIT_INITRAMFS_MODULES, waits for root=, mounts it, and goes on there. \
For INITRAMFS_IMAGE, or as an initrd of its own."
LICENSE = "Apache-2.0"

inherit core-image features_check

REQUIRED_DISTRO_FEATURES = "beaminit"

# By the kernel's names, such as "virtio_blk ext4"; what they need comes with them.
BEAMINIT_INITRAMFS_MODULES ?= ""

PACKAGE_INSTALL = "beaminit ${@' '.join('kernel-module-' + m.replace('_', '-') for m in d.getVar('BEAMINIT_INITRAMFS_MODULES').split())}"
IMAGE_FEATURES = ""
IMAGE_LINGUAS = ""
IMAGE_NAME_SUFFIX ?= ""
IMAGE_FSTYPES = "${INITRAMFS_FSTYPES}"
IMAGE_ROOTFS_SIZE = "8192"
IMAGE_ROOTFS_EXTRA_SPACE = "0"

ROOTFS_POSTPROCESS_COMMAND:append = " beaminit_initramfs"
beaminit_initramfs() {
	ln -sf ${base_sbindir}/beaminit ${IMAGE_ROOTFS}/init
	modules=
	for module in ${BEAMINIT_INITRAMFS_MODULES}; do
		modules="$modules, \"$module\""
	done
	if [ -n "$modules" ]; then
		install -d ${IMAGE_ROOTFS}${sysconfdir}
		printf '[kernel]\nmodules = [%s]\n' "${modules#, }" >${IMAGE_ROOTFS}${sysconfdir}/beaminit.toml
	fi
}
