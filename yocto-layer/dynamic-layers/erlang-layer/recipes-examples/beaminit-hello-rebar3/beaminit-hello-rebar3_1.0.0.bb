SUMMARY = "An example: a release that meta-erlang's class rebar3 builds"
DESCRIPTION = "In an image: BEAMINIT_RELEASE_PACKAGE = \"beaminit-hello-rebar3\"."
LICENSE = "Apache-2.0"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/Apache-2.0;md5=89aea4e17d99a7cacdbeed46a0096b10"

SRC_URI = "file://beaminit-hello-rebar3"

# Scarthgap has no UNPACKDIR yet.
S = "${@d.getVar('UNPACKDIR') or d.getVar('WORKDIR')}/beaminit-hello-rebar3"

inherit rebar3
