# Pods' sandboxes as Multus has cached them, and which of them are alive.

# attachments ID: interfaces of one sandbox as Multus cached them, of the network $held or of every one, as lines
# `name pod holds netns`. A mesh's plugin answers with neither an interface nor an address, and holds nothing: `-`. The
# namespace may be unknown, so that it comes last.
attachments() {
    # shellcheck disable=SC2125 # an assignment expands no star
    any=*
    [ -z "$held" ] || any=
    # shellcheck disable=SC2231 # unquoted, the star is every network
    for result in "$cache/results/$held"$any-"$1"-*; do
        [ -f "$result" ] || continue
        json "$result" 2>/dev/null | awk -F= -v id="$1" -v holds=- '
            $1 == "/ifName" { name = $2 }
            $1 ~ "^/result/(interfaces|ips|ip4|ip6)/" { holds = "+" }
            $1 ~ "^/(netns|result/interfaces/[0-9]+/sandbox)$" && $2 != "\"\"" { netns = $2 }
            $1 ~ "^/cniArgs/[0-9]+/0$" { key = $2 }
            $1 ~ "^/cniArgs/[0-9]+/1$" { args[key] = $2 }
            END { pod = args["\"K8S_POD_NAMESPACE\""] "/" args["\"K8S_POD_NAME\""]
                  line = name " " (pod == "/" ? "sandbox/" id : pod) " " holds " " netns
                  gsub(/"/, "", line)
                  if (name) print line }'
    done
}

# cached FILE LEAF: what one cached result says of itself.
cached() { json "$1" 2>/dev/null | leaf "/$2"; }

cached_sandboxes() {
    for file in "$cache"/*; do
        [ ! -f "$file" ] || say "${file##*/}"
    done
    for file in "$cache"/results/*; do
        [ ! -f "$file" ] || say "$(cached "$file" containerId)"
    done
}

# A sandbox lives as long as its network namespace does.
is_live() {
    attachments "$1" | while read -r _ _ _ netns; do
        [ -z "$netns" ] || [ ! -e "$root$netns" ] || say live
    done | grep -q live
}

# Pods that still hold an interface besides eth0: lines `namespace/name interface`.
live_attachments() {
    cached_sandboxes | sort -u | while read -r id; do
        is_live "$id" || continue
        attachments "$id" | while read -r name pod holds _; do
            [ "$name" = eth0 ] || [ "$holds" = - ] || say "$pod $name"
        done
    done
}

no_live_attachment() { [ -z "$(live_attachments)" ]; }
