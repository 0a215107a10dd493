#!/usr/bin/env bash
# containerd 2.4 takes `bin_dir` in a version 2 file and ignores it, with a warning alone, in a version 3 file.
#
# `bin_dir` names the directory of CNI plugins. containerd 2.0 moved CRI's settings to the table
# io.containerd.cri.v1.runtime (config version 3), where 2.1 renamed the key to the list `bin_dirs`. The same key with
# the same value means what it says in a version 2 file; in a version 3 file 2.4.2 drops it and uses /opt/cni/bin. A
# node whose file was written for 2.0 thus runs its plugins from another directory after an upgrade, and stays Ready.
#
# Needs Linux and Go >= 1.26. Expected output: see the end.
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
GOBIN=$folder CGO_ENABLED=0 go install github.com/containerd/containerd/v2/cmd/containerd@v2.4.2 >/dev/null 2>&1
./containerd --version | cut -d' ' -f2-3

cat >version2.toml <<'TOML'
version = 2
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/opt/elsewhere"
TOML
cat >version3.toml <<'TOML'
version = 3
[plugins."io.containerd.cri.v1.runtime".cni]
bin_dir = "/opt/elsewhere"
TOML

# The directories of CRI's CNI table as containerd has merged them; another plugin has a `bin_dir` of its own.
plugin_dirs() { ./containerd --config "$1" config dump 2>/dev/null | sed -n '/cri.*\.cni\]/,/^ *\[/s/^ *\(bin_dirs\{0,1\} = .*\)/\1/p' | sort | paste -sd' '; }

printed=$(for file in version2.toml version3.toml; do echo "$file: $(plugin_dirs "$file")"; done)
echo "$printed"
expected="version2.toml: bin_dirs = ['/opt/elsewhere']
version3.toml: bin_dirs = ['/opt/cni/bin']"
if [ "$printed" != "$expected" ]; then
    echo "The behaviour has changed." >&2
    exit 1
fi
echo "As stated: the same key is honoured in version 2 and ignored in version 3."
