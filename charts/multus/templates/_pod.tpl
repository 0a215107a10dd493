{{- /* The pods of Multus: where they run, what they mount, what their containers are told. */}}

{{- /* The user's affinity with our expressions in every term: terms are alternatives, expressions are not. */}}
{{- define "multus.affinity" -}}
{{- $ours := list
  (dict "key" "kubernetes.io/os" "operator" "In" "values" (list "linux"))
  (dict "key" "multus-install/provisioned" "operator" (.provisioned | ternary "In" "NotIn") "values" (list "true"))
}}
{{- range $key, $values := .root.Values.excludedNodes }}
{{- $ours = append $ours (dict "key" $key "operator" "NotIn" "values" $values) }}
{{- end }}
{{- $affinity := deepCopy .root.Values.affinity }}
{{- $node := $affinity.nodeAffinity | default dict }}
{{- $required := $node.requiredDuringSchedulingIgnoredDuringExecution | default dict }}
{{- $terms := list }}
{{- range $required.nodeSelectorTerms | default (list dict) }}
{{- $terms = append $terms (set . "matchExpressions" (concat (.matchExpressions | default list) $ours)) }}
{{- end }}
{{- $node = set $node "requiredDuringSchedulingIgnoredDuringExecution" (dict "nodeSelectorTerms" $terms) }}
{{- set $affinity "nodeAffinity" $node | toYaml }}
{{- end }}

{{- /* What every container has in common but for the daemon's. */}}
{{- define "multus.securityContext" -}}
privileged: {{ .Values.securityContext.privileged }}
allowPrivilegeEscalation: {{ .Values.securityContext.privileged }}
readOnlyRootFilesystem: true
{{- if not .Values.securityContext.privileged }}
capabilities:
  drop: [ALL]
{{- end }}
{{- with .Values.securityContext.seLinuxOptions }}
seLinuxOptions:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "multus.resources" -}}
{{- $default := index (include "multus.rules" . | fromJson).resources .Values.plugin }}
{{- $given := .Values.resources }}
{{- dict
  "requests" (hasKey $given "requests" | ternary $given.requests $default.requests)
  "limits" (hasKey $given "limits" | ternary $given.limits $default.limits)
| toYaml }}
{{- end }}

{{- define "multus.thin" -}}
command: [/thin_entrypoint]
args:
  {{- include "multus.flags" . | nindent 2 }}
securityContext:
  {{- include "multus.securityContext" .root | nindent 2 }}
volumeMounts:
  - name: cni
    mountPath: /host/etc/cni/net.d
  - name: cnibin
    mountPath: /host/opt/cni/bin
  # The entrypoint makes a directory here that nothing reads; the root file system is read-only.
  - name: multus-cni
    mountPath: /host/etc/cni/multus
  - name: token
    mountPath: /var/run/secrets/kubernetes.io/serviceaccount
    readOnly: true
  {{- if include "multus.ownConfFile" .root }}
  - name: own-conf
    mountPath: /etc/multus
    readOnly: true
  {{- end }}
{{- end }}

