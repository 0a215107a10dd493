#!/bin/sh
# Runs the node's own `dhcp` as the daemon that its plugin asks, and has it take up the leases of running pods.
#
# Source: CNI plugins v1.10.0, plugins/ipam/dhcp/main.go and daemon.go: the daemon does not start where a killed one has
# left its socket; it keeps leases in memory alone; and it answers the plugin's CHECK by getting a lease that it does not
# know, under the client id of before, for which a server has the same address.
# Argument: the node's plugin directory.
set -eu
plugin=$1/dhcp socket=/run/cni/dhcp.sock cache=/var/lib/cni

fail() { echo "$1" >&2 && exit 1; }

[ -x "$plugin" ] || fail "$plugin is not on this node: add dhcp to reference_plugins, or install it"
# The namespaces of the network are the host's, so that every listening socket of that path is seen here.
! grep -q " 00010000 .* $socket\$" /proc/net/unix || fail "another DHCP daemon listens at $socket on this node: stop it"
rm -f "$socket"

# text KEY: a text among the outermost members of a cached result, which is one line.
text() { sed -n "s/.*\"$1\":\"\\([^\"]*\\)\".*/\\1/p" "$file"; }

# The `ipam` of DHCP in a configuration, whose texts may have braces in them.
ipam() {
  tr '\n\r\t' ' ' | awk '{
    while (match($0, /"ipam" *: *\{/)) {
      $0 = substr($0, RSTART + RLENGTH - 1); depth = quoted = 0
      for (at = 1; at <= length($0); at++) {
        char = substr($0, at, 1)
        if (char == "\\") at++
        else if (char == "\"") quoted = !quoted
        else if (!quoted && char == "{") depth++
        else if (!quoted && char == "}" && --depth == 0) break
      }
      found = substr($0, 1, at); $0 = substr($0, at + 1)
      if (found ~ /"type" *: *"dhcp"/) { print found; exit }
    }
  }'
}

# What the runtime and Multus remember of interfaces that are there.
resume() {
  # A daemon that does not start leaves nothing to wait for.
  until [ -S "$socket" ]; do [ -d "/proc/$me" ] || return 0; sleep 1; done
  for file in "$cache"/results/* "$cache"/multus/results/*; do
    [ -f "$file" ] && [ -e "$(text netns)" ] || continue
    ipam=$(text config | base64 -d | ipam)
    [ -n "$ipam" ] || continue
    args=$(sed -n 's/.*"cniArgs":\[\[//p' "$file" | sed 's/\]\].*//; s/\],\[/;/g; s/","/=/g; s/"//g')
    echo "$(text containerId)/$(text networkName)/$(text ifName): asking for its lease again"
    printf '{"cniVersion":"1.0.0","name":"%s","type":"dhcp","ipam":%s}' "$(text networkName)" "$ipam" |
      CNI_COMMAND=CHECK CNI_CONTAINERID=$(text containerId) CNI_NETNS=$(text netns) CNI_IFNAME=$(text ifName) \
        CNI_ARGS=$args CNI_PATH=$1 timeout 30 "$plugin" || echo "$(text ifName) of $(text containerId): no lease" >&2
  done
}

# The kubelet takes one of two dollars away from a command, so that the shell's own name for it would not arrive.
read -r me _ </proc/self/stat
resume "$1" &
exec "$plugin" daemon
