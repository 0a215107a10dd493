{{- /*
What is well typed and cannot work: every reason at once. values.schema.json has judged types and spelling; the component
refuses the same (components/multus/argument_rules*.py), and tests/chart/test_refusals.py holds the two against each other.
*/}}

{{- /* Multus' version as the tag says it, where the tag decides and is one of upstream's; else empty. */}}
{{- define "multus.release" -}}
{{- $rules := include "multus.rules" . | fromJson }}
{{- $tag := .Values.image.tag | default .Chart.AppVersion }}
{{- if and (not .Values.image.digest) (regexMatch $rules.releaseTag $tag) }}
{{- $tag | trimPrefix "v" | trimSuffix "-thick" }}
{{- end }}
{{- end }}

{{- define "multus.refuse" -}}
{{- $values := .Values }}
{{- $rules := include "multus.rules" . | fromJson }}
{{- $release := include "multus.release" . }}
{{- $isThick := eq $values.plugin "thick" }}
{{- $found := list }}
{{- $host := $values.apiServer.host }}
{{- if not $host }}
{{- $found = append $found "apiServer.host: is missing; set it to the API server's name or address as every node's host reaches it" }}
{{- else if regexMatch $rules.clusterName $host }}
{{- $found = append $found (printf "apiServer.host: %q is known to cluster DNS only, which hosts do not ask; set it to a name or address that every node's host reaches" $host) }}
{{- end }}
{{- $whole := include "multus.withoutFlag" . }}
{{- if $isThick }}
{{- if $values.network.defaultNetwork }}
{{- $found = append $found "network.defaultNetwork: would be looked for in thick's pod; name the default network's file as network.file" }}
{{- end }}
{{- if ne $values.cni.configFile "auto" }}
{{- $found = append $found "cni.configFile: thick writes its configuration itself; leave it out" }}
{{- end }}
{{- if $values.conf.additionalBinDir }}
{{- $found = append $found "conf.additionalBinDir: means nothing with thick; put the plugins into cni.binDir" }}
{{- end }}
{{- range $key, $since := $rules.daemonKeysSince }}
{{- if and $release (index $values.daemon $key) (semverCompare (printf "< %s" $since) $release) }}
{{- $found = append $found (printf "daemon.%s: is silently ignored before v%s; take a newer image.tag, or leave it out" $key $since) }}
{{- end }}
{{- end }}
{{- with ($values.resources.limits | default dict).memory }}
{{- $amount := mulf (regexFind "^[0-9.]+" . | float64) (index $rules.quantityUnits (regexFind "[A-Za-z]*$" .)) }}
{{- if lt $amount (float64 $rules.leastThickMemory) }}
{{- $found = append $found (printf "resources.limits.memory: %q gets thick's daemon killed, and then no pod starts; write 256Mi or more, at least 100Mi" .) }}
{{- end }}
{{- end }}
{{- else }}
{{- if and $whole (not $values.network.defaultNetwork) }}
{{- $found = append $found (printf "network.defaultNetwork: is missing, and thin has no flag for %s, so that the chart writes its configuration; set it to the `name` in the default network's file" $whole) }}
{{- end }}
{{- if and $whole $values.conf.cniVersion (semverCompare ">= 1.1.0" $values.conf.cniVersion) }}
{{- $found = append $found (printf "conf.cniVersion: %q has the runtime ask whether the network is ready, and thin, whose configuration is written whole, cannot answer up to v4.3.0, so that no node is ready; write 1.0.0, or leave it out" $values.conf.cniVersion) }}
{{- end }}
{{- if and $values.conf.networksDir $release (semverCompare (printf "<= %s" $rules.lastLosingRelease) $release) }}
{{- $found = append $found (printf "conf.networksDir: costs the default network's addresses up to v%s, which looks for both in one directory; give every network definition its configuration, or take a newer image.tag" $rules.lastLosingRelease) }}
{{- end }}
{{- if $values.log.options }}
{{- $found = append $found "log.options: means nothing with thin, where every call is a process of its own; write plugin: thick" }}
{{- end }}
{{- with $values.daemon }}
{{- if or .connectionLimit .metricsPort .enablePprof .perNodeCertificates.bootstrapKubeconfig (ne .socketDir $rules.socketDir) }}
{{- $found = append $found "daemon: means nothing with thin, which has no daemon; write plugin: thick" }}
{{- end }}
{{- end }}
{{- end }}
{{- if and $values.log.options (not $values.log.file) }}
{{- $found = append $found "log.options: means nothing without a file; set log.file" }}
{{- end }}
{{- if and $values.daemon.enablePprof (not $values.daemon.metricsPort) }}
{{- $found = append $found "daemon.enablePprof: has no port to be served on; set daemon.metricsPort" }}
{{- end }}
{{- if and $values.network.globalNamespaces (not $values.network.namespaceIsolation) }}
{{- $found = append $found "network.globalNamespaces: means nothing without isolation; set network.namespaceIsolation" }}
{{- end }}
{{- if and $values.network.systemNamespaces (not $values.network.defaultNetworks) }}
{{- $found = append $found "network.systemNamespaces: means nothing without default networks; set network.defaultNetworks" }}
{{- end }}
{{- if and (eq $values.credentials "pod") (ne $values.token.rotation $rules.rotation) }}
{{- $found = append $found "token.rotation: means nothing with the pods' own tokens; remove it, or write credentials: durable" }}
{{- end }}
{{- range $index, $toleration := $values.tolerations }}
{{- $path := printf "tolerations[%d]" $index }}
{{- if eq (.operator | default "Equal") "Exists" }}
{{- if .value }}
{{- $found = append $found (printf "%s.value: is given although the operator is Exists; remove it, or write Equal" $path) }}
{{- end }}
{{- else if not .key }}
{{- $found = append $found (printf "%s.key: is missing; set it, or write operator: Exists" $path) }}
{{- end }}
{{- if and (hasKey . "tolerationSeconds") (ne (.effect | default "NoExecute") "NoExecute") }}
{{- $found = append $found (printf "%s.tolerationSeconds: means nothing with %s; remove it" $path .effect) }}
{{- end }}
{{- end }}
{{- if and $values.keeper.image (semverCompare (printf "< %s.0-0" $rules.runsSidecars) .Capabilities.KubeVersion.Version) }}
{{- $found = append $found "keeper: is a sidecar, which Kubernetes has from 1.29 on; remove it, or upgrade the cluster" }}
{{- end }}
{{- if and $values.keeper.image (eq $values.credentials "pod") }}
{{- $found = append $found "keeper: leaves a token on the nodes, which with credentials: pod would expire; write durable" }}
{{- end }}
{{- with $values.referencePlugins }}
{{- if and .names (not .image) }}
{{- $found = append $found "referencePlugins.image: is missing; name an image that has the plugins and a shell" }}
{{- else if and .image (not .names) }}
{{- $found = append $found "referencePlugins.names: is empty; name the plugins, or remove referencePlugins.image" }}
{{- end }}
{{- end }}
{{- range $key := $rules.reservedLabels }}
{{- if hasKey $values.commonLabels $key }}
{{- $found = append $found (printf "commonLabels.%s: is upstream's, and the DaemonSets select by it; choose another key" $key) }}
{{- end }}
{{- end }}
{{- $oldest := index $rules.oldestRelease $values.plugin }}
{{- $isUpstreams := hasSuffix "k8snetworkplumbingwg/multus-cni" $values.image.repository }}
{{- if and $release (semverCompare (printf "< %s" $oldest) $release) }}
{{- $found = append $found (printf "image.tag: %q is older than v%s, the first that this installs; leave it out" $values.image.tag $oldest) }}
{{- else if and $values.image.tag (not $values.image.digest) $isUpstreams (ne (hasSuffix "-thick" $values.image.tag) $isThick) }}
{{- $found = append $found (printf "image.tag: %q is not upstream's %s image; leave it out" $values.image.tag $values.plugin) }}
{{- end }}
{{- with $found }}
{{- fail (printf "these values cannot work:\n  %s" (join "\n  " .)) }}
{{- end }}
{{- end }}
