# shellcheck shell=sh
# The hosts of the bench: `sh answering_hosts.sh FOLDER`. One sshd, in a mount namespace of its own: what is copied to a
# host lies in memory and goes with it. FOLDER holds sshd's configuration, keys and what it answers with.
set -eu
mount --make-rprivate /
mount -t tmpfs -o mode=755 hosts /run
cp -R "$1" /run/hosts
chown -R root:root /run/hosts
mkdir /run/sshd
# sshd lets nobody into a locked account, and the machine's root may be one.
sed 's/^root:[^:]*/root:*/' /etc/shadow >/run/hosts/shadow
mount --bind /run/hosts/shadow /etc/shadow
for place in /root /tmp /var /opt; do mount -t tmpfs -o mode=755 hosts "$place"; done
mkdir -m 1777 /var/tmp
chmod 1777 /tmp
ip route replace local "$2" dev lo
exec "$3" -D -e -f /run/hosts/sshd_config
