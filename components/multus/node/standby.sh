# Trick 3: thin's configuration lies beside thick's, and serves the runtime while the daemon is away.
#
# Source: Multus v4.3.0, pkg/server/config/manager.go: the daemon writes and, when it ends, removes 00-multus.conf alone;
# 00-multus.conflist sorts next, so that the runtime turns to it, and no daemon takes a file of that name for its default
# network. The thick image's installer puts the thin binary into the bin dir too.
# Without it: while the daemon restarts, a shim that finds no daemon waits, and pods fail or start without their networks.
# Shown by: test_thick_gets_a_standby_that_names_what_the_daemon_names, test_daemons_that_start_anew_are_not_missed.

# Thin's configuration beside thick's: it sorts second, and the daemon neither takes it away nor for the default network.
is_standby() { [ "$plugin:${1##*/}" = thick:00-multus.conflist ]; }

# Writes the standby, where the plan has one: thin by the name, version and capabilities of the daemon's configuration.
stand_by() {
    ours=$(planned_conf)
    # A mesh that adds its plugin makes a list of the daemon's file, under the standby's name.
    [ -n "$standby" ] && [ -n "$ours" ] && [ "$ours" != "$conf/00-multus.conflist" ] && [ -x "$bin/multus" ] || return 0
    default=$(default_conf)
    # Through a link, so that what the default network's owner changes counts at once.
    if [ ! -e "$state/default/${default##*/}" ]; then
        rm -rf "$state/default"
        mkdir -p "$state/default"
        ln -s "$conf_dir/${default##*/}" "$state/default/"
    fi
    json "$ours" >"$state/.flat"
    printf '{"cniVersion":"%s","name":"%s","plugins":[{"type":"multus","kubeconfig":"%s","clusterNetwork":"%s","capabilities":{%s},%s}]}' \
        "$(leaf /cniVersion <"$state/.flat")" "$(leaf /name <"$state/.flat")" \
        "$conf_dir/multus.d/multus.kubeconfig" "${state#"$root"}/default" \
        "$(sed -n 's|^/capabilities/\(.*\)=true$|"\1":true|p' "$state/.flat" | tr '\n' , | sed 's/,$//')" "$standby" |
        as_new "$conf/.multus-install.tmp"
    mv "$conf/.multus-install.tmp" "$conf/00-multus.conflist"
}

# The pod that serves the node from now on takes its own configuration away and nothing else.
remove_standby() {
    [ "$plugin" = thick ] && [ -f "$conf/00-multus.conflist" ] || return 0
    were=$(multus_processes)
    await 60 "the configuration of the pod that comes next" successor_serves || true
    rm -f "$conf/00-multus.conflist"
}

successor_serves() { [ "$(multus_processes)" != "$were" ] && conf_is_there; }
