# Pods' sandboxes as Multus has cached them, and which of them are alive.

# Interfaces of one sandbox as Multus cached them: lines `name netns pod`.
attachments() {
    for result in "$cache"/results/*-"$1"-*; do
        [ -f "$result" ] || continue
        json "$result" 2>/dev/null | awk -F= -v id="$1" '
            $1 == "/ifName" { name = $2 }
            $1 ~ "^/result/interfaces/[0-9]+/sandbox$" && $2 != "\"\"" { netns = $2 }
            $1 ~ "^/cniArgs/[0-9]+/0$" { key = $2 }
            $1 ~ "^/cniArgs/[0-9]+/1$" { args[key] = $2 }
            END { gsub(/"/, "", name); gsub(/"/, "", netns)
                  pod = args["\"K8S_POD_NAMESPACE\""] "/" args["\"K8S_POD_NAME\""]; gsub(/"/, "", pod)
                  print name, netns, pod }'
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
    attachments "$1" | while read -r _ netns _; do
        [ -z "$netns" ] || [ ! -e "$root$netns" ] || say live
    done | grep -q live
}

# Pods that still hold an interface besides eth0: lines `namespace/name interface`.
live_attachments() {
    cached_sandboxes | sort -u | while read -r id; do
        is_live "$id" || continue
        attachments "$id" | while read -r name _ pod; do
            [ "$name" = eth0 ] || say "$pod $name"
        done
    done
}

no_live_attachment() { [ -z "$(live_attachments)" ]; }
