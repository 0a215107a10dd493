#!/bin/sh
# Links to what thick's daemon takes for the default network: the named file, or the first that is not Multus' own.
# Arguments: the CNI configuration directory, the file's name or `*`, the directory for the link.
set -eu
export LC_ALL=C
rm -f "$3"/*
# shellcheck disable=SC2231 # a pattern, or a name without blanks
for file in "$1"/$2; do
  case ${file##*/} in
  00-multus*) ;;
  *.conf | *.conflist) [ ! -f "$file" ] || exec ln -s "$file" "$3/" ;;
  esac
done
echo "$1: there is no default network yet" >&2
exit 1
