#!/bin/sh
# Before thick's daemon stops: the runtime turns to the standby, where there is one. A daemon that is told to stop drops
# what it is doing: an interface half made, and one that is never given back.
# Argument: the CNI configuration directory.
[ -f "$1/00-multus.conflist" ] || exit 0
rm -f "$1/00-multus.conf"
for _ in 1 2 3 4 5 6 7 8 9 10; do
  sleep 1
  grep -qsx multus-shim /proc/[0-9]*/comm || break
done
