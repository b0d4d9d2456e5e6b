# By a file of its own: a condition in SRC_URI itself would change the signatures of
# builds that have not chosen beaminit.
require ${@bb.utils.contains('DISTRO_FEATURES', 'beaminit', 'beaminit-kernel.inc', '', d)}
