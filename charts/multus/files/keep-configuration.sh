#!/bin/sh
# Beside Multus where no step cleans the node: leaves the configuration there while the pod restarts, and takes it away
# when the install goes or no pod is to come back. The kubelet tells a sidecar to stop once Multus itself has ended.
# It stays unless the API server says otherwise: while nobody answers, as when a node is shut down, nothing is removed.
# Arguments: the CNI configuration directory, the DaemonSet, its namespace; with thick also what thin's standby is told,
# as members of JSON.
set -u
conf=$1 daemon_set=$2 namespace=$3 standby=${4:-}
account=/var/run/secrets/kubernetes.io/serviceaccount
case $KUBERNETES_SERVICE_HOST in *:*) host="[$KUBERNETES_SERVICE_HOST]" ;; *) host=$KUBERNETES_SERVICE_HOST ;; esac
server="https://$host:$KUBERNETES_SERVICE_PORT"

# get PATH: its status, 000 where nobody answers, and the object, line by line. The token is in no argument.
get() {
  answer=$(printf 'header = "Authorization: Bearer %s"\n' "$(cat "$account/token")" |
    curl -sS -K - --noproxy '*' --cacert "$account/ca.crt" --max-time 3 -w '\n%{http_code}' "$server/$1?pretty=true") || status=000
  [ "$status" = 000 ] || status=${answer##*
}
}

# exists PATH: whether the object is there to stay.
exists() {
  status=
  get "$1"
  [ "$status" = 200 ] && ! printf '%s\n' "$answer" | grep -q '^    "deletionTimestamp": '
}

# Notes what decides whether this node has a pod: the DaemonSet's word, and what it looks at of the node. A pod without a
# keeper would not take away what is left to it. The label of a node that a step has provisioned is left out: there another
# pod goes on with the same configuration. Taints count where not all of them are tolerated, but for Kubernetes' own.
look() {
  exists "api/v1/namespaces/$namespace" && exists "apis/apps/v1/namespaces/$namespace/daemonsets/$daemon_set" || return 1
  found=$(printf '%s\n' "$answer" | awk '
    /^        "(affinity|nodeSelector|tolerations)": [[{]$/, /^        []}],?$/
    /^            "name": "keeper",?$/ { print "and a keeper" }')
  exists "api/v1/nodes/$NODE_NAME" || return 1
  found="$found
$(printf '%s\n' "$answer" | found="$found" awk '
    BEGIN {
      found = tolerated = ENVIRON["found"]
      sub(/.*"tolerations"/, "", tolerated)
      tolerant = tolerated != found && tolerated !~ /"key"/ && tolerated ~ /NoSchedule/ && tolerated ~ /NoExecute/
    }
    /^    "labels": \{/ { labels = 1; next }
    /^    "taints": \[/ { taints = 1; next }
    /^    []}]/ { labels = taints = 0 }
    labels { key = $1; sub(/:$/, "", key); sub(/,$/, ""); if (index(found, key) && key != "\"multus-install/provisioned\"") print }
    taints && !tolerant && /^        "key"/ && !/node\.kubernetes\.io/')"
}

is_refusal() { case $status in 000 | 429 | 5??) false ;; *) true ;; esac }

# Whether a pod comes back to this node, as far as anybody says.
returns() {
  for _ in 1 2 3; do
    if look; then
      [ "$found" = "$here" ]
      return
    fi
    ! is_refusal || return 1
    sleep 1
  done
  echo "the API server does not answer: the configuration stays"
}

# Thin's configuration beside that of thick's daemon, which serves the runtime while the daemon is away: what
# components/multus/node/standby.sh does over SSH.
stand_by() {
  [ -n "$standby" ] && [ -s "$conf/00-multus.conf" ] || return 0
  # The one that is there at first is of the pod before.
  [ -z "$written" ] || [ ! -e "$conf/00-multus.conflist" ] || return 0
  own=$(cat "$conf/00-multus.conf")
  value() { printf '%s' "$own" | sed -n "s|.*\"$1\":\"\([^\"]*\)\".*|\1|p"; }
  default=$(value clusterNetwork)
  [ -n "$default" ] || return 0
  # What somebody has laid there is removed and not written through.
  [ ! -L "$conf/multus.d" ] || rm "$conf/multus.d"
  mkdir -p "$conf/multus.d/default"
  rm -f "$conf/multus.d/default"/* "$conf/multus.d/.kubeconfig.new" "$conf/.multus-standby.new"
  # Through a link, so that what the default network's owner changes counts at once.
  ln -s "$conf/${default##*/}" "$conf/multus.d/default/"
  kubeconfig >"$conf/multus.d/.kubeconfig.new"
  chmod 0600 "$conf/multus.d/.kubeconfig.new"
  mv "$conf/multus.d/.kubeconfig.new" "$conf/multus.d/multus.kubeconfig"
  capabilities=$(printf '%s' "$own" | sed -n 's|.*"capabilities":\({[^}]*}\).*|\1|p')
  printf '{"cniVersion":"%s","name":"%s","plugins":[{"type":"multus","kubeconfig":"%s","clusterNetwork":"%s","capabilities":%s,%s}]}\n' \
    "$(value cniVersion)" "$(value name)" "$conf/multus.d/multus.kubeconfig" "$conf/multus.d/default" \
    "${capabilities:-{\}}" "$standby" >"$conf/.multus-standby.new"
  mv "$conf/.multus-standby.new" "$conf/00-multus.conflist"
  written=true
}

# As thin's entrypoint writes it: Multus v4.3.0, cmd/thin_entrypoint/main.go.
kubeconfig() {
  printf '%s\n' '# Kubeconfig file for Multus CNI plugin.' 'apiVersion: v1' 'kind: Config' 'clusters:' '- name: local' \
    '  cluster:' "    server: $server" "    certificate-authority-data: $(base64 <"$account/ca.crt" | tr -d '\n')" \
    'users:' '- name: multus' '  user:' "    token: \"$(cat "$account/token")\"" 'contexts:' '- name: multus-context' \
    '  context:' '    cluster: local' '    user: multus' 'current-context: multus-context'
}

stop() {
  trap '' TERM
  if returns; then
    echo "the pod comes back: the configuration stays"
  else
    rm -f "$conf/00-multus.conf" "$conf/00-multus.conflist"
    echo "no pod comes back (the API server's last answer: $status): the configuration is taken away"
    # A request under way has read it.
    sleep 1
    rm -rf "$conf/multus.d/default" "$conf/multus.d/multus.kubeconfig"
    rmdir "$conf/multus.d" 2>/dev/null
  fi
  exit 0
}

here='' status=000 written=''
trap stop TERM
umask 077
while :; do
  if [ -z "$here" ] && look; then
    here=$found
    echo "the configuration stays on $NODE_NAME while $daemon_set does"
  fi
  stand_by
  sleep 1 >/dev/null &
  wait
done
