#!/bin/sh
# What Multus needs on a node, and nothing else: one program with a sub-command per phase.
# POSIX sh with the tools of a base system (awk, sed, base64, df, readlink); asks the API through curl, k3s or kubectl.
#
#   preflight  read-only: is this node what the plan says? Every finding at once, with --as-json true for programs.
#   provision  takes the kubeconfig from standard input, writes it (0600, root) and proves it against the API.
#   verify     the configuration that the pod wrote is there, first, valid and ours; waits for it. With thick it writes
#              thin's beside it, which serves the runtime while the daemon is away.
#   disarm     takes the configuration away while everything it needs is still there.
#   clean      gives back addresses of dead sandboxes, then removes kubeconfig, binaries and caches.
#   forget     removes this program when nothing was provisioned.
#
# Every phase may be killed and run again. Standard output says what was done, standard error what is wrong.
set -eu
umask 077
export LC_ALL=C
unset KUBERNETES_SERVICE_HOST KUBERNETES_SERVICE_PORT

phase=${1:?"usage: node.sh PHASE [--option value]..."}
shift

# The options: --conf-dir sets conf_dir.
root='' conf_dir='' bin_dir='' containerd_config='' kubelet_dir=/var/lib/kubelet socket_dir=/run/multus
server='' namespace=kube-system stack_marker=multus-install token_secret='' owner='' node='' install='' plugin=thin metrics_port=''
adopt=false live_attachments=refuse disarm_on_failure=false seconds=60 as_json=false
# Whether the engine knows this step already, under whatever name.
aliased=false
# How the DaemonSets come; with a + while they are being handed over.
method=manifest
# File or name of the default network, where it is not the first file's.
master=''
# Plugins that the networks call, and plugins that the pod puts into the bin dir.
needs='' installs=''
# What thin is told while thick's daemon is away, as members of JSON.
standby=''
# Only there so that a changed plan is seen as a changed command.
# shellcheck disable=SC2034
plan=''
while [ $# -gt 0 ]; do
    option=$(printf '%s' "${1#--}" | tr - _)
    case $option in *[!a-z_]*) option='' ;; esac
    if [ -z "$option" ] || eval "[ -z \"\${$option+known}\" ]"; then
        echo "node.sh: unknown option $1" >&2
        exit 2
    fi
    eval "$option=\$2"
    shift 2
done

conf=$root$conf_dir
bin=$root$bin_dir
state=$root/var/lib/multus-install
marker=$state/marker
disabled=$state/disabled
kubeconfig=$conf/multus.d/multus.kubeconfig
cache=$root/var/lib/cni/multus
socket=$root$socket_dir/multus.sock
by_name="set apiServer to an address that the API server's certificate names"
errors=0 findings='' facts=''
# What the runtime calls is named like the type in the configuration.
case $plugin in thick) program=multus-shim ;; *) program=multus ;; esac

say() { printf '%s\n' "$*"; }

# quoted TEXT: as a JSON string.
quoted() { printf '"%s"' "$(printf '%s' "$1" | tr '\001-\037' ' ' | sed 's/[\\"]/\\&/g')"; }

# finding SEVERITY WHERE WHAT FIX
finding() {
    printf '%s: %s: %s; %s.\n' "$1" "$2" "$3" "$4" >&2
    ! $as_json || findings="$findings${findings:+,}{\"severity\":\"$1\",\"where\":$(quoted "$2"),\"what\":$(quoted "$3"),\"fix\":$(quoted "$4")}"
}

warn() { finding warning "$@"; }

error() {
    errors=$((errors + 1))
    finding error "$@"
}

die() {
    error "$@"
    exit 1
}

# fact NAME VALUE
fact() { ! $as_json || facts="$facts${facts:+,}\"$1\":$(quoted "$2")"; }

has() { command -v "$1" >/dev/null 2>&1; }

# Whether a list of words has one.
lists() { case " $1 " in *" $2 "*) true ;; *) false ;; esac }

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

trap 'rm -f "$state"/.[a-z]*' EXIT

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

runs_multus() { json "$1" 2>/dev/null | grep -q '/type="multus'; }

# What Multus takes for its default network: the first file of these names, whatever is in it.
first_conf() {
    conf_files | while read -r file; do
        case $file in *.json) continue ;; esac
        is_ours "$file" || { say "$file" && break; }
    done
}

# The default network: the plan's, else the first valid configuration that is not Multus'.
default_conf() {
    if [ -n "$master" ] && [ -f "$conf/$master" ]; then
        say "$conf/$master"
        return 0
    fi
    conf_files | while read -r file; do
        is_ours "$file" || [ -z "$(types_of "$file")" ] || runs_multus "$file" || { say "$file" && break; }
    done
}

