#!/bin/sh
# What Multus needs on a node, and nothing else: one program with a sub-command per phase.
# POSIX sh with the tools of a base system (awk, sed, base64, df, readlink); asks the API through curl, k3s or kubectl.
#
#   preflight  read-only: is this node what the plan says? Refuses with every reason at once.
#   provision  takes the kubeconfig from standard input, writes it (0600, root) and proves it against the API.
#   verify     the configuration that the pod wrote is there, first, valid and ours; waits for it.
#   disarm     takes the configuration away while everything it needs is still there.
#   clean      gives back addresses of dead sandboxes, then removes kubeconfig, binary and caches.
#   forget     removes this program when nothing was provisioned.
#
# Every phase may be killed and run again. Standard output says what was done, standard error what is wrong.
set -eu
umask 077
export LC_ALL=C
unset KUBERNETES_SERVICE_HOST KUBERNETES_SERVICE_PORT

phase=${1:?"usage: node.sh PHASE [--option value]..."}
shift

root='' conf_dir='' bin_dir='' containerd_config='' server='' namespace='' marker_name='' owner='' node='' install=''
token_secret='' adopt=false live=refuse disarm_on_failure=false seconds=120
while [ $# -gt 0 ]; do
    case $1 in
    --root) root=$2 ;;
    --conf-dir) conf_dir=$2 ;;
    --bin-dir) bin_dir=$2 ;;
    --containerd-config) containerd_config=$2 ;;
    --server) server=$2 ;;
    --namespace) namespace=$2 ;;
    --marker) marker_name=$2 ;;
    --owner) owner=$2 ;;
    --node) node=$2 ;;
    --install) install=$2 ;;
    --token-secret) token_secret=$2 ;;
    --adopt) adopt=$2 ;;
    --live-attachments) live=$2 ;;
    --disarm-on-failure) disarm_on_failure=$2 ;;
    --seconds) seconds=$2 ;;
    --plan) ;; # only there so that a changed plan is seen as a changed command
    *)
        echo "node.sh: unknown option $1" >&2
        exit 2
        ;;
    esac
    shift 2
done

conf=$root$conf_dir
bin=$root$bin_dir
state=$root/var/lib/multus-install
marker=$state/marker
kubeconfig=$conf/multus.d/multus.kubeconfig
cache=$root/var/lib/cni/multus
errors=0

say() { printf '%s\n' "$*"; }
warn() { printf 'warning: %s\n' "$*" >&2; }

# error WHERE WHAT FIX
error() {
    errors=$((errors + 1))
    printf 'error: %s: %s; %s.\n' "$1" "$2" "$3" >&2
}

die() {
    error "$@"
    exit 1
}

# await SECONDS COMMAND...: polls, since nothing on a base system can wait for a file or a process that is not a child.
await() {
    left=$1
    shift
    until "$@"; do
        [ "$left" -gt 0 ] || return 1
        left=$((left - 1))
        sleep 1
    done
}

# ---------------------------------------------------------------------------------------------------------------- JSON

# json FILE: strict JSON as lines `/path/to/leaf=value`, strings in their quotes; status 1 where it is not JSON.
json() {
    awk '
    function broken() { bad = 1; exit 1 }
    function blank() { while (substr(s, p, 1) ~ /^[ \t\r\n]$/) p++ }
    function text(  rest, found) {
        rest = substr(s, p)
        if (!match(rest, /^"([^"\\]|\\["\\\/bfnrt]|\\u[0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F])*"/)) broken()
        found = substr(rest, 1, RLENGTH)
        if (found ~ /[\001-\037]/) broken()
        p += RLENGTH
        return found
    }
    function member(path,  key) {
        blank(); key = text(); blank()
        if (substr(s, p++, 1) != ":") broken()
        value(path "/" substr(key, 2, length(key) - 2))
    }
    function many(path, close_with, named,  n, c) {
        p++; blank()
        if (substr(s, p, 1) == close_with) { p++; return }
        for (n = 0; ; n++) {
            if (named) member(path); else value(path "/" n)
            blank(); c = substr(s, p++, 1)
            if (c == close_with) return
            if (c != ",") broken()
        }
    }
    function value(path,  c, rest) {
        blank(); c = substr(s, p, 1)
        if (c == "{") { many(path, "}", 1); return }
        if (c == "[") { many(path, "]", 0); return }
        if (c == "\"") { out = out path "=" text() "\n"; return }
        rest = substr(s, p, 64)
        if (!match(rest, /^(true|false|null|-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?)/)) broken()
        out = out path "=" substr(rest, 1, RLENGTH) "\n"
        p += RLENGTH
    }
    { s = s $0 "\n" }
    END {
        if (bad) exit 1
        p = 1; value(""); blank()
        if (p <= length(s)) broken()
        printf "%s", out
    }' "$1"
}

