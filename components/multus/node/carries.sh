# carries: does this node have what one network needs? Every finding at once, before a pod asks for it.

# The links of the network in which this runs, which /sys need not show, as `name mtu`. A link has further names, by which
# plugins find it too.
links() {
    [ ! -r "$root/proc/net/dev" ] || awk -F: 'NR > 2 { gsub(/ /, "", $1); print $1 }' "$root/proc/net/dev"
    ! has ip || ip link | awk '
        $1 ~ /:$/ { sub(/(@.*)?:$/, "", $2); for (n = 3; $n != "mtu" && n < NF; n++) { }; mtu = $(n + 1); print $2, mtu }
        $1 == "altname" { print $2, mtu }'
}

link_names() { links | awk '!seen[$1]++ { print $1 }'; }

default_link() {
    {
        awk '$2 == "00000000" && $8 == "00000000" { print $1 }' /proc/net/route
        awk '$1 $2 ~ /^0+$/ && $10 != "lo" { print $10 }' /proc/net/ipv6_route
    } 2>/dev/null | head -n 1
}

check_links() {
    while IFS=: read -r key link mtu; do
        [ -n "$key" ] || continue
        what="is $link, which"
        [ -n "$link" ] || { link=$(default_link) what="is not given, and a default route, whose link it would be,"; }
        has_mtu=$(links | awk -v name="$link" '$1 == name { is = 1; mtu += $2 } END { if (is) print mtu + 0 }')
        if [ -n "$has_mtu" ]; then
            # Without `ip` nobody says it.
            [ "$has_mtu" = 0 ] || [ "$mtu" -le "$has_mtu" ] ||
                error mtu-too-large mtu "is $mtu, and $link has $has_mtu" "write $has_mtu at most, or give $link more" "$has_mtu"
            continue
        fi
        # A pod of this network may have the device, and a bridge is made with the first pod.
        case $key in *.bridge) continue ;; *.device) [ -z "$(live_attachments)" ] || continue ;; esac
        error no-link "$key" "$what this node does not have" "write a link that it has: $(link_names | tr '\n' ' ' | sed 's/ $//')"
    done <<END
$(say "$stands_on" | tr ' ' '\n')
END
}

# The daemon speaks HTTP, and has nothing under this address: plugins v1.10.0, plugins/ipam/dhcp/daemon.go, runDaemon.
dhcp_answers() { [ -S "$root$dhcp" ] && fetch --unix-socket "$root$dhcp" http://dhcp/; }

check_dhcp() {
    [ -n "$dhcp" ] && ! await 15 "the DHCP daemon" dhcp_answers || return 0
    what='there is no socket'
    [ ! -S "$root$dhcp" ] || what="nobody answers: $(api_answer)"
    error no-dhcp-daemon "$dhcp" "$what" "start the daemon of the dhcp plugin, or set daemonSocketPath"
}

# The first of these files is the one: whereabouts v0.9.2, pkg/config/config.go, GetFlatIPAM.
find_whereabouts() {
    for flat in "$whereabouts" /etc/kubernetes/cni/net.d/whereabouts.d/whereabouts.conf /etc/cni/net.d/whereabouts.d/whereabouts.conf; do
        [ ! -f "$root$flat" ] || return 0
    done
    return 1
}

check_whereabouts() {
    [ -n "$whereabouts" ] || return 0
    fix="install whereabouts for this node's directories, or set configurationPath"
    if ! await 15 "whereabouts' configuration" find_whereabouts; then
        error no-whereabouts "$whereabouts" "whereabouts' configuration is not there" "$fix"
        return 0
    fi
    named=$(json "$root$flat" 2>/dev/null | leaf /kubernetes/kubeconfig)
    [ -n "$named" ] || error no-whereabouts "$flat" "is not JSON, or names no kubernetes.kubeconfig" "$fix"
    [ -z "$named" ] || [ -s "$root$named" ] || error no-whereabouts "$named" "the kubeconfig that $flat names is not there" "$fix"
}

carries() {
    check_plugins
    check_links
    check_dhcp
    check_whereabouts
    conclude "this node has what the network needs"
    [ "$errors" -eq 0 ] || exit 1
}