default_name() { if [ -z "$master" ] || [ -f "$conf/$master" ]; then json "$(default_conf)" | leaf /name; else say "$master"; fi; }

our_confs() {
    for file in "$conf/00-multus.conf" "$conf/00-multus.conflist"; do
        [ ! -e "$file" ] || say "$file"
    done
}

is_planned() { [ "$(types_of "$1" | head -n 1)" = "$program" ]; }

# The configuration of the plan's plugin; of two, the running pod wrote the newer.
planned_conf() {
    # shellcheck disable=SC2012 # the two names are known
    ls -t "$conf/00-multus.conf" "$conf/00-multus.conflist" 2>/dev/null | while read -r file; do
        ! is_planned "$file" || { say "$file" && break; }
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
        cp "$file" "$state/.conf"
        mv "$state/.conf" "$state/conf/${file##*/}"
    done
}

put_back() {
    for file in "$state"/conf/00-multus.conf*; do
        [ ! -f "$file" ] || { ! is_planned "$file" && ! is_standby "$file"; } || place_conf "$file"
    done
}

# Thin's configuration beside thick's: it sorts second, and the daemon neither takes it away nor for the default network.
is_standby() { [ "$plugin:${1##*/}" = thick:00-multus.conflist ]; }

# Writes the standby, where the plan has one: thin by the name, version and capabilities of the daemon's configuration.
stand_by() {
    ours=$(planned_conf)
    [ -n "$standby" ] && [ -n "$ours" ] && [ -x "$bin/multus" ] || return 0
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
        "$(sed -n 's|^/capabilities/\(.*\)=true$|"\1":true|p' "$state/.flat" | tr '\n' , | sed 's/,$//')" "$standby" \
        >"$conf/.multus-install.tmp"
    mv "$conf/.multus-install.tmp" "$conf/00-multus.conflist"
}

remove_confs() {
    rm -f "$conf/00-multus.conflist" "$conf/00-multus.conf" "$conf/.multus-install.tmp" "$conf"/00-multus.conf*.cilium_bak
}

# What Multus leaves when it is killed while it installs itself. A stale 00-multus.conf.new even breaks the next one.
stale_files() {
    for file in "$conf"/00-multus.conf*.new "$conf"/00-multus.conf*.temp* "$conf"/multus.d/multus.kubeconfig.new \
        "$bin"/_multus* "$bin"/multus.temp* "$bin"/multus-shim.temp* "$bin"/passthru.temp*; do
        [ ! -f "$file" ] || say "$file"
    done
}

remove_stale() { stale_files | while read -r file; do rm -f "$file"; done; }

# What the runtime says of itself, in lines of json; false where it cannot be asked or serves another directory.
runtime_info() {
    if has crictl; then set -- crictl; elif has k3s; then set -- k3s crictl; else return 1; fi
    timeout 10 "$@" info 2>/dev/null | json - >"$state/.info" && same_place "$(leaf /cniconfig/PluginConfDir <"$state/.info")" "$conf_dir"
}

load_status() { sed -n 's|^/lastCNILoadStatus="\(.*\)"$|\1|p' "$state/.info"; }

conf_is_loaded() { ! runtime_info || [ "$(load_status)" = OK ]; }

default_is_loaded() {
    ! runtime_info || { [ "$(load_status)" = OK ] && ! grep -q '^/cniconfig/Networks/.*/type="multus' "$state/.info"; }
}

# ------------------------------------------------------------------------------------------------------------ the API

field() { sed -n "s/^ *$1: *\"\\{0,1\\}\\([^\"]*\\)\"\\{0,1\\} *\$/\\1/p" "$kubeconfig" | head -n 1; }

fetch() { curl -sS --noproxy '*' --max-time 10 -o /dev/null "$@" 2>"$state/.api"; }

# Whether curl ended over a certificate.
tls_failed() { case $1 in 35 | 51 | 58 | 60 | 77) true ;; *) false ;; esac }

# api_status PATH: the HTTP status that the kubeconfig's account gets, 000 without an answer, empty with no tool to ask,
# tls where server and authority do not fit.
api_status() {
    if has curl; then
        field certificate-authority-data | base64 -d >"$state/.ca"
        code=$(printf 'header = "Authorization: Bearer %s"\n' "$(field token)" |
            fetch -K - --cacert "$state/.ca" -w '%{http_code}' "$(field server)$1") || ! tls_failed $? || code=tls
        say "${code:-000}"
    elif has k3s; then
        kubectl_status "$1" k3s kubectl
    elif has kubectl; then
        kubectl_status "$1" kubectl
    fi
}