# leaf PATH: the value of one leaf of what json printed, without quotes.
leaf() { sed -n "s|^$1=\"\\{0,1\\}\\([^\"]*\\)\"\\{0,1\\}\$|\\1|p" | head -n 1; }

# ------------------------------------------------------------------------------------------------- the CNI directory

# Every file that the runtime would consider, in its order.
conf_files() {
    for file in "$conf"/*; do
        case $file in *.conf | *.conflist | *.json) [ -f "$file" ] && say "$file" ;; esac
    done
    return 0
}

is_ours() { case ${1##*/} in 00-multus.conf | 00-multus.conflist) true ;; *) false ;; esac }

# The plugin types that a configuration names, outermost first.
types_of() { json "$1" 2>/dev/null | sed -n 's|^/\(plugins/[0-9]*/\)\{0,1\}type="\(.*\)"$|\2|p'; }

runs_multus() { types_of "$1" | grep -q '^multus'; }

# The default network: the first valid configuration that is not Multus'.
default_conf() {
    conf_files | while read -r file; do
        is_ours "$file" && continue
        [ -n "$(types_of "$file")" ] || continue
        runs_multus "$file" && continue
        say "$file"
        break
    done
}

our_confs() {
    for file in "$conf/00-multus.conf" "$conf/00-multus.conflist"; do
        [ ! -e "$file" ] || say "$file"
    done
}

# Puts a file into the conf dir as the runtime needs it: whole, and by a rename within the directory.
place_conf() {
    cp "$1" "$conf/.multus-install.tmp"
    chmod 0600 "$conf/.multus-install.tmp"
    mv "$conf/.multus-install.tmp" "$conf/${1##*/}"
}

keep_copy() {
    mkdir -p "$state/conf"
    our_confs | while read -r file; do
        cp "$file" "$state/conf/.tmp"
        mv "$state/conf/.tmp" "$state/conf/${file##*/}"
    done
}

remove_confs() {
    rm -f "$conf/00-multus.conf" "$conf/00-multus.conflist" "$conf/00-multus.conf.new" "$conf/.multus-install.tmp"
}

# ------------------------------------------------------------------------------------------------------------ the API

field() { sed -n "s/^ *$1: *\"\\{0,1\\}\\([^\"]*\\)\"\\{0,1\\} *\$/\\1/p" "$kubeconfig" | head -n 1; }

# api_status PATH: the HTTP status that the kubeconfig's account gets, 000 without an answer, empty with no tool to ask.
api_status() {
    if command -v curl >/dev/null 2>&1; then
        ca=$state/.ca
        field certificate-authority-data | base64 -d >"$ca"
        code=$(printf 'header = "Authorization: Bearer %s"\n' "$(field token)" |
            curl -sS -K - --cacert "$ca" --noproxy '*' --max-time 10 -o /dev/null -w '%{http_code}' "$(field server)$1" 2>"$state/.api") || true
        rm -f "$ca"
        say "${code:-000}"
    elif command -v k3s >/dev/null 2>&1; then
        kubectl_status "$1" k3s kubectl
    elif command -v kubectl >/dev/null 2>&1; then
        kubectl_status "$1" kubectl
    fi
}

kubectl_status() {
    path=$1
    shift
    if "$@" --kubeconfig "$kubeconfig" --request-timeout 10s get --raw "$path" >/dev/null 2>"$state/.api"; then
        say 200
    elif grep -q 'NotFound\|not found' "$state/.api"; then
        say 404
    elif grep -q 'Forbidden' "$state/.api"; then
        say 403
    elif grep -q 'Unauthorized\|must be logged in' "$state/.api"; then
        say 401
    else
        say 000
    fi
}

api_answer() { tr '\n' ' ' <"$state/.api" 2>/dev/null | sed 's/ *$//'; }

