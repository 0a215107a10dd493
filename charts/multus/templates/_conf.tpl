{{- /*
What Multus reads: the entrypoint's flags, and the configuration that the chart writes where Multus does not write it by
itself. A dictionary of what is said leaves a template as JSON, since only text can.
*/}}

{{- /* The keys about who gets which network, spelled alike in every configuration. */}}
{{- define "multus.selection" -}}
{{- $network := .Values.network }}
{{- $keys := dict }}
{{- with $network.defaultNetworks }}{{ $_ := set $keys "defaultNetworks" . }}{{ end }}
{{- with $network.systemNamespaces }}{{ $_ := set $keys "systemNamespaces" . }}{{ end }}
{{- with $network.namespace }}{{ $_ := set $keys "multusNamespace" . }}{{ end }}
{{- if $network.namespaceIsolation }}{{ $_ := set $keys "namespaceIsolation" true }}{{ end }}
{{- with $network.globalNamespaces }}{{ $_ := set $keys "globalNamespaces" (join "," .) }}{{ end }}
{{- if .Values.conf.retryDeleteOnError }}{{ $_ := set $keys "retryDeleteOnError" true }}{{ end }}
{{- $keys | toJson }}
{{- end }}

{{- /* The capabilities that are true. */}}
{{- define "multus.capabilities" -}}
{{- $keys := dict }}
{{- range $name, $is := . }}{{ if $is }}{{ $_ := set $keys $name true }}{{ end }}{{ end }}
{{- $keys | toJson }}
{{- end }}

{{- /* The values that are set and for which thin's entrypoint has no flag. */}}
{{- define "multus.withoutFlag" -}}
{{- $found := list }}
{{- range $path := (include "multus.rules" . | fromJson).withoutFlag }}
{{- $value := $.Values }}
{{- range splitList "." $path }}{{ $value = index $value . }}{{ end }}
{{- if $value }}{{ $found = append $found $path }}{{ end }}
{{- end }}
{{- if ne .Values.cni.configFile "auto" }}{{ $found = append $found "cni.configFile" }}{{ end }}
{{- join ", " $found }}
{{- end }}

{{- /* The name of the file that a ConfigMap has to carry; empty where there is none. */}}
{{- define "multus.ownConfFile" -}}
{{- if eq .Values.plugin "thick" }}daemon-config.json{{ else if include "multus.withoutFlag" . }}00-multus.conflist{{ end }}
{{- end }}

{{- define "multus.ownConf" -}}
{{- if eq .Values.plugin "thick" }}{{ include "multus.daemonConf" . }}{{ else }}{{ include "multus.wholeConf" . }}{{ end }}
{{- end }}

{{- /* It changes with the content, so that pods roll and an old pod never reads a new file. */}}
{{- define "multus.ownConfName" -}}
{{- printf "multus-conf-%s" (printf "%s\n%s\n" (include "multus.ownConfFile" .) (include "multus.ownConf" .) | sha256sum | trunc 12) }}
{{- end }}

{{- /* Thin's configuration where the entrypoint cannot write it. */}}
{{- define "multus.wholeConf" -}}
{{- $conf := .Values.conf }}
{{- $network := .Values.network.defaultNetwork }}
{{- $folder := isAbs $network | ternary (dir $network) (trimSuffix "/" (.Values.network.directory | default .Values.cni.configDir)) }}
{{- $plugin := dict
  "type" "multus"
  "capabilities" (include "multus.capabilities" ($conf.capabilities | default (dict "portMappings" true "bandwidth" true)) | fromJson)
  "kubeconfig" (include "multus.kubeconfig" .)
  "clusterNetwork" $network
  "confDir" ($conf.networksDir | default $folder)
  "logToStderr" .Values.log.toStderr
}}
{{- with $conf.readinessIndicatorFile }}{{ $_ := set $plugin "readinessindicatorfile" . }}{{ end }}
{{- with $conf.additionalBinDir }}{{ $_ := set $plugin "binDir" . }}{{ end }}
{{- with .Values.log.file }}{{ $_ := set $plugin "logFile" . }}{{ end }}
{{- with .Values.log.level }}{{ $_ := set $plugin "logLevel" . }}{{ end }}
{{- $plugin = merge $plugin (include "multus.selection" . | fromJson) }}
{{- dict "cniVersion" ($conf.cniVersion | default (include "multus.rules" . | fromJson).cniVersion.thin) "name" "multus-cni-network" "plugins" (list $plugin) | toPrettyJson }}
{{- end }}