# kubectl_status PATH KUBECTL...
kubectl_status() {
    path=$1
    shift
    if "$@" --kubeconfig "$kubeconfig" --request-timeout 10s get --raw "$path" >/dev/null 2>"$state/.api"; then
        say 200
    else
        { sed -n 's/.*[Nn]ot *[Ff]ound.*/404/p; s/.*Forbidden.*/403/p; s/.*Unauthorized.*/401/p; s/.*must be logged in.*/401/p; s/.*x509.*/tls/p' "$state/.api" && say 000; } | head -n 1
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
    '') warn "$kubeconfig" "credentials not proven: none of curl, k3s and kubectl is here" "install curl" ;;
    000) error "$kubeconfig" "the API server did not answer at $(field server): $(api_answer)" "set apiServer to an address that this host reaches" ;;
    tls) error "$kubeconfig" "the API server's certificate does not fit: $(api_answer)" "$by_name" ;;
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
    status=$(api_status "/api/v1/namespaces/$namespace/configmaps/$stack_marker")
    case $status in
    404) return 0 ;;
    200) return 1 ;;
    401)
        say "the API server no longer knows the token, so Multus cannot work here: removing what is left"
        return 0
        ;;
    403) die "$kubeconfig" "the account may not read ConfigMap $namespace/$stack_marker" "run pulumi up, which puts the Role back, then repeat" ;;
    '') die "$node" "nothing here can ask the API whether the stack goes" "install curl on the node, then repeat" ;;
    *) die "$kubeconfig" "the API server did not answer ($status): $(api_answer)" "make $(field server) reachable from the node, then repeat" ;;
    esac
}

# ----------------------------------------------------------------------------------------------------------- the marker

marked() { [ ! -f "$marker" ] || sed -n "s/^$1=//p" "$marker"; }

is_mine() { [ "$(marked owner)" = "$owner" ] && [ "$(marked node)" = "$node" ] && [ "$(marked install)" = "$install" ]; }

# Whether the kubeconfig on disk carries the token Secret of this very install, as a pod writes it by itself.
token_is_ours() {
    secret=$token_secret
    # On a machine installed anew the pod has written the token of the rotation before this one.
    ! $aliased || secret='multus-token-[^"]*'
    [ -s "$kubeconfig" ] || return 1
    payload=$(field token | cut -d. -f2 | tr '_-' '/+')
    case $((${#payload} % 4)) in 2) payload="$payload==" ;; 3) payload="$payload=" ;; esac
    printf '%s' "$payload" | base64 -d 2>/dev/null | grep -q "\"kubernetes.io/serviceaccount/namespace\":\"$namespace\".*\"kubernetes.io/serviceaccount/secret.name\":\"$secret\""
}

remove_state() {
    rm -f "$state/conf/00-multus.conf" "$state/conf/00-multus.conflist" "$state"/.[a-z]*
    [ ! -d "$state/conf" ] || rmdir "$state/conf"
    rm -rf "$state/default"
    rm -f "$disabled" "$marker.new" "$marker" "$state/node.sh.new" "$state/node.sh"
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

# What one cached result says of itself.
cached() { sed -n "s/.*\"$1\": *\"\\([^\"]*\\)\".*/\\1/p" "$2" 2>/dev/null; }

cached_sandboxes() {
    for file in "$cache"/*; do
        [ ! -f "$file" ] || say "${file##*/}"
    done
    for file in "$cache"/results/*; do
        [ ! -f "$file" ] || say "$(cached containerId "$file")"
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

# release ID INTERFACE: Multus gives back from its cache alone when it is told of no kubeconfig.
release() {
    printf '{"cniVersion":"0.3.1","name":"multus-install","type":"multus","cniDir":"%s","binDir":"%s","delegates":[{"cniVersion":"0.3.1","name":"none","type":"none"}]}' "$cache" "$bin" |
        CNI_COMMAND=DEL CNI_CONTAINERID=$1 CNI_NETNS='' CNI_IFNAME=$2 CNI_PATH=$bin CNI_ARGS=IgnoreUnknown=1 timeout 30 "$bin/multus" >"$state/.api" 2>&1
}

# Thick Multus caches its default network without what the network's plugins need for a DEL, and gives up there. The
# interface's own result has the whole configuration.
give_back() {
    [ ! -f "$cache/$1" ] || release "$1" eth0 || true
    for result in "$cache"/results/*-"$1"-*; do
        [ -f "$result" ] || continue
        config=$(cached config "$result") chain=''
        ! printf '%s' "$config" | base64 -d | grep -q '"plugins"' || chain=',"plugins":[{"type":"x"}]'
        printf '[{"ConfList":{"cniVersion":"1.0.0"%s},"Bytes":"%s"}]' "$chain" "$config" >"$cache/$1"
        release "$1" "$(cached ifName "$result")" || return 1
    done
}

release_dead() {
    cached_sandboxes | sort -u | while read -r id; do
        if [ -z "$id" ] || is_live "$id"; then continue; fi
        if ! [ -x "$bin/multus" ]; then
            warn "$cache/$id" "addresses of a dead sandbox stay reserved, the multus binary is gone" "look into /var/lib/cni/networks"
        elif give_back "$id"; then
            say "gave back the interfaces of dead sandbox $id"
        else
            warn "$cache/$id" "a dead sandbox could not be given back: $(api_answer)" "look into /var/lib/cni/networks"
        fi
    done
}

# Processes of Multus' pods on this node, told from another node's on the same machine by their network namespace.
multus_processes() {
    here=$(readlink /proc/self/ns/net)
    for process in /proc/[0-9]*; do
        { read -r name <"$process/comm"; } 2>/dev/null || continue
        case $name in
        thin_entrypoint | multus-daemon) [ "$(readlink "$process/ns/net" 2>/dev/null)" != "$here" ] || say "$process $name" ;;
        esac
    done
}

no_multus_process() { [ -z "$(multus_processes)" ]; }

removes_on_exit() { tr '\0' '\n' <"$1/cmdline" 2>/dev/null | grep -q '^--cleanup-config-on-exit'; }

# STOP: such a pod does not hear that it is to end, and the kubelet kills it with the configuration in place. CONT: it does.
signal_removing() {
    multus_processes | while read -r process _; do
        ! removes_on_exit "$process" || kill -s "$1" "${process##*/}" 2>/dev/null || true
    done
}

# A pod that removes the configuration when it stops would take away what its successor wrote.
no_removing_process() {
    multus_processes | while read -r process name; do
        case $plugin:$name in
        *:thin_entrypoint) ! removes_on_exit "$process" || say "$process" ;;
        thick:*) [ "$(multus_processes | grep -c multus-daemon)" -lt 2 ] || say "$process" ;;
        *) say "$process" ;;
        esac
    done >"$state/.removing"
    [ ! -s "$state/.removing" ]
}