{{- /* The volumes of thick's daemon with their places in its tree and further options of the mount, as JSON. It looks
plugins up in its own tree and runs them in the host's: both have to agree. */}}
{{- define "multus.thickVolumes" -}}
{{- $values := .Values }}
{{- $configDir := trimSuffix "/" $values.cni.configDir }}
{{- $binDir := trimSuffix "/" $values.cni.binDir }}
{{- $pluginsDir := trimSuffix "/" ($values.cni.pluginsDir | default $binDir) }}
{{- $binType := $values.host.kubeletSeesBinDir | ternary "Directory" "" }}
{{- $follows := dict "mountPropagation" "HostToContainer" }}
{{- $found := list
  (dict "name" "cni" "path" $configDir "at" $configDir)
  (dict "name" (eq $pluginsDir $binDir | ternary "cnibin" "plugins") "path" $pluginsDir "type" $binType "at" $pluginsDir "more" (dict "readOnly" true))
  (dict "name" "hostroot" "path" "/" "at" "/hostroot" "more" $follows)
  (dict "name" "run" "path" "/run" "at" "/host/run")
  (dict "name" "netns" "path" (trimSuffix "/" $values.host.netnsDir) "type" "DirectoryOrCreate" "at" "/run/netns" "more" $follows)
  (dict "name" "devices" "path" "/run/k8s.cni.cncf.io" "type" "DirectoryOrCreate" "at" "/run/k8s.cni.cncf.io")
  (dict "name" "cache" "path" "/var/lib/cni/multus" "type" "DirectoryOrCreate" "at" "/var/lib/cni/multus")
  (dict "name" "kubelet" "path" (trimSuffix "/" $values.host.kubeletDir) "at" "/var/lib/kubelet" "more" $follows)
}}
{{- range $index, $path := $values.cni.linkedDirs }}
{{- $more := dict "readOnly" true "mountPropagation" "HostToContainer" }}
{{- $found = append $found (dict "name" (printf "linked-%d" $index) "path" $path "at" $path "more" $more) }}
{{- end }}
{{- with $values.log.file }}
{{- $found = append $found (dict "name" "log" "path" (dir .) "type" "DirectoryOrCreate" "at" (dir .)) }}
{{- end }}
{{- with $values.daemon.perNodeCertificates.bootstrapKubeconfig }}
{{- $found = append $found (dict "name" "bootstrap" "path" (dir .) "at" (dir .) "more" (dict "readOnly" true)) }}
{{- $found = append $found (dict "name" "certificates" "at" "/var/lib/multus-certificates") }}
{{- end }}
{{- dict "all" $found | toJson }}
{{- end }}

{{- define "multus.thick" -}}
command: [/usr/src/multus-cni/bin/multus-daemon]
args: [--config=/etc/multus/daemon-config.json]
lifecycle:
  preStop:
    exec:
      command:
        - sh
        - -c
        - {{ .root.Files.Get "files/hand-over.sh" | toJson }}
        - hand-over.sh
        - {{ trimSuffix "/" .root.Values.cni.configDir }}
{{- /* It enters pods' networks, and runs the plugins, in the host's tree, itself. */}}
securityContext:
  privileged: true
  allowPrivilegeEscalation: true
  {{- with .root.Values.securityContext.seLinuxOptions }}
  seLinuxOptions:
    {{- toYaml . | nindent 4 }}
  {{- end }}
volumeMounts:
  {{- range (include "multus.thickVolumes" .root | fromJson).all }}
  - name: {{ .name }}
    mountPath: {{ .at }}
    {{- with .more }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- end }}
  - name: token
    mountPath: /var/run/secrets/kubernetes.io/serviceaccount
    readOnly: true
  - name: own-conf
    mountPath: /etc/multus
    readOnly: true
  - name: default-network
    mountPath: /etc/multus-default
    readOnly: true
{{- end }}