# Authorisation is proven by what the account may read and what is not there: 404. `/version` is open to everybody.
proven() {
    for path in \
        "/apis/k8s.cni.cncf.io/v1/namespaces/$namespace/network-attachment-definitions/multus-install-proof" \
        "/api/v1/namespaces/$namespace/pods/multus-install-proof"; do
        proof=$(api_status "$path")
        [ "$proof" = 404 ] || return 1
    done
}

prove() {
    if await 15 proven; then
        say "credentials proven against $(field server)"
        return 0
    fi
    case $proof in
    '') warn "credentials not proven: none of curl, k3s and kubectl is here" ;;
    000) error "$kubeconfig" "the API server did not answer at $(field server): $(api_answer)" "set apiServer to an address that this host reaches" ;;
    401) error "$kubeconfig" "the API server does not know the token" "run pulumi up --refresh, then pulumi up" ;;
    403) error "$kubeconfig" "the account may not read what Multus reads" "look at ClusterRole and ClusterRoleBinding multus, then pulumi up" ;;
    *) error "$kubeconfig" "the API server answered $proof" "look at the API server's log" ;;
    esac
    [ "$errors" -eq 0 ]
}

# Whether the stack is being removed: its marker in the cluster goes first. Anything unclear stops here, with nothing changed.
stack_goes() {
    if [ ! -s "$kubeconfig" ]; then
        say "no kubeconfig, so Multus cannot work here: removing what is left"
        return 0
    fi
    status=$(api_status "/api/v1/namespaces/$namespace/configmaps/$marker_name")
    case $status in
    404) return 0 ;;
    200) return 1 ;;
    401)
        say "the API server no longer knows the token, so Multus cannot work here: removing what is left"
        return 0
        ;;
    403) die "$kubeconfig" "the account may not read ConfigMap $namespace/$marker_name" "run pulumi up, which puts the Role back, then repeat" ;;
    '') die "$node" "nothing here can ask the API whether the stack goes" "install curl on the node, then repeat" ;;
    *) die "$kubeconfig" "the API server did not answer ($status): $(api_answer)" "make $(field server) reachable from the node, then repeat" ;;
    esac
}

# ----------------------------------------------------------------------------------------------------------- the marker

marked() { [ ! -f "$marker" ] || sed -n "s/^$1=//p" "$marker"; }

is_mine() { [ "$(marked owner)" = "$owner" ] && [ "$(marked node)" = "$node" ] && [ "$(marked install)" = "$install" ]; }

