# Phases that only people send (node_json.sh stands before them). This text stands in the place of the node program's last part (components/multus/node/main.sh),
# uses its functions and variables, travels over standard input, and is never written to a node.
#
#   preflight the node program's own.
#   diagnose  read-only: what doctor wants to know of this node, as one JSON document of findings and facts.
#   disable   takes the configuration away as disarm does, whether or not the stack goes, and waits for Multus' pods to end.
#   enable    gives back what ended meanwhile, and waits for the configuration as verify does.

# Mode, owner and group of a file, as ls shows them.
# shellcheck disable=SC2012 # one file, and not its name is read
rights() { ls -lnd "$1" | awk '{ print $1, $3, $4 }'; }

conf_facts() {
    conf_files | while read -r file; do
        say "{\"path\":$(quoted "${file#"$root"}"),\"rights\":$(quoted "$(rights "$file")"),\"content\":$(quoted "$(head -c 65536 "$file")")}"
    done | listed
}

# Every kubeconfig that a configuration of Multus names, as the runtime would look for it on this host.
named_kubeconfigs() {
    our_confs | while read -r file; do
        json "$file" 2>/dev/null | sed -n 's|^\(/plugins/[0-9]*\)\{0,1\}/kubeconfig="\(.*\)"$|\2|p'
    done | sort -u | while read -r path; do
        say "{\"path\":$(quoted "$path"),\"there\":$(truth test -s "$root$path")}"
    done | listed
}

# Of the token only its claims leave the node: without the signature they open nothing.
kubeconfig_facts() {
    if [ ! -e "$kubeconfig" ]; then
        say null
        return 0
    fi
    proven || true
    printf '{"path":%s,"rights":%s,"server":%s,"authority":%s,"claims":%s,"proof":%s,"answer":%s}' \
        "$(quoted "${kubeconfig#"$root"}")" "$(quoted "$(rights "$kubeconfig")")" "$(quoted "$(field server)")" \
        "$(quoted "$(field certificate-authority-data)")" "$(quoted "$(field token | cut -d. -f2)")" \
        "$(quoted "$proof")" "$(quoted "$(api_answer)")"
}

plugins() {
    for file in "$bin"/*; do
        [ ! -f "$file" ] || [ ! -x "$file" ] || say "${file##*/}"
    done
}

program_facts() {
    if [ ! -e "$bin/$program" ]; then
        say null
        return 0
    fi
    printf '{"path":%s,"rights":%s,"runs":%s,"answer":%s}' "$(quoted "$bin_dir/$program")" \
        "$(quoted "$(rights "$bin/$program")")" "$(truth program_runs)" "$(quoted "$(api_answer)")"
}

dead_sandboxes() {
    cached_sandboxes | sort -u | while read -r id; do
        [ -z "$id" ] || is_live "$id" || say "$id"
    done
}

process_facts() {
    multus_processes | while read -r process name; do
        printf '{"pid":%s,"name":%s,"removesOnExit":%s}\n' "${process##*/}" "$(quoted "$name")" "$(truth removes_on_exit "$process")"
    done | listed
}

marker_facts() {
    if [ ! -f "$marker" ]; then
        say null
        return 0
    fi
    printf '{"owner":%s,"node":%s,"install":%s}' "$(quoted "$(marked owner)")" "$(quoted "$(marked node)")" "$(quoted "$(marked install)")"
}

# Where k3s has unpacked its programs: each release into a directory of its own.
k3s_programs() {
    for link in $bin_link $bin_links; do
        for file in "$root${link%/current/bin}"/*/bin/multus "$root${link%/current/bin}/cni/multus"; do
            [ ! -e "$file" ] || say "${file#"$root"}"
        done
    done
}

renamed_confs() {
    for file in "$conf"/*.cilium_bak; do
        [ ! -f "$file" ] || say "${file#"$root"}"
    done
}

# A link has further names, by which plugins find it too, and which busybox' `ip` does not tell: then nobody knows what is
# missing.
tells_every_name() { [ -r "$root/proc/net/dev" ] && ip -V 2>/dev/null | grep -q iproute2; }

# The networks that lie in Multus' own directory for them, by name.
network_files() {
    for file in "$root"/etc/cni/multus/net.d/*.conf "$root"/etc/cni/multus/net.d/*.conflist "$root"/etc/cni/multus/net.d/*.json; do
        [ ! -f "$file" ] || json "$file" 2>/dev/null | sed -n 's|^/name="\(.*\)"$|\1|p'
    done
}

require_root() {
    check_login
    [ "$errors" -eq 0 ] || exit 1
}

# What the shell itself has to say goes to a file, whose end people see where the phase does not come to its own.
diagnose() {
    require_root
    as_json=true
    kept=$state/conf
    # The scratch files lie where an install keeps its state, which a node without one does not have.
    state=$(mktemp -d)
    exec 3>&2 2>"$state/stderr"
    trap '[ $? -eq 0 ] || tail -n 5 "$state/stderr" >&3; rm -rf "$state"' EXIT
    check_tools
    check_node
    check_served
    check_emptied
    check_proxy
    fact_json confs "$(conf_facts)"
    fact_json namedKubeconfigs "$(named_kubeconfigs)"
    fact_json kubeconfig "$(kubeconfig_facts)"
    fact_json program "$(program_facts)"
    fact_json plugins "$(plugins | texts)"
    fact_json marker "$(marker_facts)"
    fact_json processes "$(process_facts)"
    fact_json staleFiles "$(stale_files | sed "s|^$root||" | texts)"
    fact_json renamedConfs "$(renamed_confs | texts)"
    fact_json leaked "$(leaked | texts)"
    fact_json deadSandboxes "$(dead_sandboxes | texts)"
    fact_json attachments "$(live_attachments | texts)"
    fact_json rootIsShared "$(truth root_is_shared)"
    fact_json daemonAnswers "$(truth daemon_answers)"
    fact_json k3sPrograms "$(k3s_programs | texts)"
    serving=$(planned_conf)
    fact plannedConf "${serving#"$root"}"
    ! tells_every_name || fact_json links "$(link_names | texts)"
    fact_json networkFiles "$(network_files | texts)"
    conclude ''
}

disable() {
    require_root
    keep_roots "$state"
    take_away
    if [ ! -f "$disabled" ]; then
        date -u +%Y-%m-%dT%H:%M:%SZ >"$state/.disabled"
        mv "$state/.disabled" "$disabled"
    fi
    # A pod that started meanwhile has written the configuration anew.
    await "$seconds" "$multus_pod" no_multus_process || [ "$seconds" = 0 ] || die pod-still-runs "$node" "a Multus pod still runs here" "find what keeps it: kubectl get pods -A -o wide --field-selector spec.nodeName=$node"
    [ -z "$(our_confs)" ] || take_away
}

# Pods that ended while the runtime did not know Multus. What is newer may be a pod that is being made.
release_ended() {
    [ -f "$disabled" ] || return 0
    cached_sandboxes | sort -u | while read -r id; do
        if [ -z "$id" ] || is_live "$id" || [ -n "$(find "$cache" -name "*$id*" -newer "$disabled")" ]; then continue; fi
        give_back_dead "$id"
    done
}

enable() {
    require_root
    mkdir -p "$state"
    verify
    release_ended
    rm -f "$disabled"
    [ -f "$marker" ] || remove_state
}

case $phase in
preflight)
    as_json=true
    preflight
    ;;
diagnose | disable | enable) "$phase" ;;
*)
    echo "node.sh: unknown phase $phase" >&2
    exit 2
    ;;
esac