{{- /* An init container: a dictionary of its name, command, mounts, image and the root. */}}
{{- define "multus.installer" -}}
- name: {{ .name }}
  image: {{ .image }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  command:
    {{- toYaml .command | nindent 4 }}
  resources:
    requests:
      cpu: 10m
      memory: 32Mi
  securityContext:
    {{- include "multus.securityContext" .root | nindent 4 }}
  terminationMessagePolicy: FallbackToLogsOnError
  volumeMounts:
    {{- toYaml .mounts | nindent 4 }}
{{- end }}

{{- /* What leaves the configuration to the next pod, or takes it away, once Multus' own container has ended. */}}
{{- define "multus.keeper" -}}
{{- $values := .Values }}
{{- $configDir := trimSuffix "/" $values.cni.configDir -}}
- name: keeper
  image: {{ $values.keeper.image }}
  imagePullPolicy: {{ $values.image.pullPolicy }}
  restartPolicy: Always
  command:
    - sh
    - -c
    - {{ .Files.Get "files/keep-configuration.sh" | toJson }}
    - keep-configuration.sh
    - {{ $configDir }}
    - kube-multus-ds-fallback
    - {{ .Release.Namespace | quote }}
    {{- if eq $values.plugin "thick" }}
    {{- $keys := dict "confDir" ($values.conf.networksDir | default "/etc/cni/multus/net.d") }}
    {{- with $values.conf.readinessIndicatorFile }}{{ $_ := set $keys "readinessindicatorfile" . }}{{ end }}
    {{- $keys = merge $keys (include "multus.selection" . | fromJson) }}
    - {{ $keys | toJson | trimPrefix "{" | trimSuffix "}" | quote }}
    {{- end }}
  env:
    - name: NODE_NAME
      valueFrom:
        fieldRef:
          fieldPath: spec.nodeName
    {{- include "multus.server" . | nindent 4 }}
  resources:
    requests:
      cpu: 10m
      memory: 16Mi
  securityContext:
    # Images with curl have another user, who may not write what is root's.
    runAsUser: 0
    {{- include "multus.securityContext" . | nindent 4 }}
  terminationMessagePolicy: FallbackToLogsOnError
  volumeMounts:
    - name: cni
      mountPath: {{ $configDir }}
    - name: token
      mountPath: /var/run/secrets/kubernetes.io/serviceaccount
      readOnly: true
{{- end }}

{{- define "multus.server" -}}
- name: KUBERNETES_SERVICE_HOST
  value: {{ .Values.apiServer.host | quote }}
- name: KUBERNETES_SERVICE_PORT
  value: {{ int64 .Values.apiServer.port | toString | quote }}
{{- end }}

{{- /* The shim that the runtime runs; thin, which alone gives interfaces back when no daemon runs any more; and the
plugins that are asked for. */}}
{{- define "multus.initContainers" -}}
{{- $root := . }}
{{- $image := include "multus.image" . }}
{{- $bin := list (dict "name" "cnibin" "mountPath" "/host/opt/cni/bin") }}
{{- if eq .Values.plugin "thick" }}
{{- range list "thin" "thick" }}
{{- $command := list "/usr/src/multus-cni/bin/install_multus" "-d" "/host/opt/cni/bin" "-t" . }}
{{ include "multus.installer" (dict "root" $root "name" (printf "install-%s" .) "image" $image "command" $command "mounts" $bin) }}
{{- end }}
{{- $mounts := list
  (dict "name" "cni" "mountPath" (trimSuffix "/" .Values.cni.configDir) "readOnly" true)
  (dict "name" "default-network" "mountPath" "/etc/multus-default")
}}
{{- $text := .Files.Get "files/link-default-network.sh" }}
{{- $configDir := trimSuffix "/" .Values.cni.configDir }}
{{- $file := .Values.network.file | default "*" }}
{{- $command := list "sh" "-c" $text "link-default-network.sh" $configDir $file "/etc/multus-default" }}
{{ include "multus.installer" (dict "root" $root "name" "link-default-network" "image" $image "command" $command "mounts" $mounts) }}
{{- end }}
{{- if .Values.referencePlugins.names }}
{{- $text := .Files.Get "files/copy-plugins.sh" }}
{{- $command := list "sh" "-c" $text "copy-plugins.sh" .Values.referencePlugins.directory "/host/opt/cni/bin" }}
{{- $command = concat $command .Values.referencePlugins.names }}
{{ include "multus.installer" (dict "root" $root "name" "install-reference-plugins" "image" .Values.referencePlugins.image "command" $command "mounts" $bin) }}
{{- end }}
{{- end }}

{{- define "multus.volumes" -}}
{{- $binDir := trimSuffix "/" .Values.cni.binDir }}
{{- $binType := .Values.host.kubeletSeesBinDir | ternary "Directory" "" -}}
- name: token
  {{- if eq .Values.credentials "durable" }}
  secret:
    secretName: {{ include "multus.tokenSecret" . }}
    defaultMode: 0400
  {{- else }}
  projected:
    defaultMode: 0400
    sources:
      - serviceAccountToken:
          path: token
          expirationSeconds: 3607
      - configMap:
          name: kube-root-ca.crt
          items:
            - key: ca.crt
              path: ca.crt
  {{- end }}
{{- if eq .Values.plugin "thick" }}
{{- range (include "multus.thickVolumes" . | fromJson).all }}
- name: {{ .name }}
  {{- if .path }}
  hostPath:
    path: {{ .path }}
    {{- with hasKey . "type" | ternary .type "Directory" }}
    type: {{ . }}
    {{- end }}
  {{- else }}
  emptyDir:
    medium: Memory
  {{- end }}
{{- end }}
- name: default-network
  emptyDir: {}
{{- if ne (trimSuffix "/" (.Values.cni.pluginsDir | default $binDir)) $binDir }}
- name: cnibin
  hostPath:
    path: {{ $binDir }}
    {{- with $binType }}
    type: {{ . }}
    {{- end }}
{{- end }}
{{- else }}
- name: cni
  hostPath:
    path: {{ trimSuffix "/" .Values.cni.configDir }}
    type: Directory
- name: cnibin
  hostPath:
    path: {{ $binDir }}
    {{- with $binType }}
    type: {{ . }}
    {{- end }}
- name: multus-cni
  emptyDir: {}
{{- end }}
{{- if include "multus.ownConfFile" . }}
- name: own-conf
  configMap:
    name: {{ include "multus.ownConfName" . }}
{{- end }}
{{- end }}

{{- /* The pods of the nodes that SSH steps provision, or of all others. */}}
{{- define "multus.podSpec" -}}
{{- $values := .root.Values }}
{{- $isThick := eq $values.plugin "thick" }}
{{- $keeper := and $values.keeper.image (not .provisioned) -}}
{{- /* No pod has a network before Multus serves, and the API server may have an address of the node's own. */}}
hostNetwork: true
{{- if $isThick }}
{{- /* Before it stops it waits for the plugins that still ask it, which are the host's processes: hand-over.sh. */}}
hostPID: true
{{- end }}
priorityClassName: {{ $values.priorityClassName }}
serviceAccountName: {{ $values.serviceAccount.name }}
automountServiceAccountToken: false
# The daemon waits for requests under way before it takes its configuration away.
terminationGracePeriodSeconds: {{ add ($isThick | ternary 30 10) (empty $keeper | ternary 0 20) }}
tolerations:
  {{- toYaml ($values.tolerations | default list) | nindent 2 }}
affinity:
  {{- include "multus.affinity" . | nindent 2 }}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- $installers := include "multus.initContainers" .root }}
{{- if or $keeper $installers }}
initContainers:
  {{- if $keeper }}
  # No configuration may be there before what takes it away again.
  {{- include "multus.keeper" .root | nindent 2 }}
  {{- end }}
  {{- $installers | nindent 2 }}
{{- end }}
containers:
  - name: kube-multus
    image: {{ include "multus.image" .root }}
    imagePullPolicy: {{ $values.image.pullPolicy }}
    env:
      {{- if $isThick }}
      - name: MULTUS_NODE_NAME
        valueFrom:
          fieldRef:
            fieldPath: spec.nodeName
      {{- end }}
      {{- include "multus.server" .root | nindent 6 }}
    resources:
      {{- include "multus.resources" .root | nindent 6 }}
    terminationMessagePolicy: FallbackToLogsOnError
    {{- include ($isThick | ternary "multus.thick" "multus.thin") . | nindent 4 }}
volumes:
  {{- include "multus.volumes" .root | nindent 2 }}
{{- end }}
