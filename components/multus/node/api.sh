# The API server, asked with the kubeconfig of this node. The token reaches curl over standard input alone.

by_name="set apiServer to an address that the API server's certificate names"

# field KEY: a value of the kubeconfig, which holds each key once and on a line of its own.
field() { [ ! -f "$kubeconfig" ] || sed -n "/^ *$1:/{s/^ *$1: *\"\\{0,1\\}\\([^\"]*\\)\"\\{0,1\\} *\$/\\1/p;q;}" "$kubeconfig"; }

fetch() { curl -sS --noproxy '*' --max-time 10 -o /dev/null "$@" 2>"$state/.api"; }

# Whether curl ended over a certificate.
tls_failed() { case $1 in 35 | 51 | 58 | 60 | 77) true ;; *) false ;; esac }

# api_status PATH: the HTTP status that the kubeconfig's account gets; 000 without an answer, tls where server and authority
# do not fit, empty where there is nothing to ask with.
api_status() {
    has curl && [ -f "$kubeconfig" ] || return 0
    field certificate-authority-data | base64 -d >"$state/.ca"
    code=$(printf 'header = "Authorization: Bearer %s"\n' "$(field token)" |
        fetch -K - --cacert "$state/.ca" -w '%{http_code}' "$(field server)$1") || ! tls_failed $? || code=tls
    say "${code:-000}"
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
    # Neither comes by waiting.
    has curl || { error no-curl curl "is not on this node, and the credentials cannot be proven" "install curl" && return 1; }
    [ -f "$kubeconfig" ] || { error no-kubeconfig "$kubeconfig" "is not there" "run pulumi up --refresh, then pulumi up" && return 1; }
    if await 15 "the API server to know the account" proven; then
        say "credentials proven against $(field server)"
        return 0
    fi
    case $proof in
    000) error api-unreachable "$kubeconfig" "the API server did not answer at $(field server): $(api_answer)" "set apiServer to an address that this host reaches" ;;
    tls) error api-certificate "$kubeconfig" "the API server's certificate does not fit: $(api_answer)" "$by_name" ;;
    401) error token-unknown "$kubeconfig" "the API server does not know the token" "run pulumi up --refresh, then pulumi up" ;;
    403) error account-forbidden "$kubeconfig" "the account may not read what Multus reads" "look at ClusterRole and ClusterRoleBinding multus, then pulumi up" ;;
    *) error api-error "$kubeconfig" "the API server answered $proof" "look at the API server's log" ;;
    esac
    return 1
}

# Whether the stack is being removed: its marker in the cluster goes first. 404: it is; 200: it stays; any other answer
# ends the phase before anything has changed.
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
    403) die account-forbidden "$kubeconfig" "the account may not read ConfigMap $namespace/$stack_marker" "run pulumi up, which puts the Role back, then repeat" ;;
    '') die no-curl "$node" "nothing here can ask the API whether the stack goes" "install curl on the node, then repeat" ;;
    *) die api-unreachable "$kubeconfig" "the API server did not answer ($status): $(api_answer)" "make $(field server) reachable from the node, then repeat" ;;
    esac
}

# How the plan's API server answers this node, before there is any credential.
check_server() {
    set -- -k
    for file in $server_ca $server_cas; do
        [ ! -f "$root$file" ] || [ "$1" != -k ] || set -- --cacert "$root$file"
    done
    best=10000 status=0
    # A busy moment is no slow server.
    for pause in 0 0 0 1 2; do
        sleep "$pause"
        answer=$(fetch "$@" -w '%{http_code} %{time_total}' "$server/version") || { status=$? && break; }
        best=$(say "$answer $best" | awk '{ took = int($2 * 1000 + 1); print took < $3 ? took : $3 }')
        [ "$best" -gt 100 ] || break
    done
    fix="set apiServer to an address that this host reaches"
    # The agent's balancer.
    case $server in https://127.* | https://\[::1\]*) fix="$fix (k3s: see --lb-server-port, --https-listen-port, --disable-apiserver-lb; IPv6 first: https://[::1]:6444)" ;; esac
    if tls_failed "$status"; then
        error api-certificate "$server" "the API server's certificate does not fit: $(api_answer)" "$by_name"
    elif [ "$status" -ne 0 ]; then
        error api-unreachable "$server" "the API server does not answer this node: $(api_answer)" "$fix"
    else
        fact apiServerMilliseconds "$best"
        case $answer in 200* | 401* | 403*) ;; *) error not-an-api-server "$server" "answers ${answer%% *}, as no API server does" "$fix" ;; esac
        [ "$plugin" = thin ] && [ "$best" -gt 100 ] || return 0
        set -- api-slow "$server" "needs $best ms to answer, Multus waits 2 x 250 ms and no longer" "set apiServer to a nearer address, or plugin to thick"
        if [ "$best" -gt 200 ]; then error "$@"; else warn "$@"; fi
    fi
}
