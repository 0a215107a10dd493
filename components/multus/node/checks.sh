# What a node has to be before Multus comes, beyond its runtime and its API server.

# While people keep Multus disabled nothing of it is changed, or half of it would come back.
check_enabled() {
    [ ! -f "$disabled" ] || [ "$phase" = enable ] || die disabled "$node" "Multus is disabled" "run \`multus-ops enable\`, then repeat"
}

# Under another component's name Pulumi would make everything a second time and then delete what is live, unless an alias tells it.
check_owner() {
    was=$(marked owner)
    [ "$was" != "$owner" ] || return 0
    if [ "${was%/*}" != "${owner%/*}" ]; then
        $adopt || error other-stack "$marker" "this node belongs to $was" "destroy that stack first, or set adopt to true for one up" "$was"
    elif ! $aliased; then
        error other-component "$marker" "this stack knows this node under its component ${was##*/}" "give that name back, or give the component aliases=[pulumi.Alias(name=\"${was##*/}\")]" "${was##*/}"
    fi
}

# By another method Pulumi would take the same DaemonSets once more, and then delete them.
check_method() {
    was=$(marked method)
    case $was in
    '' | *+ | "${method%+}") ;;
    *) error other-method "$marker" "the DaemonSets are here by method $was" "set method to $was and handover to true, run pulumi up, then change method: docs/helm.md" "$was" ;;
    esac
}

check_leftovers() {
    check_enabled
    ! no_multus_process || for file in $(stale_files); do warn stale-file "$file" "left by an install that was killed" "nothing to do"; done
    if [ -f "$marker" ]; then
        check_owner
        check_method
        return 0
    fi
    if token_is_ours || $adopt; then return 0; fi
    # The kubelet calls the directories of logs NAMESPACE_POD_UID.
    pod=$(find "$root/var/log/pods" -name '*multus*' 2>/dev/null | head -n 1)
    set -- "$conf/00-multus.conf" "$conf/00-multus.conflist" "$kubeconfig" "$bin/multus" "$bin/multus-shim" "$socket"
    ! lists "$installs" whereabouts || set -- "$@" "$conf/whereabouts.d/whereabouts.kubeconfig"
    for file in "$@"; do
        [ ! -e "$file" ] || { is_ours "$file" && waits "$file"; } || error leftover "$file" "left by an install that is not this stack's${pod:+: ${pod##*/}}" "helm uninstall (see helm list -A) or kubectl delete it, or set adopt to true for one up"
    done
}

# The file and the name of the default network, once check_confs has looked.
default='' default_network=''

check_confs() {
    [ -d "$conf" ] || return 0
    case $master in *.conf | *.conflist) [ -f "$conf/$master" ] || error no-master "$conf/$master" "is not on this node" "check conf.masterConf" ;; esac
    default=$(default_conf) first=$(first_conf)
    if [ -z "$default" ]; then
        error no-default-network "$conf_dir" "there is no default network for Multus to stand on" "install the cluster's CNI first"
    else
        fact defaultConf "$default"
        default_network=$(network_of "$default")
        fact defaultNetwork "$default_network"
        [ -z "$network" ] || [ "$network" = "$default_network" ] || error other-default-network "$default" "is of network $default_network, the plan says $network" "set conf.networkName to $default_network"
        check_extra_plugins
        case $default in
        "$first") ;;
        *.json) error default-is-json "$default" "Multus does not read .json" "rename it to .conflist or .conf" ;;
        *)
            [ -n "$master" ] || runs_multus "$first" ||
                error default-not-valid "$first" "is not valid, and Multus takes the first file for its default network" "repair or remove it"
            ;;
        esac
    fi
    while read -r file; do
        [ -z "$file" ] || is_ours "$file" || ! runs_multus "$file" ||
            error other-multus-conf "$file" "another Multus configuration" "remove it"
    done <<END
$(conf_files)
END
    check_cilium
    check_loaded
}