# --------------------------------------------------------------------------------------------------------------- phases

# k3s before October 2024 names the target of the link that its profile names.
same_place() { place=$(readlink -f "$root$1") && [ "$place" = "$(readlink -f "$root$2")" ]; }

# settings FILE: lines `conf DIR`, `bin DIR...`, `imports FILE...` of a runtime's TOML.
settings() {
    awk '
    /^[ \t]*#/ { next }
    line == "" && /^[ \t]*\[/ { section = $0; next }
    { sub(/[ \t]#.*/, ""); line = line $0 " " }
    line ~ /=[ \t]*\[[^]]*$/ { next }
    {
        key = line; sub(/^[ \t]*/, "", key); sub(/[ \t]*=.*/, "", key)
        sub(/^[^=]*=/, "", line); gsub(/[][",\047 \t]+/, " ", line); sub(/ $/, "", line)
        if (section ~ /\.cni *\]|crio\.network *\]/ && key ~ /^(conf|network)_dir$/) print "conf" line
        if (section ~ /\.cni *\]|crio\.network *\]/ && key ~ /^(bin|plugin)_dirs?$/) print "bin" line
        if (section == "" && key == "imports") print "imports" line
        line = ""
    }' "$1"
}

# The same with imported files, whose word is the last; CRI-O reads its own without being told.
all_settings() {
    settings "$root$1"
    for pattern in $(settings "$root$1" | sed -n 's/^imports//p') "$1.d/*"; do
        case $pattern in /*) ;; *) pattern=${1%/*}/$pattern ;; esac
        # shellcheck disable=SC2231 # a pattern
        for file in $root$pattern; do
            [ ! -f "$file" ] || settings "$file"
        done
    done
}

check_runtime() {
    runtime='' rancher='' k3s_version=''
    for file in "$containerd_config" /var/lib/rancher/k3s/agent/etc/containerd/config.toml /etc/containerd/config.toml /etc/crio/crio.conf; do
        [ -n "$runtime" ] || [ ! -f "$root$file" ] || runtime=$file
    done
    where=${runtime:-$containerd_config} runtime_conf=/etc/cni/net.d runtime_bins=/opt/cni/bin
    case $where in
    */agent/etc/containerd/config.toml)
        # Since v1.28.15, v1.29.10, v1.30.6 and v1.31.2 in a directory that upgrades keep.
        rancher=${where%/agent/*} runtime_conf=$rancher/agent/etc/cni/net.d runtime_bins=$rancher/data/cni
        [ -d "$root$runtime_bins" ] || runtime_bins=$rancher/data/current/bin
        ! has k3s || k3s_version=$(timeout 10 k3s --version 2>/dev/null | sed -n 's/^k3s version \([^ ]*\).*/\1/p')
        fact k3sVersion "$k3s_version"
        ;;
    esac
    if [ -n "$runtime" ]; then
        set -- "$(all_settings "$runtime" | sed -n 's/^conf *//p' | tail -n 1)" "$(all_settings "$runtime" | sed -n 's/^bin *//p' | tail -n 1)"
        runtime_conf=${1:-$runtime_conf} runtime_bins=${2:-$runtime_bins}
    else
        warn "$containerd_config" "is not there to compare the directories with" "check distro"
        [ -n "$rancher" ] || return 0
    fi
    fact runtimeConfig "$runtime"
    fact cniConfDir "$runtime_conf"
    fact cniBinDirs "$runtime_bins"
    same_place "$runtime_conf" "$conf_dir" ||
        error "$where" "the runtime reads CNI configurations from $runtime_conf, the plan says $conf_dir" "set cniConfDir to $runtime_conf"
    for runtime_bin in $runtime_bins; do
        ! same_place "$runtime_bin" "$bin_dir" || return 0
        # The link stays when an upgrade makes the directory behind it anew.
        [ -z "$rancher" ] || ! same_place "$rancher/data/current/bin" "$runtime_bin" || runtime_bin=$rancher/data/current/bin
    done
    error "$where" "the runtime${k3s_version:+ of k3s $k3s_version} runs CNI plugins from $runtime_bins, the plan says $bin_dir" "set cniBinDir to $runtime_bin"
}

# While people keep Multus disabled nothing of it is changed, or half of it would come back.
check_enabled() {
    [ ! -f "$disabled" ] || [ "$phase" = enable ] || die "$node" "Multus is disabled" "run \`multus-ops enable\`, then repeat"
}

# Under another component's name the engine would make everything anew and then delete what is live, unless an alias tells it.
check_owner() {
    was=$(marked owner)
    [ "$was" != "$owner" ] || return 0
    if [ "${was%/*}" != "${owner%/*}" ]; then
        $adopt || error "$marker" "this node belongs to $was" "destroy that stack first, or set adopt to true for one up"
    elif ! $aliased; then
        error "$marker" "this stack knows this node under its component ${was##*/}" "give that name back, or give the component aliases=[pulumi.Alias(name=\"${was##*/}\")]"
    fi
}

# By another method the engine would take the same DaemonSets once more, and then delete them.
check_method() {
    was=$(marked method)
    case $was in
    '' | *+ | "${method%+}") ;;
    *) error "$marker" "the DaemonSets are here by method $was" "set method to $was and handover to true, run pulumi up, then change method: docs/helm.md" ;;
    esac
}

