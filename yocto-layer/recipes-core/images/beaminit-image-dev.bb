SUMMARY = "beaminit-image-minimal with a shell's commands, strace and tcpdump"
DESCRIPTION = "beaminit starts no login: the tools are reached from the release's own \
Erlang shell (remsh, os:cmd)."

require beaminit-image.inc

# tcpdump is meta-networking's.
IMAGE_INSTALL += "busybox strace ${@bb.utils.contains('BBFILE_COLLECTIONS', 'networking-layer', 'tcpdump', '', d)}"
