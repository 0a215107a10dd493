#!/bin/sh
# Copies plugins that are not there yet: a link counts as there even where it leads nowhere in this pod. A hard link
# appears at once and never replaces anything.
# Arguments: the directory in the image, the node's plugin directory, the plugins.
set -eu
from=$1
cd "$2"
shift 2
for name; do
  if [ -e "$name" ] || [ -L "$name" ]; then echo "$name is there"; continue; fi
  # A link that somebody has laid there is not written through.
  rm -f ".$name.multus-install"
  cp "$from/$name" ".$name.multus-install"
  chmod 0755 ".$name.multus-install"
  ln ".$name.multus-install" "$name"
  rm ".$name.multus-install"
  echo "$name copied"
done