check_leftovers() {
    check_enabled
    ! no_multus_process || for file in $(stale_files); do warn "$file" "left by an install that was killed" "nothing to do"; done
    if [ -f "$marker" ]; then
        check_owner
        check_method
        return 0
    fi
    if token_is_ours || $adopt; then return 0; fi
    # The kubelet calls the directories of logs NAMESPACE_POD_UID.
    pod=$(find "$root/var/log/pods" -name '*multus*' 2>/dev/null | head -n 1)
    for file in "$conf/00-multus.conf" "$conf/00-multus.conflist" "$kubeconfig" "$bin/multus" "$bin/multus-shim" "$socket"; do
        [ ! -e "$file" ] || error "$file" "left by an install that is not this stack's${pod:+: ${pod##*/}}" "helm uninstall (see helm list -A) or kubectl delete it, or set adopt to true for one up"
    done
}

check_confs() {
    [ -d "$conf" ] || return 0
    case $master in *.conf | *.conflist) [ -f "$conf/$master" ] || error "$conf/$master" "is not on this node" "check the plan's master" ;; esac
    default=$(default_conf) first=$(first_conf)
    if [ -z "$default" ]; then
        error "$conf_dir" "there is no default network for Multus to stand on" "install the cluster's CNI first"
    else
        fact defaultConf "$default"
        fact defaultNetwork "$(default_name)"
        case $default in
        "$first") ;;
        *.json) error "$default" "Multus does not read .json" "rename it to .conflist or .conf" ;;
        *)
            [ -n "$master" ] || runs_multus "$first" ||
                error "$first" "is not valid, and Multus takes the first file for its default network" "repair or remove it"
            ;;
        esac
    fi
    while read -r file; do
        [ -z "$file" ] || is_ours "$file" || ! runs_multus "$file" ||
            error "$file" "another Multus configuration" "remove it"
    done <<EOF
