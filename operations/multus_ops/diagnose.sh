#!/bin/sh
# Phases that only people send. This text goes before node.sh's, whose functions and variables it uses, over standard
# input, and is never written to a node.
#
#   diagnose  read-only: what doctor wants to know of this node, as one JSON document of findings and facts.
#   disable   takes the configuration away as disarm does, whether or not the stack goes, and waits for Multus' pods to end.
#   enable    gives back what ended meanwhile, and waits for the configuration as verify does.
more_phases='diagnose disable enable'

# told NAME JSON: a fact that is more than a text.
told() { facts="$facts${facts:+,}\"$1\":$2"; }

# Lines of JSON as one list.
listed() { printf '[%s]' "$(tr '\n' ',' | sed 's/,*$//')"; }

# Lines of text as one list.
texts() { while read -r line; do say "$(quoted "$line")"; done | listed; }

truth() { if "$@"; then say true; else say false; fi; }

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

# Whether this machine can run what the runtime calls, asked for its versions alone.
program_runs() {
    printf '{"cniVersion":"1.0.0"}' | CNI_COMMAND=VERSION timeout 10 "$bin/$program" >"$state/.api" 2>&1
}

program_facts() {
    if [ ! -e "$bin/$program" ]; then
        say null
        return 0
    fi
    printf '{"path":%s,"rights":%s,"runs":%s,"answer":%s}' "$(quoted "$bin_dir/$program")" \
        "$(quoted "$(rights "$bin/$program")")" "$(truth program_runs)" "$(quoted "$(api_answer)")"
}

# Sandboxes whose process runs, one id a line; false where nothing here tells.
living() {
    for tasks in "$root"/run/containerd/io.containerd.runtime.v2.task/k8s.io "$root"/run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io; do
        if [ -d "$tasks" ]; then
            ls "$tasks"
            return 0
        fi
    done
    { has crictl && timeout 10 crictl pods --quiet --no-trunc; } 2>/dev/null
}

# host-local's reservations of sandboxes that are no more. A pod that is being made reserves before it runs.
leaked() {
    living >"$state/.living" || return 0
    [ -d "$root/var/lib/cni/networks" ] || return 0
    find "$root/var/lib/cni/networks" -type f -mmin +1 | while read -r file; do
        id=$(head -n 1 "$file" | tr -d '\r')
        case $id in '' | *[!0-9a-f]*) continue ;; esac
        grep -qx "$id" "$state/.living" || say "${file#"$root"} $id"
    done
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

is_shared() { awk '$5 == "/" && / (shared|master):/ { found = 1 } END { exit !found }' "$root/proc/self/mountinfo"; }

# Where k3s has unpacked its programs: each release into a directory of its own.
k3s_data() {
    for file in "$root"/var/lib/rancher/k3s/data/*/bin/multus "$root"/var/lib/rancher/k3s/data/cni/multus; do
        [ ! -e "$file" ] || say "${file#"$root"}"
    done
}

renamed_confs() {
    for file in "$conf"/*.cilium_bak; do
        [ ! -f "$file" ] || say "${file#"$root"}"
    done
}

diagnose() {
    as_json=true
    [ "$(id -u)" = 0 ] || die "$node" "the login is not root" "log in as root or allow sudo -n"
    # node.sh keeps its scratch files where an install keeps its state, which a node without one does not have.
    state=$(mktemp -d)
    trap 'rm -rf "$state"' EXIT
    {
        for directory in "$conf_dir" "$bin_dir"; do
            [ -d "$root$directory" ] || error "$directory" "there is no such directory" "check distro, or set cniConfDir and cniBinDir"
        done
        check_runtime
        check_confs
        check_plugins
        check_space
        check_selinux
        [ "$plugin" != thick ] || check_mounts
        [ -z "$server" ] || check_server
    } 2>/dev/null
    told confs "$(conf_facts)"
    told namedKubeconfigs "$(named_kubeconfigs)"
    told kubeconfig "$(kubeconfig_facts)"
    told program "$(program_facts)"
    told plugins "$(plugins | texts)"
    told marker "$(marker_facts)"
    told processes "$(process_facts)"
    told staleFiles "$(stale_files | sed "s|^$root||" | texts)"
    told renamedConfs "$(renamed_confs | texts)"
    told leaked "$(leaked | texts)"
    told deadSandboxes "$(dead_sandboxes | texts)"
    told attachments "$(live_attachments | texts)"
    told rootIsShared "$(truth is_shared)"
    told daemonAnswers "$(truth daemon_answers)"
    told k3sPrograms "$(k3s_data | texts)"
    printf '{"findings":[%s],"facts":{%s}}\n' "$findings" "$facts"
}

disable() {
    [ "$(id -u)" = 0 ] || die "$node" "the login is not root" "log in as root or allow sudo -n"
    mkdir -p "$state"
    take_away
    if [ ! -f "$disabled" ]; then
        date -u +%Y-%m-%dT%H:%M:%SZ >"$state/.disabled"
        mv "$state/.disabled" "$disabled"
    fi
    # A pod that started meanwhile has written the configuration anew.
    await "$seconds" no_multus_process || [ "$seconds" = 0 ] || die "$node" "a Multus pod still runs here" "find what keeps it: kubectl get pods -A -o wide --field-selector spec.nodeName=$node"
    [ -z "$(our_confs)" ] || take_away
}

# Pods that ended while the runtime did not know Multus. What is newer may be a pod that is being made.
release_ended() {
    [ -f "$disabled" ] || return 0
    cached_sandboxes | sort -u | while read -r id; do
        if [ -z "$id" ] || is_live "$id" || [ -n "$(find "$cache" -name "*$id*" -newer "$disabled")" ]; then continue; fi
        if give_back "$id"; then
            say "gave back the interfaces of dead sandbox $id"
        else
            warn "$cache/$id" "a dead sandbox could not be given back: $(api_answer)" "look into /var/lib/cni/networks"
        fi
    done
}

enable() {
    [ "$(id -u)" = 0 ] || die "$node" "the login is not root" "log in as root or allow sudo -n"
    mkdir -p "$state"
    verify
    release_ended
    rm -f "$disabled"
    [ -f "$marker" ] || remove_state
}
