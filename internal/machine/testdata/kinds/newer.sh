#!/bin/sh
# newer.sh ROOT DIR: makes the releases of which DIR has the sources with the Erlang/OTP and
# the Elixir in ROOT. It is run in a mount namespace of its own.
set -eu
mount --rbind /dev "$1/dev"
mount -t proc proc "$1/proc"
mount --bind "$2" "$1/tmp"
mkdir "$2/systools"
exec chroot "$1" sh -ec '
cd /tmp/relx && rebar3 release --all
cd /tmp/mix && mix do compile + run --no-start -e "for r <- ~w(plain runtime reboot), do: Mix.Task.rerun(\"release\", [r, \"--quiet\"])"
cd /tmp/demo && escript build.escript eclero /tmp/systools'