# The runtime adds what lies in a directory of the default network's name to its list of plugins: libcni v1.3.0. It adds it
# to Multus' list too, which has that name; Multus itself reads no such directory, and from a .conf it is not read at all.
check_extra_plugins() {
    extra=''
    for file in "$conf/$default_network"/*.conf; do [ ! -f "$file" ] || extra=$file; done
    [ -n "$extra" ] && json "$default" >"$state/.flat" || return 0
    case $default in *.conflist) ;; *) return 0 ;; esac
    ! grep -qx '/loadOnlyInlinedPlugins=true' "$state/.flat" || return 0
    # Thin writes a .conflist where the default network's version has lists of that name, thick never does.
    case $plugin:$(leaf /cniVersion <"$state/.flat") in thin:1.*) return 0 ;; esac
    warn extra-plugins-lost "${extra%/*}" "Multus does not run the plugins in there" "write them into the plugins of $default"
}

# Cilium renames every other configuration away unless it is told not to.
check_cilium() {
    exclusive=''
    for file in "$root$kubelet_dir"/pods/*/volumes/*/*/cni-exclusive "$root$kubelet_dir"/pods/*/volumes/*/*/cilium/config-map/cni-exclusive; do
        [ ! -f "$file" ] || exclusive=$(cat "$file")
    done
    for file in "$conf"/*.cilium_bak; do
        [ ! -f "$file" ] || [ -n "$exclusive" ] || exclusive=true
    done
    [ "$exclusive" != true ] || error cilium-exclusive "$conf_dir" "Cilium renames other configurations away" "set cni.exclusive to false in Cilium's Helm values"
}

check_plugins() {
    for name in $needs; do
        { [ -f "$bin/$name" ] && [ -x "$bin/$name" ]; } || lists "$installs" "$name" ||
            error no-plugin "$bin_dir/$name" "the plugin that a network needs is not there, or not executable" "add $name to referencePlugins, or install it" "$name"
    done
}

check_space() {
    [ -d "$bin" ] || return 0
    free=$(df -Pk "$bin" | awk 'NR == 2 { print int($4 / 1024) }')
    fact freeMiB "$free"
    [ "$free" -ge 128 ] || error no-space "$bin_dir" "$free MiB are free, Multus' binaries need 128" "make room"
}

check_selinux() {
    enforcing=$(cat "$root/sys/fs/selinux/enforce" 2>/dev/null) || enforcing=0
    fact selinuxEnforcing "$enforcing"
    [ "$enforcing" != 1 ] || has restorecon || error no-restorecon restorecon "is not on this node, and SELinux is enforcing" "install it"
}

# Without capabilities root writes where it owns: kubespray gives both directories to `kube`. Where the runtime confines
# containers it writes what container_file_t is on: rke2-selinux labels both so, and k3s-selinux neither.
check_writable() {
    ! $privileged || return 0
    for directory in "$conf_dir" "$bin_dir"; do
        [ -d "$root$directory" ] || continue
        what=''
        # shellcheck disable=SC2012 # one directory, and not its name is read
        rights=$(ls -lnd "$root$directory/" | awk '{ print substr($1, $3 == 0 ? 3 : $4 == 0 ? 6 : 9, 1), $1, $3, $4 }')
        case $rights in w*) ;; *) what="rights ${rights#* }" fix="chown root and chmod 755 it" ;; esac
        if [ "$enforcing$confines$selinux_type" = 1true ]; then
            # shellcheck disable=SC2012 # likewise
            label=$(ls -dZ "$root$directory" 2>/dev/null | cut -d: -f3)
            [ "$label" = container_file_t ] || what="SELinux type ${label:-none}" fix="set security.selinux.type to spc_t"
        fi
        [ -z "$what" ] || error not-writable "$directory" "has the $what, and a pod without privileges may not write there" "$fix, or set security.privileged to true"
    done
}

root_is_shared() { awk '$5 == "/" && / (shared|master):/ { found = 1 } END { exit !found }' "$root$(runtime_process)/mountinfo"; }

# Thick Multus and the daemon of dhcp see a pod's network through mounts that the runtime passes into their pods.
check_mounts() {
    root_is_shared || error mount-private / "the mount is private, Multus' pods would not see the pods' networks" "mount --make-rshared /"
}

check_metrics_port() {
    awk -v port="$(printf ':%04X' "$metrics_port")" '$4 == "0A" && substr($2, length($2) - 4) == port { found = 1 } END { exit !found }' /proc/net/tcp /proc/net/tcp6 2>/dev/null || return 0
    multus_processes | grep -q multus-daemon || error port-taken "port $metrics_port" "something listens there already" "set metricsPort to a free one" "$metrics_port"
}
