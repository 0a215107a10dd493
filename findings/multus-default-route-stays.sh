#!/usr/bin/env bash
# Multus v4.3.0 does not move a pod's default route, although it reports that it did.
#
# A pod may ask for its default route on an additional interface (`default-route` in the annotation
# k8s.v1.cni.cncf.io/networks). Multus then deletes the route of eth0 (netutils.DeleteDefaultGW) and adds one on the
# other interface (netutils.SetDefaultGW). The first looks for routes whose destination is nil; the netlink library that
# v4.3.0 is built with (v1.3.1) reports 0.0.0.0/0 instead, so nothing is deleted. The second then meets the old route
# and takes "file exists" for success. Both return no error; traffic goes on by eth0.
# Source: multus-cni v4.3.0 pkg/netutils/netutils.go.
#
# Needs Linux, root (a network namespace of its own), Go >= 1.25, iproute2. Expected output: see the end.
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
cat >main.go <<'GO'
package main

import (
	"fmt"
	"net"

	"gopkg.in/k8snetworkplumbingwg/multus-cni.v4/pkg/netutils"
)

func main() {
	pod := "/proc/self/ns/net"
	fmt.Println("DeleteDefaultGW eth0:", netutils.DeleteDefaultGW(pod, "eth0"))
	fmt.Println("SetDefaultGW net1:", netutils.SetDefaultGW(pod, "net1", []net.IP{net.ParseIP("192.0.2.1")}))
}
GO
go mod init finding >/dev/null 2>&1
go get gopkg.in/k8snetworkplumbingwg/multus-cni.v4@v4.3.0 >/dev/null 2>&1
go mod tidy >/dev/null 2>&1
echo "built with $(go list -m github.com/vishvananda/netlink)"
go build -o finding .
# shellcheck disable=SC2016 # the inner shell expands it
printed=$(unshare --net sh -ec '
    ip link add eth0 type veth peer name host0
    ip link add net1 type veth peer name host1
    ip address add 198.51.100.2/24 dev eth0
    ip address add 192.0.2.2/24 dev net1
    for link in eth0 host0 net1 host1; do ip link set $link up; done
    ip route add default via 198.51.100.1
    ./finding
    ip -4 route show default')
echo "$printed"
expected='DeleteDefaultGW eth0: <nil>
SetDefaultGW net1: <nil>
default via 198.51.100.1 dev eth0 '
if [ "$printed" != "$expected" ]; then
    echo "The behaviour has changed." >&2
    exit 1
fi
echo "As stated: no error, and the default route is still eth0's."
