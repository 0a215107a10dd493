{{- define "multus.labels" -}}
{{- merge (dict "app" "multus") .Values.commonLabels | toYaml }}
{{- end }}

{{- /* What Python and the templates both decide by. */}}
{{- define "multus.rules" -}}
{{- .Files.Get "files/rules.json" }}
{{- end }}

{{- define "multus.image" -}}
{{- $image := .Values.image }}
{{- $repository := $image.repository }}
{{- if $image.registry }}
{{- $repository = printf "%s/%s" $image.registry (regexReplaceAll "^([^/]*[.:][^/]*|localhost)/" $repository "") }}
{{- end }}
{{- if $image.digest }}
{{- printf "%s@%s" $repository $image.digest }}
{{- else }}
{{- printf "%s:%s" $repository ($image.tag | default (eq .Values.plugin "thick" | ternary (printf "%s-thick" .Chart.AppVersion) .Chart.AppVersion)) }}
{{- end }}
{{- end }}

{{- define "multus.tokenSecret" -}}
{{- .Values.token.secretName | default (printf "multus-token-%s" .Values.token.rotation) }}
{{- end }}

{{- /* Where Multus' kubeconfig lies on the host. */}}
{{- define "multus.kubeconfig" -}}
{{- printf "%s/multus.d/multus.kubeconfig" (trimSuffix "/" .Values.cni.configDir) }}
{{- end }}

{{- /* The metadata of an object of this release: a dictionary of its name, whether it is namespaced, and the root. */}}
{{- define "multus.metadata" -}}
name: {{ .name }}
{{- if .namespaced }}
namespace: {{ .root.Release.Namespace }}
{{- end }}
labels:
  {{- include "multus.labels" .root | nindent 2 }}
{{- end }}
