#!/bin/sh
# Brings whereabouts onto its node, then gives back what pods that end here have left.
#
# Source: whereabouts v0.9.4, cmd/whereabouts.go and pkg/config/config.go: the plugin reads one file, which names a
# kubeconfig, whose context names the namespace of the pools. The token is the account's own Secret, so that nothing here
# has to be written again before this pod is replaced.
# Arguments: the configuration directory here and on the host, the plugin directory here, the namespace of the pools.
set -eu
umask 077
folder=$1/whereabouts.d shown=$2/whereabouts.d bin=$3 namespace=$4
secret=/var/run/secrets/kubernetes.io/serviceaccount
server=$KUBERNETES_SERVICE_HOST
case $server in *:*) server="[$server]" ;; esac

# A runtime may read either file at any moment. A link that somebody has laid there is not written through.
place() { rm -f "$folder/.$1.new" && cat >"$folder/.$1.new" && mv "$folder/.$1.new" "$folder/$1"; }

mkdir -p "$folder"
place whereabouts.kubeconfig <<END
apiVersion: v1
kind: Config
clusters:
- name: local
  cluster:
    server: https://$server:$KUBERNETES_SERVICE_PORT
    certificate-authority-data: $(base64 <"$secret/ca.crt" | tr -d '\n')
users:
- name: whereabouts
  user:
    token: "$(cat "$secret/token")"
contexts:
- name: whereabouts
  context:
    cluster: local
    user: whereabouts
    namespace: $namespace
current-context: whereabouts
END
place whereabouts.conf <<END
{"datastore": "kubernetes", "kubernetes": {"kubeconfig": "$shown/whereabouts.kubeconfig"}}
END

# A file that runs cannot be written to.
if ! cmp -s /whereabouts "$bin/whereabouts"; then
  rm -f "$bin/.whereabouts.new"
  cp /whereabouts "$bin/.whereabouts.new"
  chmod 0755 "$bin/.whereabouts.new"
  mv "$bin/.whereabouts.new" "$bin/whereabouts"
fi
exec /ip-control-loop -log-level verbose
