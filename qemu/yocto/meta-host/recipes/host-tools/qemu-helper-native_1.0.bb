SUMMARY = "The place where runqemu looks for QEMU"
LICENSE = "CLOSED"

inherit native

DEPENDS = "host-qemu-native"

# The task that images ask for: the sysroot is made before it runs.
do_addto_recipe_sysroot() {
	test -x ${RECIPE_SYSROOT_NATIVE}${bindir_native}/qemu-system-x86_64
}
do_addto_recipe_sysroot[depends] += "host-qemu-native:do_populate_sysroot"
addtask addto_recipe_sysroot after do_populate_sysroot before do_build