{{- /* What thick's daemon reads. The configuration directory is mounted where the host has it, so that one path means
one file on both sides; what lies elsewhere is read through the host's root. */}}
{{- define "multus.daemonConf" -}}
{{- $conf := .Values.conf }}
{{- $daemon := .Values.daemon }}
{{- $configDir := trimSuffix "/" .Values.cni.configDir }}
{{- $socketDir := trimSuffix "/" $daemon.socketDir }}
{{- $keys := dict
  "chrootDir" "/hostroot"
  "cniVersion" ($conf.cniVersion | default (include "multus.rules" . | fromJson).cniVersion.thick)
  "cniConfigDir" $configDir
  "multusAutoconfigDir" $configDir
  "multusConfigFile" "auto"
  "overrideNetworkName" .Values.network.overrideName
  "binDir" (trimSuffix "/" .Values.cni.binDir)
  "clusterNetwork" "/etc/multus-default"
  "confDir" (printf "/hostroot%s" ($conf.networksDir | default "/etc/cni/multus/net.d"))
  "socketDir" (printf "/host/run%s" (trimPrefix "/run" $socketDir))
  "daemonSocketDir" $socketDir
  "logLevel" (.Values.log.level | default "verbose")
  "logToStderr" .Values.log.toStderr
}}
{{- with .Values.network.file }}{{ $_ := set $keys "multusMasterCNI" . }}{{ end }}
{{- with $conf.capabilities }}{{ $_ := set $keys "capabilities" (include "multus.capabilities" . | fromJson) }}{{ end }}
{{- with $conf.readinessIndicatorFile }}
{{- $_ := set $keys "readinessindicatorfile" (eq (dir .) $configDir | ternary . (printf "/hostroot%s" .)) }}
{{- end }}
{{- with .Values.log.file }}{{ $_ := set $keys "logFile" . }}{{ end }}
{{- with .Values.log.options }}{{ $_ := set $keys "logOptions" . }}{{ end }}
{{- with $daemon.connectionLimit }}{{ $_ := set $keys "connectionLimit" (int64 .) }}{{ end }}
{{- with $daemon.metricsPort }}{{ $_ := set $keys "metricsPort" (int64 .) }}{{ end }}
{{- if $daemon.enablePprof }}{{ $_ := set $keys "enablePprof" true }}{{ end }}
{{- with $daemon.perNodeCertificates }}
{{- if .bootstrapKubeconfig }}
{{- $_ := set $keys "perNodeCertificate" (dict
  "enabled" true
  "bootstrapKubeconfig" .bootstrapKubeconfig
  "certDir" "/var/lib/multus-certificates"
  "certDuration" .duration
) }}
{{- end }}
{{- end }}
{{- merge $keys (include "multus.selection" . | fromJson) | toPrettyJson }}
{{- end }}

{{- /* The flags of thin_entrypoint: a dictionary of the root, and of whether a node's steps clean up after the pod. */}}
{{- define "multus.flags" -}}
{{- $root := .root }}
{{- $values := $root.Values }}
{{- $file := include "multus.ownConfFile" $root }}
- --multus-conf-file={{ empty $file | ternary "auto" (printf "/etc/multus/%s" $file) }}
- --multus-autoconfig-dir=/host/etc/cni/net.d
- --cni-conf-dir=/host/etc/cni/net.d
- --cni-bin-dir=/host/opt/cni/bin
- --multus-kubeconfig-file-host={{ include "multus.kubeconfig" $root }}
{{- if not $file }}
- --override-network-name={{ $values.network.overrideName }}
{{- with $values.conf.cniVersion }}
- --cni-version={{ . }}
{{- end }}
{{- with $values.network.file }}
- --multus-master-cni-file-name={{ . }}
{{- end }}
{{- if $values.network.namespaceIsolation }}
- --namespace-isolation=true
{{- end }}
{{- with $values.network.globalNamespaces }}
- --global-namespaces={{ join "," . }}
{{- end }}
{{- with $values.conf.readinessIndicatorFile }}
- --readiness-indicator-file={{ . }}
{{- end }}
{{- with $values.conf.additionalBinDir }}
- --additional-bin-dir={{ . }}
{{- end }}
{{- with $values.log.level }}
- --multus-log-level={{ . }}
{{- end }}
{{- with $values.log.file }}
- --multus-log-file={{ . }}
{{- end }}
{{- if not $values.log.toStderr }}
- --multus-log-to-stderr=false
{{- end }}
{{- end }}
{{- if not (or .provisioned $values.keeper.image) }}
- --cleanup-config-on-exit=true
{{- if eq $values.credentials "durable" }}
- --skip-config-watch=true
{{- end }}
{{- end }}
{{- end }}