$(conf_files)
EOF
    check_cilium
    if runtime_info; then
        fact cniLoadStatus "$(load_status)"
        [ "$(load_status)" = OK ] || error "$conf_dir" "the runtime could not load its network: $(load_status)" "repair the cluster's CNI first"
    fi
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
    [ "$exclusive" != true ] || error "$conf_dir" "Cilium renames other configurations away" "set cni.exclusive to false in Cilium's Helm values"
}

check_plugins() {
    for name in $needs; do
        [ -x "$bin/$name" ] || lists "$installs" "$name" ||
            error "$bin_dir/$name" "the plugin that a network needs is not there" "add $name to referencePlugins, or install it"
    done
}

check_space() {
    [ -d "$bin" ] || return 0
    free=$(df -Pk "$bin" | awk 'NR == 2 { print int($4 / 1024) }')
    fact freeMiB "$free"
    [ "$free" -ge 128 ] || error "$bin_dir" "$free MiB are free, Multus' binaries need 128" "make room"
}

check_selinux() {
    enforcing=$(cat "$root/sys/fs/selinux/enforce" 2>/dev/null) || enforcing=0
    fact selinuxEnforcing "$enforcing"
    [ "$enforcing" != 1 ] || has restorecon || error restorecon "is not on this node, and SELinux is enforcing" "install it"
}

# Thick Multus sees a pod's network through mounts that the runtime passes into its pod.
check_mounts() {
    awk '$5 == "/" && / (shared|master):/ { found = 1 } END { exit !found }' "$root/proc/self/mountinfo" ||
        error / "the mount is private, thick Multus would not see the pods' networks" "mount --make-rshared /"
}

check_metrics_port() {
    awk -v port="$(printf ':%04X' "$metrics_port")" '$4 == "0A" && substr($2, length($2) - 4) == port { found = 1 } END { exit !found }' /proc/net/tcp /proc/net/tcp6 2>/dev/null || return 0
    multus_processes | grep -q multus-daemon || error "port $metrics_port" "something listens there already" "set metricsPort to a free one"
}

check_server() {
    if ! has curl; then
        has k3s || has kubectl || warn "$node" "credentials not proven: none of curl, k3s and kubectl is here" "install curl"
        return 0
    fi
    set -- -k
    for file in "$root$rancher/agent/server-ca.crt" "$root/etc/kubernetes/pki/ca.crt"; do
        [ ! -f "$file" ] || [ "$1" != -k ] || set -- --cacert "$file"
    done
    best=10000 status=0
    for _ in 1 2 3 4 5; do
        answer=$(fetch "$@" -w '%{http_code} %{time_total}' "$server/version") || { status=$? && break; }
        best=$(say "$answer $best" | awk '{ took = int($2 * 1000 + 1); print took < $3 ? took : $3 }')
        [ "$best" -gt 100 ] || break
    done
    fix="set apiServer to an address that this host reaches"
    # The agent's balancer.
    case $server in https://127.*) fix="$fix (k3s: see --lb-server-port)" ;; esac
    if tls_failed "$status"; then
        error "$server" "the API server's certificate does not fit: $(api_answer)" "$by_name"
    elif [ "$status" -ne 0 ]; then
        error "$server" "the API server does not answer this node: $(api_answer)" "$fix"
    else
        fact apiServerMilliseconds "$best"
        case $answer in 200* | 401* | 403*) ;; *) error "$server" "answers ${answer%% *}, as no API server does" "$fix" ;; esac
        [ "$plugin" = thin ] && [ "$best" -gt 100 ] || return 0
        set -- "$server" "needs $best ms to answer, Multus gives up after 250" "set apiServer to a nearer address, or plugin to thick"
        if [ "$best" -gt 200 ]; then error "$@"; else warn "$@"; fi
    fi
}

preflight() {
    [ "$(id -u)" = 0 ] || error "$node" "the login is not root" "log in as root or allow sudo -n"
    for tool in awk sed tr cut base64 df readlink grep ls head tail timeout; do
        has "$tool" || error "$tool" "is not on this node" "install it"
    done
    [ "$errors" -gt 0 ] || check_node
    if $as_json; then
        printf '{"findings":[%s],"facts":{%s}}\n' "$findings" "$facts"
    elif [ "$errors" -eq 0 ]; then
        say "ready: default network $(default_name) in $(default_conf)"
    fi
    if [ "$errors" -gt 0 ]; then
        [ -f "$marker" ] || remove_state
        exit 1
    fi
}

