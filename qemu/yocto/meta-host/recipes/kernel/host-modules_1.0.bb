SUMMARY = "Modules of this machine's kernel that an image needs under QEMU"
LICENSE = "CLOSED"
COMPATIBLE_HOST = "x86_64.*-linux"

do_install() {
	version=$(ls -v /boot/vmlinuz-*-cloud-amd64 | tail -n 1 | sed 's,.*/vmlinuz-,,')
	for module in virtio virtio_ring virtio_pci virtio_pci_modern_dev virtio_pci_legacy_dev \
		virtio_net virtio_blk net_failover failover tcp_diag inet_diag; do
		file=$(cd /lib/modules/$version && find . -name "$module.ko*")
		install -D -m 0644 /lib/modules/$version/$file ${D}${nonarch_base_libdir}/modules/$version/$file
	done
	install -m 0644 /lib/modules/$version/modules.dep /lib/modules/$version/modules.builtin \
		${D}${nonarch_base_libdir}/modules/$version/
}

FILES:${PN} = "${nonarch_base_libdir}/modules"
# As openembedded-core names the packages of single modules.
RPROVIDES:${PN} = "kernel-module-virtio-pci kernel-module-virtio-blk kernel-module-virtio-net"
INHIBIT_PACKAGE_STRIP = "1"
