#!/bin/sh
# What an engineer writes for erlinit: the address and the host name of the kernel's ip=.
for word in $(cat /proc/cmdline); do
  case $word in
    ip=*) IFS=:; set -- ${word#ip=}; unset IFS; address=$1; host=$5 ;;
  esac
done
hostname "$host"
ip link set lo up
ip address add "$address/24" dev eth0
ip link set eth0 up