check_node() {
    for directory in "$conf_dir" "$bin_dir"; do
        [ -d "$root$directory" ] || error "$directory" "there is no such directory" "check distro, or set cniConfDir and cniBinDir"
    done
    check_runtime
    check_leftovers
    check_confs
    check_plugins
    check_space
    check_selinux
    [ "$plugin" != thick ] || check_mounts
    [ -z "$metrics_port" ] || check_metrics_port
    check_server
}

undo_provision() {
    status=$?
    rm -f "$state"/.[a-z]*
    if [ "$status" -ne 0 ] && $fresh; then
        remove_credentials
        rm -f "$marker" "$marker.new"
    fi
    exit "$status"
}

remove_credentials() {
    rm -f "$kubeconfig" "$kubeconfig.new" "$conf/multus.d/.multus-install.tmp"
    if [ -d "$conf/multus.d" ]; then
        rmdir "$conf/multus.d" 2>/dev/null || warn "$conf/multus.d" "is kept, other files are in it" "remove them"
    fi
}

provision() {
    fresh=false known=$(marked known) foreign=$(marked foreign)
    [ -f "$marker" ] || [ -e "$kubeconfig" ] || fresh=true
    trap undo_provision EXIT
    trap 'exit 143' HUP INT TERM
    mkdir -p "$state"
    # What lies in the bin dir before a pod could put it there stays when we go.
    for name in passthru $installs; do
        lists "$known" "$name" && continue
        known="$known $name"
        case $name in passthru) [ ! -e "$bin/multus" ] && [ ! -e "$bin/multus-shim" ] || continue ;; esac
        [ ! -e "$bin/$name" ] || foreign="$foreign $name"
    done
    printf '%s=%s\n' owner "$owner" node "$node" install "$install" method "$method" known "$known" foreign "$foreign" >"$marker.new"
    mv "$marker.new" "$marker"
    [ -d "$conf/multus.d" ] || mkdir -m 0700 "$conf/multus.d"
    cat >"$conf/multus.d/.multus-install.tmp"
    [ -s "$conf/multus.d/.multus-install.tmp" ] || die "$kubeconfig" "no kubeconfig came over standard input" "run pulumi up again"
    chown 0:0 "$conf/multus.d/.multus-install.tmp"
    chmod 0600 "$conf/multus.d/.multus-install.tmp"
    mv "$conf/multus.d/.multus-install.tmp" "$kubeconfig"
    ! no_multus_process || remove_stale
    if has restorecon; then restorecon -R "$conf/multus.d"; fi
    prove || exit 1
    # The daemon that the label takes away may be the fallback's, whose configuration goes with it.
    stand_by
    keep_copy
    # The label that comes next takes the fallback's pod away, and the main one's needs a moment to start.
    signal_removing STOP
    say "provisioned $kubeconfig"
}

plugin_is_there() { [ -x "$bin/$program" ] && no_removing_process && { [ "$plugin" != thick ] || daemon_answers; }; }

