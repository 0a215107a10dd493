# What only a diagnosis looks at, besides the node program's own checks: what others and a power cut have done to files, and
# the proxy of the runtime.

# The plugin types that a configuration names, outermost first.
types_of() { json "$1" 2>/dev/null | sed -n 's|^/\(plugins/[0-9]*/\)\{0,1\}type="\(.*\)"$|\2|p'; }

# What others have done to Multus' configuration since it was written.
check_served() {
    ours=$(planned_conf)
    # Without a kubeconfig it serves nobody, and is a trouble of its own.
    [ -n "$ours" ] && [ -s "$kubeconfig" ] || return 0
    # With another network first the copy is of another one, which is a trouble of its own.
    [ "$(json "$ours" | sed -n 's|^\(/plugins/0\)\{0,1\}/delegates/0/name="\(.*\)"$|\2|p')" != "$default_network" ] || check_copy "$ours" "$default"
    # Linkerd's installer adds itself to every file, and its plugin may be called twice, as Istio's may not (istio#57432).
    added=$(types_of "$ours" | sed 1d | grep -vxF "$(types_of "$default" | grep -x linkerd-cni)" | tr '\n' ' ')
    [ -z "$added" ] || warn conf-chained "$ours" "another program has added ${added% }, which the next Multus pod drops" "have that program add it to $default" "${added% }"
    for was in "$kept"/00-multus.conf*; do
        if [ ! -f "$was" ] || ! is_planned "$was"; then continue; fi
        keys=$({ own_keys "$was" && own_keys "$ours"; } | sort | uniq -u | sed 's|^/\([^=]*\)=.*|\1|' | sort -u | tr '\n' ' ')
        [ -z "$keys" ] || warn conf-rewritten "$ours" "a step has verified another one, and since then somebody has changed ${keys% }" "$again" "${keys% }"
    done
}

# What the pod's flags say of a configuration: the rest comes from the default network, whose file thick names, or from who
# adds plugins.
own_keys() {
    followed='cniVersion|name'
    [ "$plugin" = thin ] || followed="$followed|clusterNetwork"
    json "$1" | sed 's|^/plugins/0/|/|' | grep -Ev "^/(plugins|delegates|capabilities)/|^/($followed)=" || true
}

# What a power cut leaves of files that a plugin needs for a sandbox's removal: nothing, or a part. A new one may be about
# to be written, and one whose pod ends meanwhile is gone. A node may have thousands: only that is parsed whose lines do not
# close as many brackets as they open, or have none.
check_emptied() {
    while read -r file; do
        if [ -z "$file" ] || json "$file" >/dev/null 2>&1 || [ ! -f "$file" ]; then continue; fi
        id=$(say "$file" | sed -n 's/.*\([0-9a-f]\{64\}\).*/\1/p')
        of=$(attachments "${id:-none}" | cut -d' ' -f2 | head -n 1)
        warn cache-emptied "${file#"$root"}" "is emptied or cut, and what it told of ${of:-a sandbox} is lost" "remove it" "${file#"$root"}"
    done <<FILES
$(find "$root"/var/lib/cni/multus "$root"/var/lib/cni/flannel "$root"/var/lib/cni/results -type f -mmin +1 -exec awk '
    { has[FILENAME]; opened = gsub(/[[{]/, "&"); if (!opened || opened != gsub(/[]}]/, "&")) cut[FILENAME] }
    END { for (n = 1; n < ARGC; n++) if (!(ARGV[n] in has) || ARGV[n] in cut) print ARGV[n] }' {} + 2>/dev/null)
FILES
}

# Thin asks by the proxy of the runtime, whose environment it has: as Go reads NO_PROXY, and never this machine itself.
# Source: golang.org/x/net v0.48.0, http/httpproxy/proxy.go.
check_proxy() {
    process=$(runtime_process) url=${server:-$(field server)}
    [ "$plugin" = thin ] && [ -n "$url" ] && [ "$process" != /proc/self ] || return 0
    host=${url#https://} host=${host%%/*}
    case $host in *]*) host=${host%%]*} host=${host#\[} ;; *) host=${host%:*} ;; esac
    proxy=$(tr '\0' '\n' <"$process/environ" | awk -v host="$host" '
        function number(ip,  n) { split(ip, n, "."); return ((n[1] * 256 + n[2]) * 256 + n[3]) * 256 + n[4] }
        { key = toupper($0); sub(/=.*/, "", key); sub(/[^=]*=/, ""); if ($0 != "") said[key] = $0 }
        END {
            n = split(said["NO_PROXY"] ",localhost,127.0.0.0/8,::1", each, /[, ]+/)
            for (; n; n--) {
                entry = each[n]; sub(/^[*]?[.]/, "", entry)
                if (entry == "") continue
                bits = split(entry, part, "/") == 2
                for (k = part[2]; k < 32; k++) bits *= 2
                tail = substr("." host, length(host) + 1 - length(entry))
                if (entry == "*" || tail == "." entry || bits && host ~ /^[0-9.]+$/ && int(number(host) / bits) == int(number(part[1]) / bits)) exit
            }
            print said["HTTPS_PROXY"]
        }')
    [ -z "$proxy" ] || warn api-by-proxy "$url" "the runtime has a proxy, by which thin Multus asks this address too" "name $host in NO_PROXY of the runtime, and restart it"
}
