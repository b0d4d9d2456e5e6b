SUMMARY = "beaminit and one release on a read-only root, and nothing else"
DESCRIPTION = "No shell, no BusyBox, no epmd. The serial console says how the node is."

require beaminit-image.inc

# A package that brings one of these after all has to stop the build.
PACKAGE_EXCLUDE = "busybox erlang-epmd"
