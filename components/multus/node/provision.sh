# provision: the kubeconfig, written once and proven.

undo_provision() {
    status=$?
    rm -f "$state"/.[a-z]*
    if [ "$status" -ne 0 ] && $fresh; then
        remove_credentials
        rm -f "$marker" "$marker.new"
    fi
    exit "$status"
}

remove_credentials() {
    rm -f "$kubeconfig" "$kubeconfig.new" "$conf/multus.d/.multus-install.tmp"
    # Of a keeper that was here before the node was listed.
    rm -rf "$conf/multus.d/default"
    if [ -d "$conf/multus.d" ]; then
        rmdir "$conf/multus.d" 2>/dev/null || warn directory-kept "$conf/multus.d" "is kept, other files are in it" "remove them"
    fi
}

# Byte for byte what thin_entrypoint writes from the same token: Multus v4.3.0, cmd/thin_entrypoint/main.go.
print_kubeconfig() {
    printf '%s\n' '# Kubeconfig file for Multus CNI plugin.' 'apiVersion: v1' 'kind: Config' 'clusters:' '- name: local' \
        '  cluster:' "    server: $server" "    certificate-authority-data: $ca" 'users:' '- name: multus' '  user:' \
        "    token: \"$token\"" 'contexts:' '- name: multus-context' '  context:' '    cluster: local' '    user: multus' \
        'current-context: multus-context'
}

provision() {
    token=''
    read -r token || [ -n "$token" ] || die no-kubeconfig-given "$kubeconfig" "no token came over standard input" "run pulumi up again"
    keep_roots "$conf/multus.d" 0700
    fresh=false known=$(marked known) foreign=$(marked foreign)
    [ -f "$marker" ] || [ -e "$kubeconfig" ] || fresh=true
    trap undo_provision EXIT
    trap 'exit 143' HUP INT TERM
    mkdir -p "$state"
    # What lies in the bin dir before a pod could put it there stays when we go.
    for name in passthru $installs; do
        lists "$known" "$name" && continue
        known="$known $name"
        case $name in passthru) [ ! -e "$bin/multus" ] && [ ! -e "$bin/multus-shim" ] || continue ;; esac
        [ ! -e "$bin/$name" ] || foreign="$foreign $name"
    done
    printf '%s=%s\n' owner "$owner" node "$node" install "$install" method "$method" known "$known" foreign "$foreign" >"$marker.new"
    mv "$marker.new" "$marker"
    print_kubeconfig | as_new "$conf/multus.d/.multus-install.tmp"
    chown 0:0 "$conf/multus.d/.multus-install.tmp"
    mv "$conf/multus.d/.multus-install.tmp" "$kubeconfig"
    ! no_multus_process || remove_stale
    if has restorecon; then restorecon -R "$conf/multus.d"; fi
    prove || exit 1
    # The daemon that the label takes away may be the fallback's, whose configuration goes with it.
    stand_by
    keep_copy
    # The label that comes next takes the fallback's pod away, and the main one's needs a moment to start.
    signal_removing STOP
    say "provisioned $kubeconfig"
}
