# Trick 1: a dead sandbox's addresses are given back through a cache entry that this program writes.
#
# Source: Multus v4.3.0, pkg/multus/multus.go. CmdDel takes the delegates of a sandbox from the file that saveDelegates has
# left in cniDir; told of no kubeconfig, it asks no API. An entry counts as a list of plugins where `ConfList.plugins` is
# not empty, and only its `Bytes` reach the plugins. libcni keeps a `config` with every result (cniCacheV1).
# Without it: no plugin is ever told of a DEL after a removal, and host-local never gives back what a dead sandbox has
# reserved. Thick caches its default network without what the network's plugins need for a DEL, and gives up there, so that
# Multus' own entry alone would not do.
# Shown by: test_clean_gives_back_dead_sandboxes_from_the_cache_alone, test_clean_gives_back_what_multus_could_not,
# test_enable_gives_back_what_ended_meanwhile_and_nothing_that_begins.

# release ID INTERFACE: one DEL by what the cache says.
release() {
    printf '{"cniVersion":"0.3.1","name":"multus-install","type":"multus","cniDir":"%s","binDir":"%s","delegates":[{"cniVersion":"0.3.1","name":"none","type":"none"}]}' "$cache" "$bin" |
        CNI_COMMAND=DEL CNI_CONTAINERID=$1 CNI_NETNS='' CNI_IFNAME=$2 CNI_PATH=$bin CNI_ARGS=IgnoreUnknown=1 timeout 30 "$bin/multus" >"$state/.api" 2>&1
}

# give_back ID: by Multus' own entry first; for what that leaves, by an entry with the configuration of the interface's result.
give_back() {
    [ ! -f "$cache/$1" ] || release "$1" eth0 || true
    for result in "$cache"/results/*-"$1"-*; do
        [ -f "$result" ] || continue
        config=$(cached "$result" config) chain=''
        ! printf '%s' "$config" | base64 -d | json - 2>/dev/null | grep -q '^/plugins/' || chain=',"plugins":[{"type":"x"}]'
        printf '[{"ConfList":{"cniVersion":"1.0.0"%s},"Bytes":"%s"}]' "$chain" "$config" >"$cache/$1"
        release "$1" "$(cached "$result" ifName)" || return 1
    done
}

# give_back_dead ID: the same, and what came of it in a sentence.
give_back_dead() {
    if give_back "$1"; then
        say "gave back the interfaces of dead sandbox $1"
    else
        warn not-given-back "$cache/$1" "a dead sandbox could not be given back: $(api_answer)" "look into /var/lib/cni/networks"
    fi
}

release_dead() {
    cached_sandboxes | sort -u | while read -r id; do
        if [ -z "$id" ] || is_live "$id"; then continue; fi
        if [ -x "$bin/multus" ]; then
            give_back_dead "$id"
        else
            warn plugin-gone "$cache/$id" "addresses of a dead sandbox stay reserved, the multus binary is gone" "look into /var/lib/cni/networks"
        fi
    done
}
