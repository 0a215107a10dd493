#!/bin/sh
# The first process of a node, in namespaces of its own: makes the machine's file tree look like a machine of its own,
# then stays, so that the namespaces do.
# Arguments: the folder of the node's disk, the folders of its programs as an overlay takes them, the node's name.
set -eu
disk=$1 programs=$2 name=$3

mount --make-rprivate /
hostname "$name"

mount -t overlay overlay -o "lowerdir=/etc,upperdir=$disk/etc,workdir=$disk/etc.work" /etc
mount -t overlay overlay -o "lowerdir=/usr/local,upperdir=$disk/usr/local,workdir=$disk/local.work" /usr/local

# /run is put together aside, because it may cover the folder of the programs.
mount -t tmpfs -o mode=0755 tmpfs "$disk/run"
mkdir -p "$disk/run/lock" "$disk/run/sshd" "$disk/run/netns" "$disk/run/multus-lab/bin" "$disk/run/multus-lab/none" "$disk/run/multus-lab/sysctl"
# An overlay without a writable layer has at least two others.
mount -t overlay overlay -o "lowerdir=$programs:$disk/run/multus-lab/none" "$disk/run/multus-lab/bin"

# The kubelet sets these for the whole machine; here it sets copies.
for setting in vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops \
	kernel/keys/root_maxkeys kernel/keys/root_maxbytes; do
	copy="$disk/run/multus-lab/sysctl/$(basename "$setting")"
	cat "/proc/sys/$setting" >"$copy"
	mount --bind "$copy" "/proc/sys/$setting"
done

mount --rbind "$disk/run" /run
mount --bind "$disk/opt" /opt
# The disk's own folder may lie under /var or /tmp, so these come last.
mount --bind "$disk/var" /var
mount -t tmpfs -o mode=1777 tmpfs /tmp

# A runtime passes mounts between node and pods; a plain machine's / is shared.
mount --make-rshared /

echo ready
# Whoever loses its parent becomes this process' child: ignoring the signal reaps it. (dash does not pass that trap on.)
exec env --ignore-signal=CHLD sleep infinity