# Whether the kubeconfig on disk carries the token Secret of this very install, as a pod writes it by itself.
token_is_ours() {
    [ -s "$kubeconfig" ] || return 1
    payload=$(field token | cut -d. -f2 | tr '_-' '/+')
    case $((${#payload} % 4)) in 2) payload="$payload==" ;; 3) payload="$payload=" ;; esac
    printf '%s' "$payload" | base64 -d 2>/dev/null | grep -q "\"kubernetes.io/serviceaccount/namespace\":\"$namespace\".*\"kubernetes.io/serviceaccount/secret.name\":\"$token_secret\""
}

remove_state() {
    rm -f "$state/conf/00-multus.conf" "$state/conf/00-multus.conflist" "$state/conf/.tmp"
    [ ! -d "$state/conf" ] || rmdir "$state/conf"
    rm -f "$state/.ca" "$state/.api" "$marker.new" "$marker" "$state/node.sh.new" "$state/node.sh"
    [ ! -d "$state" ] || rmdir "$state"
}

# --------------------------------------------------------------------------------------------------------- the sandboxes

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

cached_sandboxes() {
    for file in "$cache"/*; do
        [ ! -f "$file" ] || say "${file##*/}"
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
    cached_sandboxes | while read -r id; do
        is_live "$id" || continue
        attachments "$id" | while read -r name _ pod; do
            [ "$name" = eth0 ] || say "$pod $name"
        done
    done
}

no_live_attachment() { [ -z "$(live_attachments)" ]; }

# Multus gives back from its cache alone when it is told of no kubeconfig.
release() {
    printf '{"cniVersion":"0.3.1","name":"multus-install","type":"multus","cniDir":"%s","binDir":"%s","delegates":[{"cniVersion":"0.3.1","name":"none","type":"none"}]}' "$cache" "$bin" |
        CNI_COMMAND=DEL CNI_CONTAINERID=$1 CNI_NETNS='' CNI_IFNAME=eth0 CNI_PATH=$bin CNI_ARGS=IgnoreUnknown=1 "$bin/multus"
}

release_dead() {
    cached_sandboxes | while read -r id; do
        is_live "$id" && continue
        if ! [ -x "$bin/multus" ]; then
            warn "$cache/$id: addresses of a dead sandbox stay reserved, the multus binary is gone"
        elif release "$id" >"$state/.api" 2>&1; then
            say "gave back the interfaces of dead sandbox $id"
        else
            warn "$cache/$id: a dead sandbox could not be given back: $(api_answer)"
        fi
    done
}

# Processes of Multus' pods on this node, told from another node's on the same machine by their network namespace.
multus_processes() {
    here=$(readlink /proc/self/ns/net)
    for process in /proc/[0-9]*; do
        { read -r name <"$process/comm"; } 2>/dev/null || continue
        case $name in
        thin_entrypoint | multus-daemon) [ "$(readlink "$process/ns/net" 2>/dev/null)" != "$here" ] || say "$process" ;;
        esac
    done
}

no_multus_process() { [ -z "$(multus_processes)" ]; }

# A pod that removes the configuration when it stops would take away what its successor wrote.
no_removing_process() {
    for process in $(multus_processes); do
        ! tr '\0' '\n' <"$process/cmdline" 2>/dev/null | grep -q '^--cleanup-config-on-exit' || return 1
    done
}

# --------------------------------------------------------------------------------------------------------------- phases

# k3s before October 2024 names the target of the link that its profile names.
same_place() { [ "$(readlink -f "$root$1")" = "$(readlink -f "$root$2")" ]; }

check_runtime() {
    if [ ! -f "$root$containerd_config" ]; then
        warn "$containerd_config is not there: the directories could not be compared with the runtime's own"
        return 0
    fi
    runtime_conf=$(sed -n 's/^[[:space:]]*conf_dir[[:space:]]*=[[:space:]]*["'\'']\([^"'\'']*\)["'\''].*/\1/p' "$root$containerd_config" | head -n 1)
    runtime_bins=$(sed -n 's/^[[:space:]]*bin_dirs\{0,1\}[[:space:]]*=[[:space:]]*\(.*\)/\1/p' "$root$containerd_config" | tr -d "[]\"' " | tr ',' '\n')
    runtime_conf=${runtime_conf:-/etc/cni/net.d}
    runtime_bins=${runtime_bins:-/opt/cni/bin}
    same_place "$runtime_conf" "$conf_dir" ||
        error "$containerd_config" "the runtime reads CNI configurations from $runtime_conf, the plan says $conf_dir" "set cniConfDir to $runtime_conf"
    for runtime_bin in $runtime_bins; do
        ! same_place "$runtime_bin" "$bin_dir" || return 0
    done
    error "$containerd_config" "the runtime runs CNI plugins from $(printf '%s' "$runtime_bins" | tr '\n' ' '), the plan says $bin_dir" "set cniBinDir to it"
}

check_leftovers() {
    if [ -f "$marker" ]; then
        [ "$(marked owner)" = "$owner" ] || $adopt ||
            error "$marker" "this node belongs to $(marked owner)" "destroy that stack first, or set adopt to true for one up"
        return 0
    fi
    ! token_is_ours || return 0
    if ! $adopt; then
        for file in $(our_confs) "$kubeconfig" "$bin/multus"; do
            [ ! -e "$file" ] || error "$file" "left by an install that is not this stack's" "remove that install first, or set adopt to true for one up"
        done
    fi
}

check_confs() {
    if [ -z "$(default_conf)" ]; then
        error "$conf_dir" "there is no default network for Multus to stand on" "install the cluster's CNI first"
    fi
    conf_files | while read -r file; do
        is_ours "$file" || ! runs_multus "$file" || say "$file"
    done >"$state/.found"
    while read -r file; do
        error "$file" "another Multus configuration, which Multus would take for its default network" "remove it"
    done <"$state/.found"
    rm -f "$state/.found"
}

check_space() {
    free=$(df -Pk "$bin" | awk 'NR == 2 { print $4 }')
    [ "$free" -ge 131072 ] || error "$bin_dir" "$((free / 1024)) MiB are free, Multus' binary needs 128" "make room"
}

check_server() {
    if command -v curl >/dev/null 2>&1; then
        curl -sSk --noproxy '*' --max-time 10 -o /dev/null "$server/version" 2>"$state/.api" ||
            error "$server" "the API server does not answer this node: $(api_answer)" "set apiServer to an address that this host reaches"
        rm -f "$state/.api"
    elif ! command -v k3s >/dev/null 2>&1 && ! command -v kubectl >/dev/null 2>&1; then
        warn "none of curl, k3s and kubectl is here: credentials cannot be proven, and a removal will need one of them"
    fi
}

preflight() {
    [ "$(id -u)" = 0 ] || die "$node" "the login is not root" "log in as root or allow sudo -n"
    for tool in awk sed tr cut base64 df readlink grep; do
        command -v "$tool" >/dev/null 2>&1 || error "$tool" "is not on this node" "install it"
    done
    for directory in "$conf_dir" "$bin_dir"; do
        [ -d "$root$directory" ] || error "$directory" "there is no such directory" "check distro, or set cniConfDir and cniBinDir"
    done
    check_runtime
    check_leftovers
    if [ "$errors" -eq 0 ]; then
        check_confs
        check_space
    fi
    check_server
    if [ "$errors" -gt 0 ]; then
        [ -f "$marker" ] || remove_state
        exit 1
    fi
    say "ready: default network $(json "$(default_conf)" | leaf /name) in $(default_conf)"
}

undo_provision() {
    status=$?
    if [ "$status" -ne 0 ] && $fresh; then
        remove_credentials
        rm -f "$marker" "$marker.new"
    fi
    exit "$status"
}

remove_credentials() {
    rm -f "$kubeconfig" "$kubeconfig.new" "$conf/multus.d/.multus-install.tmp"
    if [ "$(marked made_directory)" = yes ] && [ -d "$conf/multus.d" ]; then
        rmdir "$conf/multus.d" 2>/dev/null || warn "$conf/multus.d is kept, other files are in it"
    fi
}

provision() {
    fresh=false made=$(marked made_directory)
    [ -f "$marker" ] || [ -e "$kubeconfig" ] || fresh=true
    [ -d "$conf/multus.d" ] || made=yes
    trap undo_provision EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    mkdir -p "$state"
    printf 'owner=%s\nnode=%s\ninstall=%s\nmade_directory=%s\n' "$owner" "$node" "$install" "${made:-no}" >"$marker.new"
    mv "$marker.new" "$marker"
    [ -d "$conf/multus.d" ] || mkdir -m 0700 "$conf/multus.d"
    cat >"$conf/multus.d/.multus-install.tmp"
    [ -s "$conf/multus.d/.multus-install.tmp" ] || die "$kubeconfig" "no kubeconfig came over standard input" "run pulumi up again"
    chown 0:0 "$conf/multus.d/.multus-install.tmp"
    chmod 0600 "$conf/multus.d/.multus-install.tmp"
    mv "$conf/multus.d/.multus-install.tmp" "$kubeconfig"
    if command -v restorecon >/dev/null 2>&1; then restorecon -R "$conf/multus.d"; fi
    prove || exit 1
    keep_copy
    rm -f "$state/.api"
    say "provisioned $kubeconfig"
}

conf_is_there() { [ -x "$bin/multus" ] && [ -n "$(our_confs)" ] && no_removing_process; }

check_our_conf() {
    # shellcheck disable=SC2046 # plan.py lets no blank into a directory's name
    set -- $(our_confs)
    if [ $# -ne 1 ]; then
        error "$conf_dir" "there are two Multus configurations, $*" "remove the one that the running plugin did not write"
        return 0
    fi
    if ! json "$1" >"$state/.conf" 2>/dev/null; then
        error "$1" "is not JSON" "delete the node's Multus pod, it writes the file anew"
        return 0
    fi
    first=$(conf_files | head -n 1)
    [ "$first" = "$1" ] || error "$first" "sorts before $1, so that the runtime never asks Multus" "rename or remove it"
    prefix=''
    ! grep -q '^/plugins/0/' "$state/.conf" || prefix=/plugins/0
    named=$(leaf "$prefix/kubeconfig" <"$state/.conf")
    [ "$named" = "$conf_dir/multus.d/multus.kubeconfig" ] ||
        error "$1" "names the kubeconfig ${named:-nowhere}" "delete the node's Multus pod, it writes the file anew"
    master=$(leaf "$prefix/delegates/0/name" <"$state/.conf")
    expected=$(json "$(default_conf)" | leaf /name)
    [ "$master" = "$expected" ] ||
        error "$1" "delegates to ${master:-no network}, the default network is $expected" "delete the node's Multus pod, it writes the file anew"
}

verify() {
    if [ -z "$(our_confs)" ] && await 10 no_removing_process; then
        for file in "$state"/conf/00-multus.conf*; do
            [ ! -f "$file" ] || [ ! -x "$bin/multus" ] || [ -n "$(our_confs)" ] || place_conf "$file"
        done
    fi
    if await "$seconds" conf_is_there; then
        check_our_conf
        prove || true
    else
        [ -x "$bin/multus" ] || error "$bin_dir/multus" "the pod did not install the plugin within $seconds s" "look at the node's Multus pod: kubectl -n $namespace logs -l app=multus"
        [ -n "$(our_confs)" ] || error "$conf_dir" "the pod did not write 00-multus.conf within $seconds s" "look at the node's Multus pod: kubectl -n $namespace logs -l app=multus"
        no_removing_process || error "$node" "the pod of kube-multus-ds-fallback is still here" "look at it: kubectl -n $namespace get pods -o wide -l app=multus"
    fi
    rm -f "$state/.conf" "$state/.api"
    if [ "$errors" -gt 0 ]; then
        ! $disarm_on_failure || take_away
        exit 1
    fi
    keep_copy
    say "verified: $(our_confs) delegates to $(json "$(default_conf)" | leaf /name)"
}

take_away() {
    if [ -z "$(our_confs)" ]; then
        say "no Multus configuration to take away"
        return 0
    fi
    [ -n "$(default_conf)" ] ||
        die "$conf_dir" "no other valid configuration would remain, and no pod could start" "bring the default network's configuration back, then repeat"
    keep_copy
    remove_confs
    say "disarmed: pods get their network from $(default_conf) alone"
}

disarm() {
    if ! is_mine; then
        say "left alone: this node is not provisioned by $owner as $node"
        return 0
    fi
    if ! stack_goes; then
        say "left alone: the stack stays, only its SSH steps leave this node"
        return 0
    fi
    # A pod that is being deleted loses its sandbox a little after its object.
    await 15 no_live_attachment || true
    holding=$(live_attachments)
    if [ -n "$holding" ]; then
        holders=$(printf '%s' "$holding" | tr '\n' ',')
        [ "$live" = proceed ] ||
            die "$node" "running pods still have additional interfaces ($holders), whose addresses would stay reserved" "delete these pods, or set liveAttachments to proceed and run pulumi up, then repeat"
        warn "$node: these interfaces keep their addresses reserved: $holders"
    fi
    take_away
}

clean() {
    if [ -f "$marker" ] && ! is_mine; then
        say "left alone: this node is not provisioned by $owner as $node"
        return 0
    fi
    if [ ! -f "$marker" ]; then
        remove_state
        say "nothing left to remove"
        return 0
    fi
    if ! stack_goes; then
        remove_state
        say "the stack stays: the node's pod serves it from now on"
        return 0
    fi
    await 60 no_multus_process || die "$node" "a Multus pod still runs here" "find what keeps it: kubectl get pods -A -o wide --field-selector spec.nodeName=$node"
    take_away
    remove_confs
    release_dead
    remove_credentials
    rm -f "$bin/multus" "$bin/_multus"
    if [ -z "$(live_attachments)" ]; then
        rm -rf "$cache"
    else
        warn "$cache is kept: running pods still have additional interfaces, a later install can give them back"
    fi
    remove_state
    say "clean"
}

forget() {
    if [ -f "$marker" ]; then
        say "left alone: the node is provisioned"
    else
        remove_state
        say "forgotten"
    fi
}

case $phase in
preflight | provision | verify | disarm | clean | forget) "$phase" ;;
*)
    echo "node.sh: unknown phase $phase" >&2
    exit 2
    ;;
esac
