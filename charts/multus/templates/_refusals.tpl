{{- /* What is well typed and cannot work: every reason at once. values.schema.json has judged types and spelling. */}}
{{- define "multus.refuse" -}}
{{- $values := .Values }}
{{- $found := list }}
{{- if not $values.apiServer.host }}
{{- $found = append $found "apiServer.host: is missing; set it to the API server's name or address as every node's host reaches it" }}
{{- end }}
{{- $whole := include "multus.withoutFlag" . }}
{{- if eq $values.plugin "thick" }}
{{- if $values.network.defaultNetwork }}
{{- $found = append $found "network.defaultNetwork: would be looked for in thick's pod; name the default network's file as network.file" }}
{{- end }}
{{- if ne $values.cni.configFile "auto" }}
{{- $found = append $found "cni.configFile: thick writes its configuration itself; leave it out" }}
{{- end }}
{{- if $values.conf.additionalBinDir }}
{{- $found = append $found "conf.additionalBinDir: means nothing with thick; put the plugins into cni.binDir" }}
{{- end }}
{{- else }}
{{- if and $whole (not $values.network.defaultNetwork) }}
{{- $found = append $found (printf "network.defaultNetwork: is missing, and thin has no flag for %s, so that the chart writes its configuration; set it to the `name` in the default network's file" $whole) }}
{{- end }}
{{- if $values.log.options }}
{{- $found = append $found "log.options: means nothing with thin, where every call is a process of its own; write plugin: thick" }}
{{- end }}
{{- with $values.daemon }}
{{- if or .connectionLimit .metricsPort .enablePprof .perNodeCertificates.bootstrapKubeconfig }}
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
{{- if and $values.referencePlugins.names (not $values.referencePlugins.image) }}
{{- $found = append $found "referencePlugins.image: is missing; name an image that has the plugins and a shell" }}
{{- end }}
{{- range $key := list "app" "name" "tier" }}
{{- if hasKey $values.commonLabels $key }}
{{- $found = append $found (printf "commonLabels.%s: is upstream's, and the DaemonSets select by it; choose another key" $key) }}
{{- end }}
{{- end }}
{{- if and $values.image.tag (not $values.image.digest) (hasSuffix "k8snetworkplumbingwg/multus-cni" $values.image.repository) (ne (hasSuffix "-thick" $values.image.tag) (eq $values.plugin "thick")) }}
{{- $found = append $found (printf "image.tag: %q is not upstream's %s image; leave it out" $values.image.tag $values.plugin) }}
{{- end }}
{{- with $found }}
{{- fail (printf "these values cannot work:\n  %s" (join "\n  " .)) }}
{{- end }}
{{- end }}
