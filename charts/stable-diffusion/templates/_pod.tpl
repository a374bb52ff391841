{{/* The pod: guard and models first, then telemetry and engine as sidecars, and the agent, whose end is the pod's. */}}

{{- define "sd.podTemplate" -}}
metadata:
  labels:
    {{- include "sd.selectorLabels" . | nindent 4 }}
    app.kubernetes.io/component: runtime
    {{- with .Values.pod.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    # Whoever hands credentials to containers leaves out the engine, which needs none.
    eks.amazonaws.com/skip-containers: engine
    {{- if or (eq .Values.pod.doNotDisrupt "always") (and (eq .Values.pod.doNotDisrupt "auto") (include "sd.isJob" .)) }}
    karpenter.sh/do-not-disrupt: "true"
    {{- end }}
    {{- if include "sd.hasCollector" . }}
    checksum/collector: {{ include "sd.collectorConfig" . | sha256sum }}
    {{- end }}
    {{- with .Values.pod.annotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  {{- if include "sd.isJob" . }}
  restartPolicy: Never
  {{- end }}
  serviceAccountName: {{ include "sd.serviceAccountName" . }}
  # The token would reach every container; the agent gets one of its own.
  automountServiceAccountToken: false
  enableServiceLinks: false
  {{- if include "sd.sharesProcesses" . }}
  shareProcessNamespace: true
  {{- end }}
  terminationGracePeriodSeconds: {{ include "sd.terminationGrace" . }}
  {{- with .Values.images.pullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if .Values.priorityClass.create }}
  priorityClassName: {{ .Release.Namespace }}-{{ include "sd.fullname" . }}
  {{- else if .Values.pod.priorityClassName }}
  priorityClassName: {{ .Values.pod.priorityClassName }}
  {{- end }}
  {{- with .Values.pod.securityContext }}
  securityContext:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if or .Values.karpenter.enabled .Values.pod.nodeSelector }}
  nodeSelector:
    {{- if .Values.karpenter.enabled }}
    karpenter.sh/nodepool: {{ include "sd.fullname" . }}
    {{- end }}
    {{- with .Values.pod.nodeSelector }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- end }}
  tolerations:
    - key: {{ .Values.gpu.resource }}
      operator: Exists
      effect: NoSchedule
    - key: runtime
      operator: Equal
      value: {{ include "sd.fullname" . }}
      effect: NoSchedule
    {{- with .Values.pod.tolerations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .Values.pod.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.pod.topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- $init := list }}
  {{- if include "sd.hasGuard" . }}{{ $init = append $init (include "sd.guardContainer" .) }}{{ end }}
  {{- if eq .Values.models.source "pull" }}{{ $init = append $init (include "sd.pullContainer" .) }}{{ end }}
  {{- range .Values.pod.extraInitContainers }}{{ $init = append $init (toYaml (list .)) }}{{ end }}
  {{- $beside := list }}
  {{- if include "sd.hasCollector" . }}{{ $beside = append $beside (include "sd.collectorContainer" .) }}{{ end }}
  {{- if eq .Values.telemetry.kind "xray" }}{{ $beside = append $beside (include "sd.xrayContainer" .) }}{{ end }}
  {{- $beside = append $beside (include "sd.engineContainer" .) }}
  {{- if .Values.nativeSidecars }}{{ $init = concat $init $beside }}{{ end }}
  {{- with $init }}
  initContainers:
    {{- range . }}
    {{- . | trim | nindent 4 }}
    {{- end }}
  {{- end }}
  containers:
    {{- include "sd.agentContainer" . | trim | nindent 4 }}
    {{- if not .Values.nativeSidecars }}
    {{- range $beside }}
    {{- . | trim | nindent 4 }}
    {{- end }}
    {{- end }}
  volumes:
    {{- range $index, $path := .Values.engine.writablePaths }}
    - name: writable-{{ $index }}
      emptyDir:
        sizeLimit: {{ $.Values.engine.writableSizeLimit }}
    {{- end }}
    - name: shared-memory
      emptyDir:
        medium: Memory
        sizeLimit: {{ .Values.engine.sharedMemory }}
    - name: agent-tmp
      emptyDir:
        sizeLimit: 1Gi
    {{- if include "sd.modelClaim" . }}
    - name: models
      persistentVolumeClaim:
        claimName: {{ include "sd.modelClaim" . }}
        readOnly: {{ or (ne .Values.models.source "claim") .Values.models.claim.readOnly }}
    {{- else if eq .Values.models.source "pull" }}
    - name: models
      emptyDir:
        sizeLimit: {{ .Values.models.pull.sizeLimit }}
    {{- end }}
    {{- if include "sd.hasCollector" . }}
    - name: collector
      configMap:
        name: {{ include "sd.fullname" . }}-collector
    {{- end }}
    {{- if .Values.agent.markPod }}
    - name: kubernetes
      projected:
        sources:
          - serviceAccountToken:
              path: token
              expirationSeconds: 3600
          - configMap:
              name: kube-root-ca.crt
              items:
                - key: ca.crt
                  path: ca.crt
          - downwardAPI:
              items:
                - path: namespace
                  fieldRef:
                    fieldPath: metadata.namespace
    {{- end }}
    {{- with .Values.pod.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}

{{/* A sidecar's restart policy, where sidecars are native. */}}
{{- define "sd.sidecar" -}}
{{- if .Values.nativeSidecars }}
restartPolicy: Always
{{- end }}
{{- end }}

{{/* A container's security context; where processes are shared, with the agent's user. Takes root and context. */}}
{{- define "sd.securityContext" -}}
{{- $context := deepCopy .context }}
{{- if include "sd.sharesProcesses" .root }}
{{- $context = mergeOverwrite $context (pick .root.Values.agent.securityContext "runAsUser" "runAsGroup") }}
{{- end }}
{{- toYaml $context }}
{{- end }}

{{/* Environment from a map, in order of name. */}}
{{- define "sd.environment" -}}
{{- range $name, $value := . }}
- name: {{ $name }}
  value: {{ $value | toString | quote }}
{{- end }}
{{- end }}

{{/* Network policies know pods; this one tells the engine from the agent by its user, before either is started. */}}
{{- define "sd.guardContainer" }}
- name: guard
  image: {{ include "sd.image" (dict "root" . "image" .Values.networkPolicy.guard.image "default" "sd-guard") }}
  imagePullPolicy: {{ include "sd.pullPolicy" (dict "root" . "image" .Values.networkPolicy.guard.image) }}
  args: [{{ int .Values.engine.securityContext.runAsUser | quote }}]
  resources:
    requests:
      cpu: 10m
      memory: 16Mi
    limits:
      memory: 32Mi
  securityContext:
    runAsUser: 0
    runAsNonRoot: false
    readOnlyRootFilesystem: true
    allowPrivilegeEscalation: false
    capabilities:
      drop:
        - ALL
      add:
        - NET_ADMIN
    seccompProfile:
      type: RuntimeDefault
{{- end }}

{{- define "sd.pullContainer" }}
- name: models
  image: {{ include "sd.image" (dict "root" . "image" .Values.models.pull.image "default" "sdctl") }}
  imagePullPolicy: {{ include "sd.pullPolicy" (dict "root" . "image" .Values.models.pull.image) }}
  args:
    - models
    - pull
    - {{ .Values.models.pull.uri | quote }}
    - {{ .Values.engine.modelMountPath | quote }}
  env:
    - name: AWS_REGION
      value: {{ .Values.global.awsRegion | quote }}
  resources:
    {{- toYaml .Values.models.pull.resources | nindent 4 }}
  securityContext:
    {{- toYaml .Values.agent.securityContext | nindent 4 }}
  volumeMounts:
    - name: models
      mountPath: {{ .Values.engine.modelMountPath }}
    - name: agent-tmp
      mountPath: /tmp
{{- end }}
