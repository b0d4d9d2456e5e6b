#!/bin/sh
# newer-otp.sh DIR SUITE: the Erlang/OTP, Elixir and rebar3 of another Debian than this
# one, in DIR, with the C library that they are linked with. Nothing is installed; what
# makes releases there runs in it by chroot(8).
set -eu
dir=$1 suite=$2
packages="libc6 libgcc-s1 libstdc++6 libtinfo6 zlib1g libzstd1 libssl3t64 libsystemd0 libcap2
  dash coreutils libacl1 libattr1 libselinux1 libpcre2-8-0 libgmp10
  erlang-base erlang-crypto erlang-asn1 erlang-public-key erlang-ssl erlang-dev erlang-parsetools
  erlang-syntax-tools erlang-tools erlang-inets erlang-eunit erlang-runtime-tools elixir rebar3"
work=$dir.work
rm -rf "$work" "$dir" && mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/debs" "$dir"
work=$(cd "$work" && pwd) dir=$(cd "$dir" && pwd)
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian $suite main" >"$work/sources.list"
: >"$work/status"
set -- -qq -o Acquire::Retries=3 -o Acquire::Languages=none -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=- \
  -o Dir::State::Lists="$work/lists" -o Dir::Cache="$work/cache" -o Dir::State::status="$work/status" \
  -o APT::Sandbox::User=root
apt-get "$@" update
cd "$work/debs"
apt-get "$@" download $packages >/dev/null
for deb in *.deb; do
  dpkg -x "$deb" "$dir"
done
cd "$dir"
for link in bin lib lib64 sbin; do # as base-files has them
  test -e $link || ln -s usr/$link $link
done
mkdir -p dev proc tmp root
rm -rf "$work" usr/share/doc usr/share/man
