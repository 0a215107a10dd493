# host-local's reservations: a file for each address, named by it, with the sandbox's id and the interface in its two lines.

reserved=$root/var/lib/cni/networks

# living: sandboxes that run, and whatever else does, one id a line. False where nothing here tells; in `known`, whether it
# is containerd's own word on all of them.
living() {
    known=false
    for directory in $runtime_state /run/k3s/containerd /run/containerd; do
        tasks=$root$directory/io.containerd.runtime.v2.task
        [ ! -d "$tasks/k8s.io" ] || known=true
        for task in "$tasks"/*/*; do [ ! -d "$task" ] || say "${task##*/}"; done
    done
    $known || { has crictl && timeout 10 crictl pods --quiet --no-trunc; } 2>/dev/null
}

# leaked: reservations of sandboxes that are no more, as `file id`. A pod that is being made reserves before it runs, and
# the kubelet gives that four minutes.
leaked() {
    living >"$state/.living" && [ -d "$reserved" ] || return 0
    find "$reserved" -type f -mmin +5 | while read -r file; do
        id=$(head -n 1 "$file" | tr -d '\r')
        case $id in '' | *[!0-9a-f]*) continue ;; esac
        grep -qx "$id" "$state/.living" || say "${file#"$root"} $id"
    done
}

# attached NETWORK: the reservations that stay, as members of JSON.
attached() {
    for file in "$reserved/$1"/*; do
        case ${file##*/} in lock | last_reserved_ip.*) continue ;; esac
        grep -qF "${file#"$root"} " "$state/.leaked" ||
            tr -d '\r' <"$file" | awk '{ line[NR] = $0 } END { printf "{\"containerID\":\"%s\",\"ifname\":\"%s\"}\n", line[1], line[2] }'
    done | tr '\n' , | sed 's/,$//'
}

# Whether a file of the runtime or of another tool tells of a network: then it gets new reservations at this moment.
is_in_use() {
    for file in "$conf"/*.conf* "$conf"/*.json "$root"/etc/cni/net.d/*.conf* "$root"/etc/cni/net.d/*/*.conf*; do
        [ ! -f "$file" ] || [ "$(json "$file" 2>/dev/null | leaf /name)" != "$1" ] || return 0
    done
    return 1
}

# networks_of FILE: the networks that lines of `leaked` are about.
networks_of() { sed 's|/[^/]* [^ ]*$||; s|.*/||' "$1" | sort -u; }

# Leaked reservations of networks that nothing on this node uses any more.
leaked_for_good() {
    leaked >"$state/.leaked"
    networks_of "$state/.leaked" | while read -r network; do
        is_in_use "$network" || grep -F "/$network/" "$state/.leaked"
    done
}

# collect: what no cache of Multus tells of goes by host-local's own GC, which takes whatever is not among the attachments
# that it is told. Source: CNI plugins v1.10.0, plugins/ipam/host-local/main.go, cmdGC; before 1.10 it does nothing. Its
# ranges do not matter, and one has to be there. Not by Multus' GC, which makes a list of its own.
collect() {
    leaked_for_good >"$state/.dead"
    [ -s "$state/.dead" ] || return 0
    if $known && [ -x "$bin/host-local" ]; then
        networks_of "$state/.dead" | while read -r network; do
            printf '{"cniVersion":"1.1.0","name":"%s","ipam":{"type":"host-local","dataDir":"%s","ranges":[[{"subnet":"192.0.2.0/24"}]]},"cni.dev/valid-attachments":[%s]}' "$network" "$reserved" "$(attached "$network")" |
                CNI_COMMAND=GC CNI_PATH=$bin timeout 30 "$bin/host-local" >"$state/.api" 2>&1 || true
        done
    fi
    were=$(grep -c . "$state/.dead")
    leaked_for_good >"$state/.dead"
    left=$(grep -c . "$state/.dead") || true
    [ "$left" = "$were" ] || say "gave back $((were - left)) addresses of dead sandboxes"
    [ "$left" = 0 ] || warn not-given-back "$reserved" "$left addresses stay reserved for dead sandboxes" "look into it, or install CNI plugins 1.10"
}
