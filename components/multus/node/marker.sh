# The marker says whose this node is: project, stack and component, the node's name, and the install.

marked() { [ ! -f "$marker" ] || sed -n "s/^$1=//p" "$marker"; }

is_mine() { [ "$(marked owner)" = "$owner" ] && [ "$(marked node)" = "$node" ] && [ "$(marked install)" = "$install" ]; }

# Whether the kubeconfig on disk carries the token Secret of this very install, as a pod writes it by itself.
token_is_ours() {
    secret=$token_secret
    # On a machine installed anew the pod has written the token of the rotation before this one.
    ! $aliased || secret='multus-token-*'
    claims=$(token_claims) || return 1
    [ "$(claim namespace)" = "$namespace" ] || return 1
    # shellcheck disable=SC2254 # a pattern
    case $(claim secret.name) in $secret) true ;; *) false ;; esac
}

# What the token says of itself, in lines of json; false where there is none.
token_claims() {
    [ -s "$kubeconfig" ] || return 1
    payload=$(field token | cut -d. -f2 | tr '_-' '/+')
    case $((${#payload} % 4)) in 2) payload="$payload==" ;; 3) payload="$payload=" ;; esac
    printf '%s' "$payload" | base64 -d 2>/dev/null | json - 2>/dev/null
}

claim() { say "$claims" | leaf "/kubernetes.io/serviceaccount/$1"; }

remove_state() {
    rm -f "$state/conf/00-multus.conf" "$state/conf/00-multus.conflist" "$state"/.[a-z]*
    [ ! -d "$state/conf" ] || rmdir "$state/conf"
    rm -rf "$state/default"
    rm -f "$disabled" "$placed" "$marker.new" "$marker" "$state/new" "$state/node.sh"
    [ ! -d "$state" ] || rmdir "$state"
}
