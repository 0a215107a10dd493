#!/usr/bin/env bash
# host-local before v1.10 answers a GC with success and gives nothing back.
#
# CNI 1.1 has the verb GC: the caller names the attachments that live (`cni.dev/valid-attachments`), and a plugin is to
# free what belongs to no other. host-local v1.9.1 says in its VERSION that it speaks 1.1.0, takes the call, ends with 0
# and leaves every reservation where it is; v1.10.0 frees them. Whoever cleans up with GC has to ask for the version
# first, since the answer does not tell.
# Source: containernetworking/plugins, plugins/ipam/host-local/main.go of both tags: v1.9.1 has no function for GC, which
# the library beneath it answers with success.
#
# Needs Linux, Go >= 1.25, jq. Expected output: see the end.
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
# An ID, and no network namespace: an IPAM plugin only keeps a book.
export CNI_CONTAINERID=gone CNI_IFNAME=eth0 CNI_NETNS=/proc/self/ns/net CNI_PATH=$folder CNI_ARGS=
printed=$(for version in v1.9.1 v1.10.0; do
    GOBIN=$folder/$version CGO_ENABLED=0 go install "github.com/containernetworking/plugins/plugins/ipam/host-local@$version" >/dev/null 2>&1
    conf=$(jq -n --arg dir "$folder/$version/leases" '{cniVersion: "1.1.0", name: "book", type: "bridge",
        ipam: {type: "host-local", subnet: "192.0.2.0/24", dataDir: $dir}}')
    echo "$conf" | CNI_COMMAND=ADD "$version/host-local" >/dev/null
    speaks=$(echo "$conf" | CNI_COMMAND=VERSION "$version/host-local" | jq -r '.supportedVersions[-1]')
    status=0
    echo "$conf" | jq '. + {"cni.dev/valid-attachments": []}' | CNI_COMMAND=GC "$version/host-local" || status=$?
    left=$(find "$version/leases" -name '192.0.2.*' | wc -l)
    echo "$version speaks $speaks, GC ends with $status, reservations left: $left"
done)
echo "$printed"
expected="v1.9.1 speaks 1.1.0, GC ends with 0, reservations left: 1
v1.10.0 speaks 1.1.0, GC ends with 0, reservations left: 0"
if [ "$printed" != "$expected" ]; then
    echo "The behaviour has changed." >&2
    exit 1
fi
echo "As stated: the same answer, and only v1.10.0 has done it."