daemon_answers() { [ -S "$socket" ] && { ! has curl || fetch --unix-socket "$socket" http://multus/healthz; }; }

conf_is_there() { plugin_is_there && [ -n "$(planned_conf)" ]; }

# After a removal by hand the pod would not write the configuration again before it restarts.
armed() { conf_is_there || { plugin_is_there && put_back && conf_is_there; }; }

check_our_conf() {
    json "$1" >"$state/.flat"
    first=$(conf_files | head -n 1)
    is_ours "$first" || error "$first" "sorts before $1, so that the runtime never asks Multus" "rename or remove it"
    prefix=''
    ! grep -q '^/plugins/0/' "$state/.flat" || prefix=/plugins/0
    if [ "$plugin" = thick ]; then
        named=$(leaf "$prefix/daemonSocketDir" <"$state/.flat")
        same_place "${named:=/run/multus}" "$socket_dir" || error "$1" "looks for the daemon in $named" "$again"
    else
        named=$(leaf "$prefix/kubeconfig" <"$state/.flat")
        [ "$named" = "$conf_dir/multus.d/multus.kubeconfig" ] || error "$1" "names the kubeconfig ${named:-nowhere}" "$again"
    fi
    ! grep -q '/delegates/.*type="multus' "$state/.flat" || error "$1" "delegates to Multus itself" "$again"
    # Thick names the default network's file as its pod sees it.
    named=$(leaf "$prefix/clusterNetwork" <"$state/.flat")
    named=${named:-$(leaf "$prefix/delegates/0/name" <"$state/.flat")}
    expected=$(default_name) file=$(default_conf)
    case ${named##*/} in
    "$expected" | "${file##*/}") ;;
    *) error "$1" "delegates to ${named:-no network}, the default network is $expected" "$again" ;;
    esac
}

verify() {
    again="delete the node's Multus pod, it writes the file anew"
    logs="look at the node's Multus pod: kubectl -n $namespace logs -l app=multus"
    check_enabled
    if await 10 conf_is_there || await "$seconds" armed; then
        ours=$(planned_conf)
        check_our_conf "$ours"
        [ "$errors" -gt 0 ] || stand_by
        our_confs | while read -r file; do
            [ "$errors" -gt 0 ] || [ "$file" = "$ours" ] || { [ -n "$standby" ] && is_standby "$file"; } || { rm -f "$file" && say "removed $file, which the running pod did not write"; }
        done
        prove || true
        await 15 conf_is_loaded || error "$ours" "the runtime did not load it: $(load_status)" "look at the runtime's log"
    else
        [ -x "$bin/$program" ] || error "$bin_dir/$program" "the pod did not install the plugin within $seconds s" "$logs"
        [ -n "$(our_confs)" ] || error "$conf_dir" "the pod did not write 00-multus.conf within $seconds s" "$logs"
        [ -n "$(planned_conf)" ] || for file in $(our_confs); do error "$file" "is not JSON, or not of $plugin Multus" "$again"; done
        [ "$plugin" != thick ] || daemon_answers || error "$socket" "the daemon does not answer" "$logs"
        no_removing_process || error "$node" "a pod that takes the configuration away when it stops is still here" "look at it: kubectl -n $namespace get pods -o wide -l app=multus"
    fi
    if [ "$errors" -gt 0 ]; then
        ! $disarm_on_failure || take_away
        exit 1
    fi
    rm -f "$state"/conf/00-multus.conf*
    keep_copy
    say "verified: $ours delegates to $(default_name)"
}

# Pods keep starting: the default network is there before and loaded after, or everything stays as it was.
take_away() {
    if [ -z "$(our_confs)" ]; then
        say "no Multus configuration to take away"
        return 0
    fi
    [ -n "$(default_conf)" ] ||
        die "$conf_dir" "no other valid configuration would remain, and no pod could start" "bring the default network's configuration back, then repeat"
    keep_copy
    remove_confs
    if ! await 15 default_is_loaded; then
        put_back
        die "$(default_conf)" "the runtime did not load it: $(load_status)" "look at the runtime's log, then repeat"
    fi
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
        [ "$live_attachments" = proceed ] ||
            die "$node" "running pods still have additional interfaces ($holders), whose addresses would stay reserved" "delete these pods, or set liveAttachments to proceed and run pulumi up, then repeat"
        warn "$node" "these interfaces keep their addresses reserved: $holders" "look into /var/lib/cni/networks"
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
        signal_removing CONT
        remove_standby
        remove_state
        say "the stack stays: the node's pod serves it from now on"
        return 0
    fi
    await 60 no_multus_process || die "$node" "a Multus pod still runs here" "find what keeps it: kubectl get pods -A -o wide --field-selector spec.nodeName=$node"
    take_away
    remove_confs
    remove_stale
    release_dead
    remove_credentials
    remove_programs
    rm -f "$socket"
    [ ! -d "${socket%/*}" ] || rmdir "${socket%/*}" 2>/dev/null || true
    if [ -z "$(live_attachments)" ]; then
        rm -rf "$cache"
    else
        warn "$cache" "is kept: running pods still have additional interfaces" "a later install can give them back"
    fi
    remove_state
    say "clean"
}

# The pod that serves the node from now on takes its own configuration away and nothing else.
remove_standby() {
    [ "$plugin" = thick ] && [ -f "$conf/00-multus.conflist" ] || return 0
    were=$(multus_processes)
    await 60 successor_serves || true
    rm -f "$conf/00-multus.conflist"
}

successor_serves() { [ "$(multus_processes)" != "$were" ] && conf_is_there; }

# Only what the pods brought, and nothing that the default network has come to need.
remove_programs() {
    rm -f "$bin/multus" "$bin/multus-shim"
    for name in $(marked known); do
        lists "$(marked foreign)" "$name" || cat "$conf"/*.conf* 2>/dev/null | grep -q "\"$name\"" || rm -f "$bin/$name"
    done
}

forget() {
    if [ -f "$marker" ]; then
        say "left alone: the node is provisioned"
    else
        remove_state
        say "forgotten"
    fi
}

if ! lists "preflight provision verify disarm clean forget ${more_phases:-}" "$phase"; then
    echo "node.sh: unknown phase $phase" >&2
    exit 2
fi
"$phase"
