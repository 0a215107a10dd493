# verify: the configuration that the pod wrote is there, first, valid and ours, and the runtime finds and runs its plugin.

plugin_is_there() { [ -x "$bin/$program" ] && no_removing_process && { [ "$plugin" != thick ] || daemon_answers; }; }

daemon_answers() { [ -S "$socket" ] && fetch --unix-socket "$socket" http://multus/healthz; }

conf_is_there() { plugin_is_there && [ -n "$(planned_conf)" ]; }

# After a removal by hand the pod would not write the configuration again before it restarts.
armed() { conf_is_there || { plugin_is_there && put_back && conf_is_there; }; }

again="delete the node's Multus pod, it writes the file anew"

# Leaves in an order of their own, without what two writers of JSON spell in two ways.
plain() { sed 's/\\u00..//g;s/[<>&\\]//g' | sort; }

# check_copy FILE DEFAULT: thin keeps a copy of the default network as it was when its pod started.
check_copy() {
    copy=$(json "$1" | sed -n 's|^\(/plugins/0\)\{0,1\}/delegates/0/|/|p' | plain)
    [ -z "$copy" ] || [ "$copy" = "$(json "$2" | plain)" ] || warn default-network-changed "$1" "has the default network as before $2 changed" "$again"
}

check_our_conf() {
    json "$1" >"$state/.flat"
    first=$(conf_files | head -n 1)
    is_ours "$first" || error conf-not-first "$first" "sorts before $1, so that the runtime never asks Multus" "rename or remove it"
    prefix=''
    ! grep -q '^/plugins/0/' "$state/.flat" || prefix=/plugins/0
    if [ "$plugin" = thick ]; then
        named=$(leaf "$prefix/daemonSocketDir" <"$state/.flat")
        same_place "${named:=/run/multus}" "$socket_dir" || error other-socket "$1" "looks for the daemon in $named" "$again"
    else
        named=$(leaf "$prefix/kubeconfig" <"$state/.flat")
        [ "$named" = "$conf_dir/multus.d/multus.kubeconfig" ] || error other-kubeconfig "$1" "names the kubeconfig ${named:-nowhere}" "$again"
    fi
    ! grep -q '/delegates/.*type="multus' "$state/.flat" || error delegates-to-itself "$1" "delegates to Multus itself" "$again"
    # Thick names the default network's file as its pod sees it.
    named=$(leaf "$prefix/clusterNetwork" <"$state/.flat")
    named=${named:-$(leaf "$prefix/delegates/0/name" <"$state/.flat")}
    file=$(default_conf)
    expected=$(network_of "$file")
    case ${named##*/} in
    "$expected" | "${file##*/}") check_copy "$1" "$file" ;;
    *) error other-default-network "$1" "delegates to ${named:-no network}, the default network is $expected" "$again" ;;
    esac
}

verify() {
    logs="look at the node's Multus pod: kubectl -n $namespace logs -l app=multus"
    check_enabled
    if await 10 "what the Multus pod writes" conf_is_there || await "$seconds" '' armed; then
        ours=$(planned_conf)
        check_our_conf "$ours"
        [ "$errors" -gt 0 ] || stand_by
        our_confs | while read -r file; do
            [ "$errors" -gt 0 ] || [ "$file" = "$ours" ] || { [ -n "$standby" ] && is_standby "$file"; } || { rm -f "$file" && say "removed $file, which the running pod did not write"; }
        done
        prove || true
        if ! await 15 "$the_runtime" runtime_has_loaded is_ready; then
            if [ "$(load_status)" = OK ]; then
                error network-not-ready "$ours" "the runtime calls the network not ready: $(not_ready)" "bring back what it names"
            else
                error conf-not-loaded "$ours" "the runtime did not load it: $(why_not_loaded)" "look at the runtime's log"
            fi
        fi
        check_program
    else
        [ -x "$bin/$program" ] || error plugin-not-installed "$bin_dir/$program" "the pod did not install the plugin within $seconds s" "$logs"
        [ -n "$(our_confs)" ] || error conf-not-written "$conf_dir" "the pod did not write 00-multus.conf within $seconds s" "$logs"
        [ -n "$(planned_conf)" ] || for file in $(our_confs); do error conf-not-ours "$file" "is not JSON, or not of $plugin Multus" "$again"; done
        [ "$plugin" != thick ] || daemon_answers || error daemon-silent "$socket" "the daemon does not answer" "$logs"
        no_removing_process || error pod-removes-conf "$node" "a pod that takes the configuration away when it stops is still here" "look at it: kubectl -n $namespace get pods -o wide -l app=multus"
    fi
    if [ "$errors" -gt 0 ]; then
        ! $disarm_on_failure || take_away
        exit 1
    fi
    rm -f "$state"/conf/00-multus.conf*
    keep_copy
    say "verified: $ours delegates to $expected"
}
