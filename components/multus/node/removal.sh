# disarm, unused, clean and forget: in the safe order, and only what is this install's.

# Pods keep starting: the default network is there before and loaded after, or everything stays as it was.
take_away() {
    if [ -z "$(our_confs)" ]; then
        say "no Multus configuration to take away"
        return 0
    fi
    [ -n "$(default_conf)" ] ||
        die no-network-left "$conf_dir" "no other valid configuration would remain, and no pod could start" "bring the default network's configuration back, then repeat"
    keep_copy
    remove_confs
    if ! await 15 "$the_runtime" default_is_loaded; then
        put_back
        die default-not-loaded "$(default_conf)" "the runtime did not load it: $(why_not_loaded)" "look at the runtime's log, then repeat"
    fi
    say "disarmed: pods get their network from $(default_conf) alone"
}

disarm() {
    if ! is_mine; then
        say "left alone: this node is not provisioned by $owner as $node"
        return 0
    fi
    if ! stack_goes; then
        say "left alone: the stack stays"
        return 0
    fi
    unused
    take_away
}

# A network goes, or all of them with Multus: what pods hold would be given back by another configuration, or by none.
unused() {
    # A pod that is being deleted loses its sandbox a little after its object.
    await 15 "additional interfaces to end" no_live_attachment || true
    holding=$(live_attachments | tr '\n' ',')
    [ -n "$holding" ] || return 0
    set -- live-attachments "$node" "running pods still have additional interfaces${held:+ of $held} (${holding%,}), whose addresses would stay reserved"
    [ "$live_attachments" = proceed ] ||
        die "$@" "delete these pods, or set liveAttachments to proceed and run pulumi up, then repeat"
    warn "$@" "look into /var/lib/cni/networks"
}

clean() {
    if [ -f "$marker" ] && ! is_mine; then
        say "left alone: this node is not provisioned by $owner as $node"
        return 0
    fi
    if [ ! -f "$marker" ]; then
        remove_state
        say "nothing left to remove"
        return 0
    fi
    if ! stack_goes; then
        signal_removing CONT
        remove_standby
        remove_state
        say "the stack stays: the node's pod serves it from now on"
        return 0
    fi
    await 60 "$multus_pod" no_multus_process || die pod-still-runs "$node" "a Multus pod still runs here" "find what keeps it: kubectl get pods -A -o wide --field-selector spec.nodeName=$node"
    take_away
    remove_confs
    remove_stale
    release_dead
    collect
    remove_credentials
    remove_programs
    remove_socket "$socket"
    # A daemon that was killed has left it.
    [ -z "$dhcp" ] || ! await 30 "the daemon of dhcp to end" no_dhcp_daemon || remove_socket "$root$dhcp"
    if [ -z "$(live_attachments)" ]; then
        rm -rf "$cache"
    else
        warn cache-kept "$cache" "is kept: running pods still have additional interfaces" "a later install can give them back"
    fi
    remove_state
    say "clean"
}

no_dhcp_daemon() { ! grep -q " 00010000 .* $dhcp\$" /proc/net/unix; }

remove_socket() {
    rm -f "$1"
    [ ! -d "${1%/*}" ] || rmdir "${1%/*}" 2>/dev/null || true
}

remove_whereabouts() {
    rm -f "$conf/whereabouts.d/whereabouts.conf" "$conf/whereabouts.d/whereabouts.kubeconfig" "$conf"/whereabouts.d/.*.new "$bin/.whereabouts.new"
    [ ! -d "$conf/whereabouts.d" ] || rmdir "$conf/whereabouts.d" 2>/dev/null || true
}

# Whether the default network has come to need a plugin.
is_named() { cat "$conf"/*.conf* 2>/dev/null | grep -q "\"$1\""; }

# Only what the pods and the steps brought.
remove_programs() {
    rm -f "$bin/multus" "$bin/multus-shim"
    for name in $(marked known); do
        [ "$name" != whereabouts ] || remove_whereabouts
        lists "$(marked foreign)" "$name" || is_named "$name" || rm -f "$bin/$name"
    done
    [ ! -f "$placed" ] || remove_placed
}

forget() {
    if [ -f "$marker" ]; then
        say "left alone: the node is provisioned"
    else
        remove_state
        say "forgotten"
    fi
}
